-- One row for each customer and day on which he bought: the purchase occasion, net of that day's returns.
-- A day below zero, or brought to zero by a return, is no occasion; an order of zero value is one.
with days as (
  select
    customer_id,
    ordered_on,
    round(sum(history_amount), 6) as amount,
    sum(case when is_return then 1 else 0 end) as returns
  from source_orders
  where customer_id is not null and history_amount is not null
  group by customer_id, ordered_on
)
select
  customer_id,
  ordered_on,
  amount,
  row_number() over (partition by customer_id order by ordered_on) as nth
from days
where amount > 0 or (amount = 0 and returns = 0)
