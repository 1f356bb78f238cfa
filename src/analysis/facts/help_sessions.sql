-- One row for each visit to the knowledge base: whether the reader helped himself, that is, made no contact within
-- $self_service_days days of its beginning. Nobody can say while that time is running, nor of an unknown reader.
with events as (
  select customer_id, started_at as happened_at, 0 as is_contact, session_id
  from source_help_sessions
  where customer_id is not null
  union all
  select customer_id, started_at, 1, contact_id
  from contacts
  where customer_id is not null and is_inbound
),
followed as (
  select
    session_id,
    is_contact,
    min(case when is_contact = 1 then happened_at end) over (
      partition by customer_id order by happened_at, is_contact, session_id
      rows between current row and unbounded following
    ) as next_contact_at
  from events
)
select
  h.session_id,
  h.customer_id,
  h.started_at,
  h.started_on,
  add_days(h.started_on, $self_service_days) as followed_until_on,
  h.topic,
  coalesce(h.views, 1) as views,
  h.is_helpful,
  case
    when h.customer_id is null or add_days(h.started_on, $self_service_days) >= $known_until then null
    else f.next_contact_at is null
      or seconds_between(h.started_at, f.next_contact_at) >= 86400 * $self_service_days
  end as is_solved_alone
from source_help_sessions h
left join followed f on f.session_id = h.session_id and f.is_contact = 0
