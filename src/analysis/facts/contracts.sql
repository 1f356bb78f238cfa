-- One row for each contract: when it came due, and whether it was renewed by the end of the $renewal_grace_days days after
-- that. While these days are running nobody can say, nor of a contract that never comes due.
-- Where no contract says when it was renewed, a later one renews it: of the same customer and product, begun within these
-- days before or after it came due. A list with a row for each term of a contract knows no other renewal.
-- One broken off before it was due was not renewed, unless another took its place that very day.
with due as (
  select
    k.*,
    coalesce(k.due_on, k.ends_on) as falls_due_on,
    add_days(coalesce(k.due_on, k.ends_on), -$renewal_grace_days) as window_starts_on,
    add_days(coalesce(k.due_on, k.ends_on), $renewal_grace_days) as window_ends_on
  from source_contracts k
),
followed as (
  select d.contract_id as renewed_id, min(n.starts_on) as followed_on
  from due d
  join source_contracts n on n.customer_id = d.customer_id and coalesce(n.product_id, '') = coalesce(d.product_id, '')
  where n.starts_on > d.starts_on and n.starts_on >= d.window_starts_on and n.starts_on <= d.window_ends_on
    and (select count(renewed_on) from source_contracts) = 0
  group by 1
),
known as (
  select d.*, coalesce(d.renewed_on, f.followed_on) as renewal_on
  from due d
  left join followed f on f.renewed_id = d.contract_id
),
judged as (
  select
    d.*,
    case
      when falls_due_on is null or window_ends_on >= $known_until then null
      when ends_on < falls_due_on then coalesce(renewal_on = ends_on, false)
      else coalesce(renewal_on <= window_ends_on, false)
    end as was_renewed
  from known d
)
select
  contract_id,
  customer_id,
  starts_on,
  ends_on,
  falls_due_on as due_on,
  case when renewal_on < $known_until then renewal_on end as renewed_on,
  window_ends_on as renewal_window_ends_on,
  yearly_value,
  product_id,
  was_renewed as is_renewed,
  case when was_renewed then yearly_value when not was_renewed then 0 * yearly_value end as renewed_value
from judged
