-- One row for each window and day in it on which a customer and the company's service met, so that those rows find their
-- windows by an equality, however the windows overlap.
with days as (
  select started_on as day from source_contacts
  union
  select started_on from source_help_sessions
  union
  select sent_on from source_surveys
  union
  select answered_on from answers
)
select w.period, d.day
from days d
join windows w on d.day >= w.starts_on and d.day < w.ends_on
