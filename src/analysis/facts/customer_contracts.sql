-- One row for each window and customer who ever had a contract before its end: whether one was in force at the window's
-- start, at its end and a year before its end, and what those in force at the end are worth a year.
-- In force at a day: it began before that day and had not ended by then, which is the instant the day begins.
-- Written for one window; the fact is all windows, one after the other.
select
  $period as period,
  customer_id,
  max(case when starts_on < $starts_on and ends_after >= $starts_on then 1 else 0 end) = 1 as in_force_at_start,
  max(case when ends_after >= $ends_on then 1 else 0 end) = 1 as in_force_at_end,
  max(case when starts_on < $year_before_end_on and ends_after >= $year_before_end_on then 1 else 0 end) = 1
    as in_force_year_ago,
  sum(case when ends_after >= $ends_on then yearly_value else 0 end) as contracts_value_at_end
from (
  select customer_id, starts_on, coalesce(ends_on, date '9999-12-31') as ends_after, yearly_value
  from source_contracts
  where ends_on is null or ends_on > starts_on
) ran
where starts_on < $ends_on
group by customer_id
