-- Our own scalar functions, one definition per engine, so that facts read the same on all of them.
create macro days_between(first_day, last_day) as cast(datediff('day', first_day, last_day) as bigint);
create macro seconds_between(first_instant, last_instant) as (epoch_us(last_instant) - epoch_us(first_instant)) / 1e6;
create macro month_index(on_day) as cast(year(on_day) * 12 + month(on_day) - 1 as bigint);
create macro add_days(on_day, days) as cast(on_day + to_days(cast(days as integer)) as date);
-- How long the company is open on a day of its calendar until an instant of that day (tables/calendar.py).
create macro seconds_open_by(starts_at, opens_seconds, closes_seconds, at_instant) as
  case when starts_at is not null and at_instant is not null then
    least(greatest(seconds_between(starts_at, at_instant) - opens_seconds, 0), closes_seconds - opens_seconds) end;
-- A local time without zone as an instant in UTC without zone, and back. A time that the change to summer time
-- skips moves ahead by the gap; one that the change back repeats is the later of the two.
create macro local_to_utc(local_time, zone) as timezone('UTC', timezone(zone, cast(local_time as timestamp)));
create macro utc_to_local(utc, zone) as timezone(zone, timezone('UTC', cast(utc as timestamp)));
-- Texts as instants without zone, NULL where they name none; utc_… is for texts that bring their offset along. A
-- format is a literal with strptime's directives.
create macro iso_local(iso) as try_cast(iso as timestamp);
create macro iso_utc(iso) as timezone('UTC', try_cast(iso as timestamptz));
create macro epoch_utc(milliseconds) as make_timestamp_ms(milliseconds);
create macro local_by_format(given, pattern) as try_strptime(given, pattern);
create macro utc_by_format(given, pattern) as timezone('UTC', try_strptime(given, pattern));
