-- One row for each day with a purchase: how many customers bought for the first time on it, and how many repeat
-- occasions fell on it.
select
  ordered_on,
  sum(case when nth = 1 then 1 else 0 end) as first_orders,
  sum(case when nth > 1 then 1 else 0 end) as repeat_orders
from purchase_days
group by ordered_on
order by ordered_on
