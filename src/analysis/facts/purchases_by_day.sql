-- One row for each day with a purchase: how many customers bought for the first time on it, and how many repeat
-- occasions fell on it.
with occasions as (
  select customer_id, ordered_on from purchase_days
),
counted as (
  select ordered_on, count(*) as purchases, 0 as first_orders from occasions group by ordered_on
  union all
  select first_order_on, 0, count(*)
  from (select min(ordered_on) as first_order_on from occasions group by customer_id) firsts
  group by first_order_on
)
select ordered_on, sum(first_orders) as first_orders, sum(purchases) - sum(first_orders) as repeat_orders
from counted
group by ordered_on
order by ordered_on
