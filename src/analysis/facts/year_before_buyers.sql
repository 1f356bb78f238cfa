-- One row for each window and customer who bought in the year before it: what he brought in that year, rounded, so
-- that equal amounts are equal in whatever order they were added up.
select
  $period as period,
  customer_id,
  round(revenue_between($year_before_start_on, $starts_on), 6) as revenue
from customer_stretches
where orders_between($year_before_start_on, $starts_on) > 0
