-- One row for each customer: his traits, and his orders and revenue in each stretch of days between two bounds of any
-- window. The windows' bounds cut time into few stretches; whatever a window asks for is a sum over some of them, so
-- orders are read once, however many windows there are.
with placed as (
  select
    customer_id,
    ordered_on,
    is_purchase,
    net_amount,
    stretch_of_orders(ordered_on) as orders_stretch,
    stretch_of_revenue(ordered_on) as revenue_stretch
  from orders
  where customer_id is not null
),
ordered as (
  select customer_id, min(ordered_on) as first_row_on, sums_of_stretches()
  from placed
  group by customer_id
)
select
  c.customer_id,
  c.first_seen_on,
  c.segment,
  c.industry,
  c.region,
  c.acquisition_channel,
  o.first_row_on,
  columns_of_stretches()
from customers c
left join ordered o on o.customer_id = c.customer_id
