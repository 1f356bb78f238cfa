-- One row for each customer: when he was first seen, and his traits. Customers who never bought are here too,
-- if the company keeps the day it acquired them. First seen is the first order; where a contract in force makes a customer
-- ($customer_base), the first day of a contract, or whichever came first; or the company's own day, if that is earlier.
with bought as (
  select customer_id, min(case when is_purchase then ordered_on end) as first_order_on
  from orders
  where customer_id is not null
  group by customer_id
),
contracted as (
  select customer_id, min(starts_on) as first_contract_on
  from source_contracts
  where $customer_base <> 'orders' and (ends_on is null or ends_on > starts_on)
  group by customer_id
),
dealt as (
  select
    coalesce(b.customer_id, k.customer_id) as customer_id,
    b.first_order_on,
    case
      when $customer_base = 'orders' then b.first_order_on
      when $customer_base = 'contracts' then k.first_contract_on
      else least(coalesce(b.first_order_on, k.first_contract_on), coalesce(k.first_contract_on, b.first_order_on))
    end as first_dealt_on
  from bought b
  full outer join contracted k on k.customer_id = b.customer_id
)
select
  coalesce(d.customer_id, c.customer_id) as customer_id,
  c.customer_name,
  d.first_order_on,
  case
    when $new_customers_by = 'first_order' then d.first_dealt_on
    else least(coalesce(c.acquired_on, d.first_dealt_on), coalesce(d.first_dealt_on, c.acquired_on))
  end as first_seen_on,
  c.segment,
  c.industry,
  c.region,
  c.acquisition_channel,
  c.acquisition_cost
from dealt d
full outer join source_customers c on d.customer_id = c.customer_id
