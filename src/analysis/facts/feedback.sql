-- One row for each comment, wherever it comes from: the company's own list, and what was written in questionnaires. A
-- comment of a questionnaire that the list repeats in the same words of the same customer counts once, as in the list.
-- Its score is high, middle or low: promoters, passives and detractors where a 0–10 recommendation came with it, else
-- from 80 %, and up to 50 % of the highest score. In a questionnaire, the comment's own score counts, else the mean of
-- its scored answers.
with scored_surveys as (
  select
    survey_id,
    avg(case when construct = 'nps' and scale_max = 10 then score end) as recommendation,
    avg(case when construct in ('csat', 'nps', 'ces') and scale_max > 0 then score / scale_max end) as share_of_highest
  from answers
  where score is not null
  group by survey_id
),
written as (
  select
    concat(a.survey_id, ' ', a.question_id) as feedback_id,
    a.answered_at as given_at,
    a.answered_on as given_on,
    'survey' as source,
    a.customer_id,
    a.comment,
    a.score,
    case when a.score is not null then a.scale_max end as scale_max,
    case
      when a.score is null then s.recommendation
      when a.construct = 'nps' and a.scale_max = 10 then a.score
    end as recommendation,
    case when a.score is not null and a.scale_max > 0 then a.score / a.scale_max else s.share_of_highest end
      as share_of_highest,
    a.journey_stage,
    a.touchpoint
  from answers a
  left join scored_surveys s on s.survey_id = a.survey_id
  left join (
    select distinct customer_id, trim(comment) as comment
    from source_feedback
    where source = 'survey' and customer_id is not null
  ) listed on listed.customer_id = a.customer_id and listed.comment = a.comment
  where a.comment is not null and listed.customer_id is null
),
everything as (
  select
    feedback_id,
    given_at,
    given_on,
    source,
    customer_id,
    trim(comment) as comment,
    score,
    scale_max,
    cast(null as double) as recommendation,
    case when scale_max > 0 then score / scale_max end as share_of_highest,
    journey_stage,
    touchpoint
  from source_feedback
  union all
  select
    feedback_id,
    given_at,
    given_on,
    source,
    customer_id,
    comment,
    score,
    scale_max,
    recommendation,
    share_of_highest,
    journey_stage,
    touchpoint
  from written
)
select
  feedback_id,
  given_at,
  given_on,
  source,
  customer_id,
  comment,
  score,
  scale_max,
  case
    when recommendation >= 9 then 'high'
    when recommendation >= 7 then 'middle'
    when recommendation is not null then 'low'
    when share_of_highest >= 0.8 then 'high'
    when share_of_highest > 0.5 then 'middle'
    when share_of_highest is not null then 'low'
  end as score_group,
  journey_stage,
  touchpoint
from everything
where comment <> ''
