-- One row for each window: its first day, and the first day after it. Written for one window; the fact is all windows,
-- one after the other.
select $period as period, $starts_on as starts_on, $ends_on as ends_on
