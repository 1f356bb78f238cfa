-- One row for each order or return, with what counts in revenue and whether it counts as an order.
select
  order_id,
  customer_id,
  ordered_at,
  ordered_on,
  net_amount,
  is_return,
  net_amount is not null and not is_return as is_order,
  history_amount is not null and customer_id is not null and not is_return as is_purchase,
  channel,
  category
from source_orders
