-- One row for each questionnaire and index it was answered for: ACSI-style (construct acsi) and SERVQUAL (servqual).
-- ACSI: 100 · Σ w · (score − lowest) / (highest − lowest) with Σ w = 1, where every item was answered.
-- SERVQUAL: perception less expectation of each item that has both; the gap of a dimension is the mean over its items,
-- the gap of the response the mean over its dimensions (or over items, or weighted by dimension, Σ w = 1). SERVPERF is
-- the mean perception over items. The scale runs from the lowest to the highest answer that any of its questions allows.
-- Weights count where all questions of the index have one; else all weigh the same.
with weights as (
  select
    case when construct = 'acsi' then 'acsi' else 'servqual' end as index_name,
    count(distinct coalesce(item, question_id)) as items,
    count(weight) = count(*) and sum(weight) > 0 as has_weights
  from source_questions
  where construct in ('acsi', 'servqual_perception')
  group by 1
),
answered as (
  select
    a.*,
    coalesce(a.item, a.question_id) as asked_item,
    case when w.has_weights then q.weight else 1 end as weight,
    w.items as items_asked
  from answers a
  join source_questions q on q.question_id = a.question_id
  join weights w on w.index_name = case when a.construct = 'acsi' then 'acsi' else 'servqual' end
  where a.construct in ('acsi', 'servqual_perception', 'servqual_expectation') and a.score is not null
),
given_by as (
  select
    survey_id,
    case when construct = 'acsi' then 'acsi' else 'servqual' end as construct,
    max(respondent_id) as respondent_id,
    min(scale_min) as scale_min,
    max(scale_max) as scale_max,
    max(customer_id) as customer_id,
    max(answered_at) as answered_at,
    max(answered_on) as answered_on,
    max(kind) as kind,
    max(ticket_id) as ticket_id,
    max(channel) as channel,
    max(journey_stage) as journey_stage,
    max(touchpoint) as touchpoint,
    max(team) as team,
    max(agent) as agent
  from answered
  group by 1, 2
),
acsi as (
  select
    survey_id,
    case
      when count(distinct asked_item) = max(items_asked) and sum(weight) > 0
        then 100 * sum(weight * score_share) / sum(weight)
    end as acsi_score
  from answered
  where construct = 'acsi'
  group by survey_id
),
pairs as (
  select
    survey_id,
    asked_item,
    coalesce(
      max(case when construct = 'servqual_perception' then question_dimension end), max(question_dimension), ''
    ) as question_dimension,
    avg(case when construct = 'servqual_perception' then score end) as perception,
    avg(case when construct = 'servqual_expectation' then score end) as expectation,
    avg(case when construct = 'servqual_perception' then weight end) as weight,
    max(items_asked) as items_asked
  from answered
  where construct <> 'acsi'
  group by survey_id, asked_item
),
gaps as (
  select
    survey_id,
    question_dimension,
    avg(perception - expectation) as gap,
    avg(case when expectation is not null then weight end) as weight,
    sum(perception - expectation) as sum_of_gaps,
    count(perception - expectation) as items_paired,
    sum(perception) as sum_of_perceptions,
    count(perception) as items_perceived,
    max(items_asked) as items_asked
  from pairs
  group by survey_id, question_dimension
),
servqual as (
  select
    survey_id,
    avg(gap) as servqual_gap,
    case when sum(items_paired) > 0 then sum(sum_of_gaps) / sum(items_paired) end as servqual_gap_items,
    case
      when sum(case when gap is not null then weight end) > 0
        then sum(gap * weight) / sum(case when gap is not null then weight end)
    end as servqual_gap_weighted,
    case when sum(items_perceived) > 0 then sum(sum_of_perceptions) / sum(items_perceived) end as servperf,
    sum(items_paired) = max(items_asked) as is_complete
  from gaps
  group by survey_id
)
select
  g.*,
  case when g.construct = 'acsi' then a.acsi_score is not null else coalesce(s.is_complete, false) end as is_complete,
  a.acsi_score,
  s.servqual_gap,
  s.servqual_gap_items,
  s.servqual_gap_weighted,
  s.servperf
from given_by g
left join acsi a on g.construct = 'acsi' and a.survey_id = g.survey_id
left join servqual s on g.construct = 'servqual' and s.survey_id = g.survey_id
