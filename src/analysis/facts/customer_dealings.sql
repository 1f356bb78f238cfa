-- One row for each customer and window, as in customer_periods, with what else passed between him and the company: why he
-- left, whether he recommended it or came recommended, from how many categories he bought, how he was approached.
-- He left with his last exit before the window's end, unless he came back by then. Who recommends himself recommends
-- nobody, and a recommendation brought somebody only if it came no later than he.
-- A category is that of the product on the order's line, else the line's or the order's own; what is returned on a line
-- of its own was not bought. Approached is who was reached by a contact the company began (answered, or a message left),
-- or for whom an action was done; milestones are no actions for a customer. Approached first is who was so before he ordered
-- in the window, or that very day: what came after his order did not bring him back. The measure taken is the last such
-- action, else the contact.
with left_in as (
  select
    w.period,
    e.customer_id,
    e.kind,
    e.reason,
    row_number() over (partition by w.period, e.customer_id order by e.exited_on desc) as place
  from exits e
  join windows w on e.exited_on < w.ends_on and (e.came_back_on is null or e.came_back_on >= w.ends_on)
),
recommended as (
  select
    w.period,
    r.customer_id,
    max(case when r.referred_on >= w.starts_on then 1 else 0 end) = 1 as in_period
  from source_referrals r
  join windows w on r.referred_on < w.ends_on
  where r.referred_customer_id is null or r.referred_customer_id <> r.customer_id
  group by w.period, r.customer_id
),
brought as (
  select referred_customer_id as customer_id, min(referred_on) as first_referred_on
  from source_referrals
  where referred_customer_id <> customer_id
  group by referred_customer_id
),
order_days as (
  select w.period, d.day
  from (select distinct ordered_on as day from orders where is_purchase) d
  join windows w on d.day >= w.starts_on and d.day < w.ends_on
),
bought_from as (
  select d.period, o.customer_id, coalesce(p.category, l.category, o.category) as category
  from orders o
  join order_days d on d.day = o.ordered_on
  left join source_order_lines l
    on l.order_id = o.order_id and l.amount >= 0 and coalesce(l.quantity, 1) >= 0
  left join source_products p on p.product_id = l.product_id
  where o.is_purchase
  group by 1, 2, 3
),
bought as (
  select period, customer_id, count(*) as categories
  from bought_from
  where category is not null
  group by period, customer_id
),
approaches as (
  select d.period, c.customer_id, c.started_on as day, 'contact' as measure, 0 as is_action, c.contact_id as id
  from source_contacts c
  join window_days d on d.day = c.started_on
  where c.direction = 'outbound' and c.outcome in ('answered', 'voicemail') and c.customer_id is not null
  union all
  select w.period, a.customer_id, a.done_on, coalesce(a.measure, 'action'), 1, a.action_id
  from actions a
  join windows w on a.done_on >= w.starts_on and a.done_on < w.ends_on
  where a.kind = 'action' and a.customer_id is not null
),
first_orders as (
  select d.period, o.customer_id, min(o.ordered_on) as ordered_on
  from orders o
  join order_days d on d.day = o.ordered_on
  where o.is_purchase and o.customer_id in (select customer_id from approaches)
  group by d.period, o.customer_id
),
approached as (
  select
    a.period,
    a.customer_id,
    a.measure,
    f.ordered_on is null or a.day <= f.ordered_on as came_first,
    row_number() over (
      partition by a.period, a.customer_id
      order by case when f.ordered_on is null or a.day <= f.ordered_on then 0 else 1 end, a.is_action desc, a.day desc, a.id desc
    ) as place
  from approaches a
  left join first_orders f on f.period = a.period and f.customer_id = a.customer_id
)
select
  p.*,
  e.kind as exit_kind,
  e.reason as exit_reason,
  r.customer_id is not null as has_referred,
  coalesce(r.in_period, false) as has_referred_in_period,
  coalesce(f.first_referred_on <= p.first_seen_on, false) as came_by_referral,
  b.categories as categories_bought,
  a.customer_id is not null as was_contacted,
  coalesce(a.came_first, false) as was_contacted_first,
  case when a.came_first then a.measure end as measure_taken
from customer_periods p
left join left_in e on e.period = p.period and e.customer_id = p.customer_id and e.place = 1
left join recommended r on r.period = p.period and r.customer_id = p.customer_id
left join brought f on f.customer_id = p.customer_id
left join bought b on b.period = p.period and b.customer_id = p.customer_id
left join approached a on a.period = p.period and a.customer_id = p.customer_id and a.place = 1
