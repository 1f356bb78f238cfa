-- One row for each amount spent.
select spent_on, kind, amount, acquisition_channel
from source_costs
