-- One row for each questionnaire sent: whether it came back, and whether within $survey_answer_days days. While that time
-- is still running nobody can say, nor where it came back before it was sent.
-- It came back when the company says so, else with its first answer.
with first_answers as (
  select survey_id, min(answered_at) as answered_at, min(answered_on) as answered_on
  from source_answers
  where score is not null or nullif(trim(comment), '') is not null
  group by survey_id
),
returned as (
  select
    s.*,
    case when coalesce(s.answered_on, a.answered_on) < $known_until then coalesce(s.answered_at, a.answered_at) end
      as returned_at,
    case when coalesce(s.answered_on, a.answered_on) < $known_until then coalesce(s.answered_on, a.answered_on) end
      as returned_on
  from source_surveys s
  left join first_answers a on a.survey_id = s.survey_id
)
select
  r.survey_id,
  r.customer_id,
  r.sent_at,
  r.sent_on,
  r.returned_at as answered_at,
  r.returned_on as answered_on,
  r.returned_at is not null as is_answered,
  case
    when add_days(r.sent_on, $survey_answer_days) >= $known_until or r.returned_at < r.sent_at then null
    else coalesce(seconds_between(r.sent_at, r.returned_at) <= $survey_answer_days * 86400, false)
  end as is_answered_in_time,
  r.kind,
  r.channel,
  r.journey_stage,
  r.touchpoint,
  r.ticket_id,
  r.chosen_by,
  coalesce(trim(r.chosen_by), '') not in ('', 'system') as is_hand_picked,
  coalesce(g.team, t.team) as team,
  t.agent_id as agent
from returned r
left join source_tickets t on t.ticket_id = r.ticket_id
left join source_agents g on g.agent_id = t.agent_id
