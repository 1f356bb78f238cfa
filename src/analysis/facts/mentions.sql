-- One row for each public statement about the company, with its tone: 1, 0 or −1.
select
  mention_id,
  published_at,
  published_on,
  platform,
  customer_id,
  sentiment,
  case when sentiment = 'positive' then 1 when sentiment = 'negative' then -1 else 0 end as tone,
  nullif(trim(comment), '') as comment
from source_mentions
