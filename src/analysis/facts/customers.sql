-- One row for each customer: when he was first seen, and his traits. Customers who never bought are here too,
-- if the company keeps the day it acquired them.
with bought as (
  select customer_id, min(case when is_purchase then ordered_on end) as first_order_on
  from orders
  where customer_id is not null
  group by customer_id
)
select
  coalesce(b.customer_id, c.customer_id) as customer_id,
  c.customer_name,
  b.first_order_on,
  case
    when $new_customers_by = 'first_order' then b.first_order_on
    else least(coalesce(c.acquired_on, b.first_order_on), coalesce(b.first_order_on, c.acquired_on))
  end as first_seen_on,
  c.segment,
  c.industry,
  c.region,
  c.acquisition_channel
from bought b
full outer join source_customers c on b.customer_id = c.customer_id
