-- One row for each window and customer who had a case in the window before it: the service team of the last of these.
-- What a team does shows in its customers later; so they are told apart by who dealt with them before the window began.
-- Written for one window; the fact is all windows, one after the other.
select $period as period, customer_id, team as served_by
from (
  select
    t.customer_id,
    coalesce(g.team, t.team) as team,
    row_number() over (partition by t.customer_id order by t.opened_on desc, t.ticket_id desc) as place
  from source_tickets t
  left join source_agents g on g.agent_id = t.agent_id
  where t.opened_on >= $previous_starts_on
    and t.opened_on < $previous_ends_on
    and t.customer_id is not null
    and coalesce(g.team, t.team) is not null
) cases
where place = 1
