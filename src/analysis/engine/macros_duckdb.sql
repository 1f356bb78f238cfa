-- Our own scalar functions, one definition per engine, so that facts read the same on all of them.
create macro days_between(first_day, last_day) as cast(datediff('day', first_day, last_day) as bigint);
create macro seconds_between(first_instant, last_instant) as (epoch_us(last_instant) - epoch_us(first_instant)) / 1e6;
create macro month_index(on_day) as cast(year(on_day) * 12 + month(on_day) - 1 as bigint);
create macro add_days(on_day, days) as cast(on_day + to_days(cast(days as integer)) as date);
