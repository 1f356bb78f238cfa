-- One row for each window and agent who handled a contact in it: how many, in either direction. Contacts nobody knows
-- the agent of are no one's.
select
  d.period,
  c.agent_id,
  c.agent_id as agent,
  max(c.team) as team,
  count(*) as handled_contacts
from contacts c
join window_days d on d.day = c.started_on
where c.is_handled and c.agent_id is not null
group by d.period, c.agent_id
