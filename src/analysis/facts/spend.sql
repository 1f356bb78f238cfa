-- One row for each amount spent, by what it was spent on: marketing, sales, service, managing customers, administration.
select spent_on, kind, amount, acquisition_channel
from source_costs
