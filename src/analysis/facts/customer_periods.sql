-- One row for each customer and window: whether he was a customer, what he bought, what he brought.
-- Revenue of an earlier window is missing, not zero, where the data do not reach back to it.
-- A customer is active at an instant if he bought within $activity_window_days days before it, or has a contract in
-- force just before it, or one of the two: the setting customer_base says which.
-- Written for one window; the fact is all windows, one after the other.
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
    when days_as_customer < 91 then 'under_3_months'
    when days_as_customer < 183 then '3_to_6_months'
    when days_as_customer < 365 then '6_to_12_months'
    when days_as_customer < 730 then '1_to_2_years'
    when days_as_customer is not null then 'over_2_years'
  end as tenure_band,
  case
    when year_before_orders = 0 then 'none'
    when ranked_revenue > high_revenue then 'high'
    when ranked_revenue = high_revenue and customer_id <= high_last_id then 'high'
    when ranked_revenue > middle_revenue then 'middle'
    when ranked_revenue = middle_revenue and customer_id <= middle_last_id then 'middle'
    else 'low'
  end as value_band,
  concat(cast(year(first_seen_on) as varchar), 'Q', cast(quarter(first_seen_on) as varchar)) as cohort,
  days_as_customer,
  is_known,
  was_known_at_start,
  is_opening,
  is_closing,
  is_new,
  is_closing and not is_opening and not is_new as is_returned,
  is_opening and not is_closing as is_lost,
  is_new and not is_opening and not is_closing as came_and_went,
  orders > 0 as is_buyer,
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
  net_revenue_to_date,
  acquisition_cost
from (
  select
    $period as period,
    s.customer_id,
    s.first_seen_on,
    s.segment,
    s.industry,
    s.region,
    s.acquisition_channel,
    s.acquisition_cost,
    v.high_revenue,
    v.high_last_id,
    v.middle_revenue,
    v.middle_last_id,
    days_between(s.first_seen_on, $ends_on) as days_as_customer,
    coalesce(s.first_seen_on < $ends_on, false) as is_known,
    coalesce(s.first_seen_on < $starts_on, false) as was_known_at_start,
    coalesce(s.first_seen_on >= $starts_on and s.first_seen_on < $ends_on, false) as is_new,
    is_active($opening_from, $starts_on) as is_opening,
    is_active($closing_from, $ends_on) as is_closing,
    is_active($year_ago_active_from, $year_before_end_on) as was_active_year_ago,
    orders_between($closing_from, $ends_on) as orders_in_activity_window,
    orders_between($starts_on, $ends_on) as orders,
    revenue_between($starts_on, $ends_on) as net_revenue,
    case when $covers_previous then revenue_between($previous_starts_on, $previous_ends_on) end as previous_revenue,
    case when $covers_year_ago then revenue_between($year_ago_starts_on, $year_ago_ends_on) end as year_ago_revenue,
    orders_between($year_before_end_on, $ends_on) as trailing_year_orders,
    revenue_between($year_before_end_on, $ends_on) as trailing_year_revenue,
    orders_between($year_before_start_on, $starts_on) as year_before_orders,
    revenue_between($year_before_start_on, $starts_on) as year_before_revenue,
    round(revenue_between($year_before_start_on, $starts_on), 6) as ranked_revenue,
    orders_before($ends_on) as orders_to_date,
    revenue_before($ends_on) as net_revenue_to_date
  from customer_stretches s
  left join value_cutoffs v on v.period = $period
  where s.first_row_on < $ends_on or s.first_seen_on < $ends_on
) measured
