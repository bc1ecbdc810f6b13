-- When the newest build began, in UTC.
select cast('{{ run_started_at }}' as timestamp) as started_at
