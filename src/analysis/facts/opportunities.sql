-- One row for each opportunity: a lead and what became of it, as known before the run's cut.
-- It is won or lost from the day it closed; a later closing is not known yet, and leaves it open. A closing day without an
-- outcome, as many systems hold for when one is expected, closes nothing. An outcome without a day belongs to no period:
-- such an opportunity is not open either, and whether a win came in time nobody can say.
-- Who works on it is the company's own word, else who held its customer when it was created; likewise its channel.
-- The time to win it is whole calendar days; what was won before it was created has none.
with known as (
  select
    o.*,
    case when o.outcome is not null and (o.closed_on is null or o.closed_on < $known_until) then o.outcome end as result,
    case when o.outcome is not null and o.closed_on < $known_until then o.closed_at end as ended_at,
    case when o.outcome is not null and o.closed_on < $known_until then o.closed_on end as ended_on,
    coalesce(o.account_manager_id, h.account_manager_id) as worked_on_by,
    coalesce(o.acquisition_channel, c.acquisition_channel) as came_by
  from source_opportunities o
  left join holdings h
    on h.customer_id = o.customer_id and o.created_on >= h.held_from and o.created_on < h.held_until
  left join source_customers c on c.customer_id = o.customer_id
)
select
  k.opportunity_id,
  k.customer_id,
  k.created_at,
  k.created_on,
  k.ended_at as closed_at,
  k.ended_on as closed_on,
  coalesce(k.result = 'won', false) as is_won,
  coalesce(k.result = 'lost', false) as is_lost,
  k.result is null as is_open,
  k.result as outcome,
  k.stage,
  k.value,
  case when k.result = 'won' then k.value end as won_value,
  case when k.result = 'lost' then k.lost_reason end as lost_reason,
  k.came_by as acquisition_channel,
  k.product_id,
  k.worked_on_by as account_manager_id,
  m.team as account_team,
  case when k.result = 'won' and k.ended_on >= k.created_on then days_between(k.created_on, k.ended_on) end as cycle_days,
  add_days(k.created_on, $lead_conversion_days) as conversion_window_ends_on,
  case
    when add_days(k.created_on, $lead_conversion_days) < $known_until
      then coalesce(k.result = 'won', false) and k.ended_on <= add_days(k.created_on, $lead_conversion_days)
  end as is_won_in_window
from known k
left join source_account_managers m on m.account_manager_id = k.worked_on_by
