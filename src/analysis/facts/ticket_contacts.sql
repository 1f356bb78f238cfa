-- One row for each ticket: how many contacts it took, and when its customer was next heard of about the same topic.
-- Contacts that were answered count, in either direction; those that began within $first_contact_days days of the opening
-- stand apart. A ticket stands for its own first contact; what its customer begins after that, another contact or another
-- ticket, is the next. Contacts without a topic have that of their ticket, else one of their own.
with contacted as (
  select
    t.ticket_id,
    min(t.customer_id) as customer_id,
    min(t.topic) as topic,
    count(case when c.outcome = 'answered' then 1 end) as contact_count,
    count(
      case
        when c.outcome = 'answered' and seconds_between(t.opened_at, c.started_at) < 86400 * $first_contact_days then 1
      end
    ) as contacts_in_time,
    coalesce(min(case when c.outcome = 'answered' then c.started_at end), min(c.started_at)) as first_contact_at
  from source_contacts c
  join source_tickets t on t.ticket_id = c.ticket_id
  group by t.ticket_id
),
events as (
  select
    coalesce(c.customer_id, t.customer_id) as customer_id,
    coalesce(c.topic, t.topic, '') as topic,
    c.started_at as happened_at,
    0 as is_ticket,
    '' as ticket_id
  from source_contacts c
  left join contacted t on t.ticket_id = c.ticket_id
  where coalesce(c.direction, 'inbound') = 'inbound'
    and c.outcome <> 'failed'
    and (t.ticket_id is null or c.started_at > t.first_contact_at)
  union all
  select customer_id, coalesce(topic, ''), opened_at, 1, ticket_id
  from source_tickets
),
followed as (
  select ticket_id, is_ticket, lead(happened_at) over (
    partition by customer_id, topic order by happened_at, is_ticket, ticket_id
  ) as again_at
  from events
  where customer_id is not null
)
select
  t.ticket_id,
  coalesce(c.contact_count, 0) as contact_count,
  coalesce(c.contacts_in_time, 0) as contacts_in_time,
  f.again_at as contacted_again_at
from source_tickets t
left join contacted c on c.ticket_id = t.ticket_id
left join followed f on f.ticket_id = t.ticket_id and f.is_ticket = 1
