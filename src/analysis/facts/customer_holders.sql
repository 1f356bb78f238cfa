-- One row for each window and customer whom an account manager held in it: who did when the window began, or on the day the
-- customer was first seen where that was later; where nobody did then, the first who held him after that.
-- Written for one window; the fact is all windows, one after the other.
select $period as period, customer_id, account_manager_id, account_team
from (
  select
    h.customer_id,
    h.account_manager_id,
    h.account_team,
    row_number() over (partition by h.customer_id order by h.held_from) as place
  from holdings h
  left join customer_stretches s on s.customer_id = h.customer_id
  where h.held_from < $ends_on
    and h.held_until > case
      when s.first_seen_on > $starts_on and s.first_seen_on < $ends_on then s.first_seen_on else $starts_on
    end
) in_order
where place = 1
