-- One row for each contract: when it came due, and whether it was renewed by the end of the $renewal_grace_days days after
-- that. While these days are running nobody can say, nor of a contract that never comes due.
-- One broken off before it was due was not renewed, unless another took its place that very day.
with due as (
  select
    k.*,
    coalesce(k.due_on, k.ends_on) as falls_due_on,
    add_days(coalesce(k.due_on, k.ends_on), $renewal_grace_days) as window_ends_on
  from source_contracts k
),
judged as (
  select
    d.*,
    case
      when falls_due_on is null or window_ends_on >= $known_until then null
      when ends_on < falls_due_on then coalesce(renewed_on = ends_on, false)
      else coalesce(renewed_on <= window_ends_on, false)
    end as was_renewed
  from due d
)
select
  contract_id,
  customer_id,
  starts_on,
  ends_on,
  falls_due_on as due_on,
  case when renewed_on < $known_until then renewed_on end as renewed_on,
  window_ends_on as renewal_window_ends_on,
  yearly_value,
  product_id,
  was_renewed as is_renewed,
  case when was_renewed then yearly_value when not was_renewed then 0 * yearly_value end as renewed_value
from judged
