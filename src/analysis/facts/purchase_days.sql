-- One row for each customer and day on which he bought: the purchase occasion, net of that day's returns.
-- A day below zero, or brought to zero by a return, is no occasion; an order of zero value is one.
-- Amounts within half a millionth of zero are zero: sums of decimals in floating point seldom meet it exactly.
with days as (
  select
    customer_id,
    ordered_on,
    sum(history_amount) as amount,
    sum(case when is_return then 1 else 0 end) as returns
  from source_orders
  where customer_id is not null and history_amount is not null
  group by customer_id, ordered_on
)
select customer_id, ordered_on, amount
from days
where amount >= 5e-7 or (amount > -5e-7 and returns = 0)
