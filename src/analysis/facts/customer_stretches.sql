-- One row for each customer: his traits, and his orders and revenue in each stretch of days between two bounds of any
-- window. The windows' bounds cut time into few stretches; whatever a window asks for is a sum over some of them, so
-- orders are read once, however many windows there are. Where a contract in force makes a customer, also whether he had
-- one at each of those bounds.
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
),
contracted as (
  select customer_id, contracts_at_bounds()
  from source_contracts
  where $customer_base <> 'orders'
  group by customer_id
)
select
  c.customer_id,
  c.first_seen_on,
  c.segment,
  c.industry,
  c.region,
  c.acquisition_channel,
  c.acquisition_cost,
  o.first_row_on,
  columns_of_stretches()
from customers c
left join ordered o on o.customer_id = c.customer_id
left join contracted k on k.customer_id = c.customer_id
