-- One row for each window and opportunity that is open at its end, with the value it may bring: its own times the share won
-- of those closed before that had reached its stage (of all closed, where the stage is not known or none of it closed).
-- The stage is the one last entered by then; without entries, that of its own record while it is open.
-- Written for one window; the fact is all windows, one after the other.
select
  $period as period,
  p.opportunity_id,
  p.customer_id,
  p.stage,
  s.stage_number,
  p.value,
  coalesce(s.win_rate, a.win_rate) as stage_win_rate,
  p.value * coalesce(s.win_rate, a.win_rate) as weighted_value,
  p.acquisition_channel,
  p.product_id,
  p.account_manager_id,
  p.account_team
from (
  select
    o.opportunity_id,
    o.customer_id,
    coalesce(e.stage, case when o.is_open then o.stage end) as stage,
    o.value,
    o.acquisition_channel,
    o.product_id,
    o.account_manager_id,
    o.account_team
  from opportunities o
  left join (
    select
      opportunity_id,
      stage,
      row_number() over (partition by opportunity_id order by entered_at desc, stage_number desc, stage) as from_last
    from source_stage_entries
    where entered_on < $ends_on
  ) e on e.opportunity_id = o.opportunity_id and e.from_last = 1
  where o.created_on < $ends_on and (o.is_open or o.closed_on >= $ends_on)
) p
left join (
  select
    stage,
    min(stage_number) as stage_number,
    avg(case when closed_on < $ends_on then case when is_won then 1.0 else 0.0 end end) as win_rate
  from stage_entries
  group by stage
) s on s.stage = p.stage
cross join (
  select avg(case when is_won then 1.0 else 0.0 end) as win_rate
  from opportunities
  where closed_on < $ends_on
) a
