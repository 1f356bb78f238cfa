-- One row for each span in which an agent was logged in: how long he handled contacts, and how long he waited for one.
select
  s.agent_id,
  s.agent_id as agent,
  coalesce(g.team, s.team) as team,
  s.started_at,
  s.started_on,
  s.handling_seconds,
  s.available_seconds
from source_shifts s
left join source_agents g on g.agent_id = s.agent_id
