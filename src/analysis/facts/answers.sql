-- One row for each answer that counts: not empty, dated, to a question that is known, on that question's scale. The
-- survey gate says how many others there are.
-- Reversed questions are turned, so that more is better; effort (ces_v1) stays as it was answered: less is better.
-- An answer is satisfied at 4 of 1–5, 6 of 1–7, 9 of 1–10 and 80 of 0–100; on other scales nobody can say. Promoters
-- and detractors are known on 0–10 only, and not where the answers show that 0–10 is not what was asked: of 30 or more
-- all lie between 1 and 5, or most lie above 10.
with asked_otherwise as (
  select a.question_id
  from source_answers a
  join source_questions q on q.question_id = a.question_id
  where q.construct = 'nps' and q.scale_min = 0 and q.scale_max = 10 and a.score is not null
  group by a.question_id
  having count(*) >= 30 and (
    (min(a.score) >= 1 and max(a.score) <= 5 and count(distinct a.score) >= 3)
    or 2 * sum(case when a.score > 10 then 1 else 0 end) > count(*)
  )
), scored as (
  select
    a.survey_id,
    a.question_id,
    coalesce(a.customer_id, s.customer_id) as customer_id,
    coalesce(a.answered_at, s.answered_at) as answered_at,
    coalesce(a.answered_on, s.answered_on) as answered_on,
    coalesce(s.kind, 'relationship') as kind,
    q.construct,
    case when q.construct = 'csat' then coalesce(q.item, 'overall') else q.item end as item,
    q.dimension as question_dimension,
    q.scale_min,
    q.scale_max,
    case
      when coalesce(q.reversed, false) and q.construct <> 'ces_v1' then q.scale_min + q.scale_max - a.score
      else a.score
    end as score,
    nullif(trim(a.comment), '') as comment,
    s.ticket_id,
    s.channel,
    s.journey_stage,
    s.touchpoint,
    s.chosen_by,
    q.construct = 'nps' and q.scale_min = 0 and q.scale_max = 10 and o.question_id is null as is_nps
  from source_answers a
  join source_questions q on q.question_id = a.question_id
  left join source_surveys s on s.survey_id = a.survey_id
  left join asked_otherwise o on o.question_id = a.question_id
  where a.score is null or (a.score >= q.scale_min and a.score <= q.scale_max)
)
select
  r.survey_id,
  r.question_id,
  coalesce(r.customer_id, concat('survey ', r.survey_id)) as respondent_id,
  r.customer_id,
  r.answered_at,
  r.answered_on,
  r.kind,
  r.construct,
  r.item,
  r.item is null or r.item = 'overall' as is_overall,
  r.question_dimension,
  r.scale_min,
  r.scale_max,
  r.score,
  case when r.scale_max > r.scale_min then (r.score - r.scale_min) / (r.scale_max - r.scale_min) end as score_share,
  case
    when r.construct <> 'csat' or r.score is null then null
    when r.scale_min = 1 and r.scale_max = 5 then r.score >= 4
    when r.scale_min = 1 and r.scale_max = 7 then r.score >= 6
    when r.scale_min = 1 and r.scale_max = 10 then r.score >= 9
    when r.scale_min = 0 and r.scale_max = 100 then r.score >= 80
  end as is_satisfied,
  case when r.is_nps then r.score >= 9 end as is_promoter,
  case when r.is_nps then r.score <= 6 end as is_detractor,
  r.comment,
  r.ticket_id,
  r.channel,
  r.journey_stage,
  r.touchpoint,
  r.chosen_by,
  coalesce(g.team, t.team) as team,
  t.agent_id as agent
from scored r
left join source_tickets t on t.ticket_id = r.ticket_id
left join source_agents g on g.agent_id = t.agent_id
where (r.score is not null or r.comment is not null)
  and r.answered_on < $known_until
