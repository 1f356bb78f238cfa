-- One row for each cohort (customers first buying in the same $cohort_months months) and stretch of as many months
-- since: how many of them bought, and what.
with first_orders as (
  select customer_id, min(ordered_on) as first_order_on
  from orders
  where is_purchase
  group by customer_id
)
select
  cast(floor(month_index(f.first_order_on) / $cohort_months) as bigint) as cohort_index,
  cast(floor(month_index(o.ordered_on) / $cohort_months) as bigint)
    - cast(floor(month_index(f.first_order_on) / $cohort_months) as bigint) as steps_since,
  count(distinct o.customer_id) as customers,
  sum(coalesce(o.net_amount, 0)) as net_revenue
from orders o
join first_orders f on f.customer_id = o.customer_id
where o.is_purchase
group by 1, 2
