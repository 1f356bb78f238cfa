-- One row for each window: where the thirds of the year's buyers by net revenue end. Ties go by id.
with counted as (
  select period, revenue, count(*) as customers
  from year_before_buyers
  group by period, revenue
),
running as (
  select
    period,
    revenue,
    customers,
    sum(customers) over (
      partition by period order by revenue desc rows between unbounded preceding and current row
    ) as down_to_here,
    sum(customers) over (partition by period) as all_customers
  from counted
),
thirds as (
  select 1 as third
  union all
  select 2
),
ends as (
  select
    r.period,
    t.third,
    r.revenue,
    cast(floor(r.all_customers * t.third / 3) as bigint) - (r.down_to_here - r.customers) as places
  from running r
  cross join thirds t
  where r.down_to_here >= cast(floor(r.all_customers * t.third / 3) as bigint)
    and r.down_to_here - r.customers < cast(floor(r.all_customers * t.third / 3) as bigint)
),
placed as (
  select
    e.period,
    e.third,
    e.revenue,
    e.places,
    b.customer_id,
    row_number() over (partition by e.period, e.third order by b.customer_id) as place
  from ends e
  join year_before_buyers b on b.period = e.period and b.revenue = e.revenue
)
select
  period,
  max(case when third = 1 then revenue end) as high_revenue,
  max(case when third = 1 then customer_id end) as high_last_id,
  max(case when third = 2 then revenue end) as middle_revenue,
  max(case when third = 2 then customer_id end) as middle_last_id
from placed
where place = places
group by period
