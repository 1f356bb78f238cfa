-- One row for each call, chat, message or visit: who dealt with it, how it ended, how long it took.
-- Inbound is what a customer began; what failed for technical reasons came about for nobody, and is not inbound. Offered
-- is what came in for a person to answer: a contact that a bot or workflow dealt with alone is not. Where nobody knows
-- whether a bot's contact reached a person, nobody knows what depends on it.
-- The response is counted in seconds of the company's working hours, or of every hour where it has set none; beside it
-- stands the wait by the clock on the wall.
with placed as (
  select
    c.*,
    coalesce(c.direction, 'inbound') as way,
    coalesce(c.handled_by, 'agent') as handler,
    case when coalesce(c.handled_by, 'agent') = 'agent' then true else c.reached_agent end as has_reached_agent,
    coalesce(g.team, c.team) as team_of_agent,
    case when c.outcome = 'answered' then c.wait_seconds end as response,
    b.open_seconds_before + seconds_open_by(b.starts_at, b.opens_seconds, b.closes_seconds, c.started_at)
      as clock_started,
    b.starts_at as day_starts_at,
    seconds_between(b.starts_at, c.started_at) + c.wait_seconds as replied_after_day_start
  from source_contacts c
  left join source_agents g on g.agent_id = c.agent_id
  left join calendar_days b on b.day = c.started_on
),
replied as (
  select
    p.*,
    e.open_seconds_before + least(
      greatest(
        p.replied_after_day_start - seconds_between(p.day_starts_at, e.starts_at) - e.opens_seconds, cast(0 as double)
      ),
      e.closes_seconds - e.opens_seconds
    ) as clock_replied
  from placed p
  left join calendar_days e
    on e.day = add_days(p.started_on, cast(floor(p.replied_after_day_start / 86400) as bigint))
)
select
  contact_id,
  customer_id,
  ticket_id,
  started_at,
  started_on,
  way as direction,
  channel,
  topic,
  outcome,
  handler as handled_by,
  has_reached_agent as reached_agent,
  coalesce(is_complaint, false) as is_complaint,
  agent_id,
  agent_id as agent,
  team_of_agent as team,
  journey_stage,
  touchpoint,
  way = 'inbound' and outcome <> 'failed' as is_inbound,
  outcome = 'answered' as is_answered,
  outcome = 'abandoned' as is_abandoned,
  way = 'inbound' and outcome <> 'failed' and has_reached_agent as is_offered,
  outcome = 'answered' and coalesce(has_reached_agent, false) as is_handled,
  handler <> 'agent' and not has_reached_agent as is_automated,
  outcome = 'abandoned' and wait_seconds <= $service_level_seconds as is_short_abandon,
  outcome = 'answered' and wait_seconds <= $service_level_seconds as is_answered_in_time,
  wait_seconds,
  case when response is not null then clock_replied - clock_started end as response_seconds,
  response as response_elapsed_seconds,
  talk_seconds + coalesce(hold_seconds, 0) + coalesce(wrap_up_seconds, 0) as handling_seconds
from replied
