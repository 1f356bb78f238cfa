-- One row for each customer and window: whether he was a customer, what he bought, what he brought.
-- Revenue of an earlier window is missing, not zero, where the data do not reach back to it.
-- A customer is active at an instant if he bought within $activity_window_days days before it.
with days as (
  select
    customer_id,
    ordered_on,
    sum(case when is_purchase then 1 else 0 end) as orders,
    sum(coalesce(net_amount, 0)) as net_revenue
  from orders
  where customer_id is not null
  group by customer_id, ordered_on
),
bought as (
  select
    w.period,
    d.customer_id,
    sum(case when d.ordered_on >= w.opening_from and d.ordered_on < w.starts_on then d.orders else 0 end) as opening_orders,
    sum(case when d.ordered_on >= w.closing_from then d.orders else 0 end) as orders_in_activity_window,
    sum(case when d.ordered_on >= w.year_ago_active_from and d.ordered_on < w.year_before_end_on
        then d.orders else 0 end) as orders_a_year_ago,
    sum(case when d.ordered_on >= w.starts_on then d.orders else 0 end) as orders,
    sum(case when d.ordered_on >= w.starts_on then d.net_revenue else 0 end) as net_revenue,
    sum(case when d.ordered_on >= w.previous_starts_on and d.ordered_on < w.previous_ends_on
        then d.net_revenue else 0 end) as previous_revenue,
    sum(case when d.ordered_on >= w.year_ago_starts_on and d.ordered_on < w.year_ago_ends_on
        then d.net_revenue else 0 end) as year_ago_revenue,
    sum(case when d.ordered_on >= w.year_before_end_on then d.orders else 0 end) as trailing_year_orders,
    sum(case when d.ordered_on >= w.year_before_end_on then d.net_revenue else 0 end) as trailing_year_revenue,
    sum(case when d.ordered_on >= w.year_before_start_on and d.ordered_on < w.starts_on
        then d.orders else 0 end) as year_before_orders,
    sum(case when d.ordered_on >= w.year_before_start_on and d.ordered_on < w.starts_on
        then d.net_revenue else 0 end) as year_before_revenue,
    sum(d.orders) as orders_to_date,
    sum(d.net_revenue) as net_revenue_to_date
  from windows w
  join days d on d.ordered_on < w.ends_on
  group by w.period, d.customer_id
),
known as (
  select
    w.period,
    w.starts_on,
    w.ends_on,
    c.customer_id,
    c.first_seen_on,
    c.segment,
    c.industry,
    c.region,
    c.acquisition_channel,
    coalesce(c.first_seen_on < w.ends_on, false) as is_known,
    coalesce(c.first_seen_on < w.starts_on, false) as was_known_at_start,
    coalesce(c.first_seen_on >= w.starts_on and c.first_seen_on < w.ends_on, false) as is_new,
    coalesce(b.opening_orders, 0) > 0 as is_opening,
    coalesce(b.orders_in_activity_window, 0) > 0 as is_closing,
    coalesce(b.orders, 0) > 0 as is_buyer,
    coalesce(b.orders_a_year_ago, 0) > 0 as was_active_year_ago,
    coalesce(b.orders_in_activity_window, 0) as orders_in_activity_window,
    coalesce(b.orders, 0) as orders,
    coalesce(b.net_revenue, 0) as net_revenue,
    case when w.covers_previous then coalesce(b.previous_revenue, 0) end as previous_revenue,
    case when w.covers_year_ago then coalesce(b.year_ago_revenue, 0) end as year_ago_revenue,
    coalesce(b.trailing_year_orders, 0) as trailing_year_orders,
    coalesce(b.trailing_year_revenue, 0) as trailing_year_revenue,
    coalesce(b.year_before_orders, 0) as year_before_orders,
    coalesce(b.year_before_revenue, 0) as year_before_revenue,
    coalesce(b.orders_to_date, 0) as orders_to_date,
    coalesce(b.net_revenue_to_date, 0) as net_revenue_to_date
  from windows w
  join customers c on true
  left join bought b on b.period = w.period and b.customer_id = c.customer_id
  where b.customer_id is not null or c.first_seen_on < w.ends_on
),
ranked as (
  select
    *,
    row_number() over (
      partition by period, year_before_orders > 0 order by year_before_revenue desc, customer_id
    ) as value_rank,
    count(*) over (partition by period, year_before_orders > 0) as ranked_customers
  from known
)
select
  period,
  customer_id,
  first_seen_on,
  segment,
  industry,
  region,
  acquisition_channel,
  case when is_new then 'new' else 'existing' end as customer_status,
  case
    when days_between(first_seen_on, ends_on) < 91 then 'under_3_months'
    when days_between(first_seen_on, ends_on) < 183 then '3_to_6_months'
    when days_between(first_seen_on, ends_on) < 365 then '6_to_12_months'
    when days_between(first_seen_on, ends_on) < 730 then '1_to_2_years'
    when first_seen_on is not null then 'over_2_years'
  end as tenure_band,
  case
    when year_before_orders = 0 then 'none'
    when value_rank * 3 <= ranked_customers then 'high'
    when value_rank * 3 <= ranked_customers * 2 then 'middle'
    else 'low'
  end as value_band,
  concat(cast(year(first_seen_on) as varchar), 'Q', cast(quarter(first_seen_on) as varchar)) as cohort,
  is_known,
  was_known_at_start,
  is_opening,
  is_closing,
  is_new,
  is_closing and not is_opening and not is_new as is_returned,
  is_opening and not is_closing as is_lost,
  is_new and not is_opening and not is_closing as came_and_went,
  is_buyer,
  was_active_year_ago,
  orders_in_activity_window,
  orders,
  net_revenue,
  previous_revenue,
  year_ago_revenue,
  trailing_year_orders,
  trailing_year_revenue,
  year_before_revenue,
  orders_to_date,
  net_revenue_to_date
from ranked
