-- One row for each case of a customer: who handled it, how long each step took, whether it was solved in one contact.
-- Durations are seconds of the company's working hours, or of every hour where it has set none; beside each stands
-- `…_elapsed_seconds`, by the clock on the wall. What comes before the opening is no duration.
-- The time it waited for the customer leaves the time to resolve it, at most all of it; a wait longer than the ticket
-- was open cannot be, and leaves the time unknown. Nothing that happened after the run's cut is known.
-- Solved in one contact: resolved within $first_contact_days days of its opening and never reopened, without a second
-- contact of its own in them and without its customer being heard of about the same topic. Nobody can say while these days
-- are running, nor of the silence of an unknown customer.
with known as (
  select
    t.*,
    coalesce(t.handled_by, 'agent') as handler,
    coalesce(g.team, t.team) as team_of_agent,
    case when t.first_replied_on < $known_until then t.first_replied_at end as replied_at,
    case when t.first_solution_on < $known_until then t.first_solution_at end as solution_at,
    case when t.resolved_on < $known_until then t.resolved_at end as solved_at
  from source_tickets t
  left join source_agents g on g.agent_id = t.agent_id
),
timed as (
  select
    k.*,
    c.contact_count,
    c.contacts_in_time,
    c.contacted_again_at,
    case when k.replied_at >= k.opened_at then seconds_between(k.opened_at, k.replied_at) end as reply_elapsed,
    case when k.solution_at >= k.opened_at then seconds_between(k.opened_at, k.solution_at) end as solution_elapsed,
    case when k.solved_at >= k.opened_at then seconds_between(k.opened_at, k.solved_at) end as solved_elapsed,
    o.open_seconds_before + seconds_open_by(o.starts_at, o.opens_seconds, o.closes_seconds, k.opened_at)
      as clock_opened,
    f.open_seconds_before + seconds_open_by(f.starts_at, f.opens_seconds, f.closes_seconds, k.replied_at)
      as clock_replied,
    p.open_seconds_before + seconds_open_by(p.starts_at, p.opens_seconds, p.closes_seconds, k.solution_at)
      as clock_solution,
    e.open_seconds_before + seconds_open_by(e.starts_at, e.opens_seconds, e.closes_seconds, k.solved_at)
      as clock_solved
  from known k
  left join ticket_contacts c on c.ticket_id = k.ticket_id
  left join calendar_days o on o.day = k.opened_on
  left join calendar_days f on f.day = k.first_replied_on
  left join calendar_days p on p.day = k.first_solution_on
  left join calendar_days e on e.day = k.resolved_on
)
select
  ticket_id,
  customer_id,
  opened_at,
  opened_on,
  replied_at as first_replied_at,
  case when replied_at is not null then first_replied_on end as first_replied_on,
  solution_at as first_solution_at,
  case when solution_at is not null then first_solution_on end as first_solution_on,
  solved_at as resolved_at,
  case when solved_at is not null then resolved_on end as resolved_on,
  due_at,
  due_on,
  waiting_seconds,
  reopened_count,
  reassigned_count,
  handler as handled_by,
  coalesce(is_complaint, false) as is_complaint,
  severity,
  topic,
  channel,
  priority,
  agent_id,
  agent_id as agent,
  team_of_agent as team,
  journey_stage,
  touchpoint,
  product_id,
  solved_at is not null as is_resolved,
  coalesce(reopened_count, 0) > 0 as is_reopened,
  case when reply_elapsed is not null then clock_replied - clock_opened end as first_response_seconds,
  reply_elapsed as first_response_elapsed_seconds,
  case when solution_elapsed is not null then clock_solution - clock_opened end as first_solution_seconds,
  solution_elapsed as first_solution_elapsed_seconds,
  case
    when coalesce(waiting_seconds, 0) <= solved_elapsed and clock_solved is not null
    then greatest(0, clock_solved - clock_opened - coalesce(waiting_seconds, 0))
  end as resolution_seconds,
  case
    when coalesce(waiting_seconds, 0) <= solved_elapsed then solved_elapsed - coalesce(waiting_seconds, 0)
  end as resolution_elapsed_seconds,
  case when solved_elapsed is not null then clock_solved - clock_opened end as turnaround_seconds,
  solved_elapsed as turnaround_elapsed_seconds,
  coalesce(due_on, case when solved_at is not null then resolved_on end, opened_on) as sla_judged_on,
  case
    when is_within_sla is not null then is_within_sla
    when solved_at is not null then solved_at <= due_at
    when due_on < $known_until then false
  end as is_within_sla,
  contact_count,
  contacted_again_at,
  add_days(opened_on, $first_contact_days) as repeat_window_ends_on,
  case
    when add_days(opened_on, $first_contact_days) >= $known_until then null
    when solved_elapsed is null or solved_elapsed >= 86400 * $first_contact_days then false
    when coalesce(reopened_count, 0) > 0 or contacts_in_time > 1 then false
    when customer_id is null then null
    else contacted_again_at is null
      or seconds_between(opened_at, contacted_again_at) >= 86400 * $first_contact_days
  end as is_first_contact_resolved
from timed
