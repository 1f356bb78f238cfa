-- One row for each amount gained by managing customers, on the day it belongs to.
select gained_on, kind, amount
from source_benefits
