-- One row for each measure to be taken or milestone to be reached: who answers for it, and whether it was done by the day
-- it was due, of which nobody can say before that day is over.
-- It is its own account manager's, else that of whoever held its customer on the day it was due.
with answered_for as (
  select a.*, coalesce(a.account_manager_id, h.account_manager_id) as held_by
  from source_actions a
  left join holdings h on h.customer_id = a.customer_id and a.due_on >= h.held_from and a.due_on < h.held_until
)
select
  a.action_id,
  coalesce(a.kind, 'action') as kind,
  a.title,
  nullif(trim(a.measure), '') as measure,
  a.held_by as account_manager_id,
  m.team as account_team,
  a.customer_id,
  a.metric,
  a.planned_on,
  a.due_on,
  case when a.done_on < $known_until then a.done_on end as done_on,
  case when a.due_on < $known_until then coalesce(a.done_on <= a.due_on, false) end as is_done_in_time
from answered_for a
left join source_account_managers m on m.account_manager_id = a.held_by
