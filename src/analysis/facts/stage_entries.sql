-- One row for each opportunity and stage of the funnel that it stands in or has been through.
-- To reach a stage is to pass all earlier ones, and to win is to pass them all, also those skipped: these are passed on the
-- day of what came next, and nobody stood in them. A stage entered again counts once, from its first entry; going back
-- leaves nothing. Of stages that share a number, only the one that was entered is counted.
-- A stage is left when a later one is reached or the opportunity closes. It is decided then, or $stage_conversion_days days
-- after it was entered, whichever comes first; until then nobody can say.
-- Which stages there are, and their order, is found from the entries. A stage entered only on the day of closing, and only
-- by the won or only by the lost, is the closing itself, not a stage. What is entered after the closing, or by an
-- opportunity nobody knows, does not count; an opportunity without entries has no rows.
with entries as (
  select e.opportunity_id, e.stage, e.stage_number, e.entered_at, e.entered_on, o.closed_on, o.is_open, o.outcome
  from source_stage_entries e
  join opportunities o on o.opportunity_id = e.opportunity_id
  where o.closed_on is null or e.entered_on <= o.closed_on
),
stages as (
  select stage, min(stage_number) as stage_number
  from entries
  group by stage
  having count(case when is_open or entered_on < closed_on then 1 end) > 0 or count(distinct outcome) = 2
),
funnel as (
  select stage, stage_number, count(*) over (partition by stage_number) as stages_alike
  from stages
),
first_entries as (
  select e.opportunity_id, e.stage, f.stage_number, min(e.entered_at) as entered_at, min(e.entered_on) as entered_on
  from entries e
  join funnel f on f.stage = e.stage
  group by e.opportunity_id, e.stage, f.stage_number
),
furthest as (
  select opportunity_id, max(stage_number) as stage_number
  from first_entries
  group by opportunity_id
),
reached as (
  select
    o.*,
    f.stage as stage_reached,
    f.stage_number,
    e.entered_at as own_entered_at,
    e.entered_on as own_entered_on,
    min(e.entered_at) over later as later_at,
    min(e.entered_on) over later as later_on
  from furthest r
  join opportunities o on o.opportunity_id = r.opportunity_id
  cross join funnel f
  left join first_entries e on e.opportunity_id = r.opportunity_id and e.stage = f.stage
  where e.stage is not null or (f.stages_alike = 1 and (f.stage_number < r.stage_number or o.is_won))
  window later as (
    partition by r.opportunity_id order by f.stage_number desc
    range between unbounded preceding and 1 preceding
  )
),
passed as (
  select
    r.*,
    case
      when own_entered_at <= later_at or later_at is null then own_entered_at
    end as stood_from,
    coalesce(later_on, case when is_won then closed_on end) as passed_on,
    case
      when own_entered_at <= later_at or later_at is null then coalesce(own_entered_at, closed_at)
      else later_at
    end as entered_at,
    case
      when own_entered_at <= later_at or later_at is null then coalesce(own_entered_on, closed_on)
      else later_on
    end as entered_on
  from reached r
),
left_when as (
  select
    p.*,
    coalesce(passed_on, closed_on) as left_on,
    add_days(entered_on, $stage_conversion_days) as window_ends_on
  from passed p
  where entered_on is not null
)
select
  opportunity_id,
  customer_id,
  stage_reached as stage,
  stage_number,
  entered_at,
  entered_on,
  left_on,
  case
    when left_on <= window_ends_on then left_on
    when window_ends_on < $known_until and (left_on is not null or is_open) then window_ends_on
  end as decided_on,
  case
    when left_on <= window_ends_on then passed_on is not null
    when window_ends_on < $known_until and (left_on is not null or is_open) then false
  end as is_passed,
  case when stood_from is not null then days_between(entered_on, left_on) end as days_in_stage,
  is_won,
  closed_on,
  acquisition_channel,
  product_id,
  account_manager_id,
  account_team
from left_when
