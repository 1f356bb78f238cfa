-- One row for each span of days in which one account manager held a customer, from held_from up to, not including,
-- held_until (31 December 9999 while it has no end). Spans of a customer do not overlap: of several assignments in force,
-- the one that began last holds; where it ends first, the one before it holds again.
with spans as (
  select
    customer_id,
    account_manager_id,
    assigned_from,
    coalesce(assigned_until, date '9999-12-31') as assigned_until
  from source_assignments
  where assigned_until is null or assigned_until > assigned_from
),
bounds as (
  select customer_id, assigned_from as day from spans
  union
  select customer_id, assigned_until from spans
),
stretches as (
  select customer_id, day as starts_on, lead(day) over (partition by customer_id order by day) as ends_on
  from bounds
),
held as (
  select t.customer_id, t.starts_on, t.ends_on, s.account_manager_id
  from stretches t
  join spans s on s.customer_id = t.customer_id and s.assigned_from <= t.starts_on and s.assigned_until > t.starts_on
  where t.ends_on is not null
  qualify row_number() over (partition by t.customer_id, t.starts_on order by s.assigned_from desc) = 1
),
compared as (
  select
    h.*,
    case
      when account_manager_id = lag(account_manager_id) over (partition by customer_id order by starts_on)
        and starts_on = lag(ends_on) over (partition by customer_id order by starts_on)
      then 0 else 1
    end as begins
  from held h
),
numbered as (
  select
    c.*,
    sum(begins) over (partition by customer_id order by starts_on rows between unbounded preceding and current row)
      as span
  from compared c
)
select
  n.customer_id,
  max(n.account_manager_id) as account_manager_id,
  max(m.team) as account_team,
  min(n.starts_on) as held_from,
  max(n.ends_on) as held_until
from numbered n
left join source_account_managers m on m.account_manager_id = n.account_manager_id
group by n.customer_id, n.span
