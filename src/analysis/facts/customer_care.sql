-- One row for each customer and window, as in customer_periods, with what passed between him and the company's service:
-- contacts he made, visits to the knowledge base, questionnaires, and his last answer to how satisfied he is overall.
-- Who is no customer yet, or unknown, has no row. Where nobody said how satisfied he is overall, nobody asked.
with contacted as (
  select d.period, c.customer_id, count(*) as inbound_contacts
  from contacts c
  join window_days d on d.day = c.started_on
  where c.is_inbound and c.customer_id is not null
  group by d.period, c.customer_id
),
helped as (
  select d.period, h.customer_id, count(*) as help_sessions, sum(coalesce(h.views, 1)) as help_views
  from source_help_sessions h
  join window_days d on d.day = h.started_on
  where h.customer_id is not null
  group by d.period, h.customer_id
),
asked as (
  select d.period, s.customer_id, count(*) as surveys_sent
  from source_surveys s
  join window_days d on d.day = s.sent_on
  where s.customer_id is not null
  group by d.period, s.customer_id
),
answered as (
  select
    d.period,
    a.customer_id,
    a.is_overall,
    a.is_satisfied,
    row_number() over (
      partition by d.period, a.customer_id
      order by
        case when a.is_overall and a.is_satisfied is not null then 0 else 1 end,
        a.answered_at desc,
        a.survey_id desc,
        a.question_id desc
    ) as place
  from answers a
  join window_days d on d.day = a.answered_on
  where a.customer_id is not null and a.score is not null
),
heard as (
  select distinct period from answered where is_overall and is_satisfied is not null
)
select
  p.*,
  coalesce(c.inbound_contacts, 0) as inbound_contacts,
  coalesce(h.help_sessions, 0) as help_sessions,
  coalesce(h.help_views, 0) as help_views,
  coalesce(s.surveys_sent, 0) as surveys_sent,
  s.surveys_sent is not null as was_asked,
  a.customer_id is not null as has_answered,
  case when a.is_overall then a.is_satisfied end as csat_is_satisfied,
  r.period is not null as was_csat_answered
from customer_periods p
left join contacted c on c.period = p.period and c.customer_id = p.customer_id
left join helped h on h.period = p.period and h.customer_id = p.customer_id
left join asked s on s.period = p.period and s.customer_id = p.customer_id
left join answered a on a.period = p.period and a.customer_id = p.customer_id and a.place = 1
left join heard r on r.period = p.period
