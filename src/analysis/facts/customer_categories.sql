-- One row for each window, customer and product category that he bought in the year before the window, or within it where
-- he was first seen only then. The category is that of each line's product, else the line's own, else the order's.
-- Written for one window; the fact is all windows, one after the other.
select distinct $period as period, b.customer_id, b.category
from (
  select o.customer_id, o.ordered_on, coalesce(p.category, l.category, o.category) as category
  from orders o
  left join source_order_lines l
    on l.order_id = o.order_id and l.amount >= 0 and coalesce(l.quantity, 1) >= 0
  left join source_products p on p.product_id = l.product_id
  where o.is_purchase and o.ordered_on >= $year_before_start_on and o.ordered_on < $ends_on
) b
join customer_stretches s on s.customer_id = b.customer_id
where b.category is not null and (b.ordered_on < $starts_on) = (s.first_seen_on < $starts_on)
