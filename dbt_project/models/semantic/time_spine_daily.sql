select cast(date_day as date) as date_day
from {{ days_between('2000-01-01', '2049-12-31') }}
