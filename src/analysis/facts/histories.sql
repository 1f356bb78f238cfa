-- One row for each customer who bought up to $histories_until: the history the purchase models read, in days.
with spans as (
  select
    customer_id,
    min(ordered_on) as first_order_on,
    max(ordered_on) as last_order_on,
    count(*) - 1 as repeat_orders,
    arg_min(amount, ordered_on) as first_amount,
    round(sum(amount) - arg_min(amount, ordered_on), 6) as repeat_amount
  from purchase_days
  where ordered_on <= $histories_until
  group by customer_id
)
select
  customer_id,
  first_order_on,
  last_order_on,
  repeat_orders,
  days_between(first_order_on, last_order_on) as days_first_to_last_order,
  days_between(first_order_on, $histories_until) as days_observed,
  first_amount,
  case when repeat_orders > 0 and repeat_amount > 0 then repeat_amount / repeat_orders end as mean_repeat_spend
from spans
order by customer_id
