"""The dbt project, run by the real dbt over DuckDB files with hand-made raw rows."""
