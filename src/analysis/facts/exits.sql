-- One row for each time a customer left: of what kind and why, and the day he came back, which is that of his first order,
-- or the first day of his first contract, after it.
with dealings as (
  select customer_id, ordered_on as day
  from orders
  where is_purchase
  union all
  select customer_id, starts_on
  from source_contracts
  where ends_on is null or ends_on > starts_on
),
returned as (
  select e.customer_id, e.exited_on, min(d.day) as came_back_on
  from source_exits e
  join dealings d on d.customer_id = e.customer_id and d.day > e.exited_on
  group by e.customer_id, e.exited_on
)
select
  e.customer_id,
  e.exited_on,
  e.kind,
  nullif(trim(e.reason), '') as reason,
  nullif(trim(e.comment), '') as comment,
  r.came_back_on
from source_exits e
left join returned r on r.customer_id = e.customer_id and r.exited_on = e.exited_on
