-- The scalar functions of macros_duckdb.sql with the same meaning on Spark.
create temporary function days_between(first_day date, last_day date) returns bigint
  return cast(datediff(last_day, first_day) as bigint);
create temporary function seconds_between(first_instant timestamp_ntz, last_instant timestamp_ntz) returns double
  return timestampdiff(microsecond, first_instant, last_instant) / 1e6;
create temporary function month_index(on_day date) returns bigint
  return cast(year(on_day) * 12 + month(on_day) - 1 as bigint);
create temporary function add_days(on_day date, days bigint) returns date
  return date_add(on_day, cast(days as int));
create temporary function seconds_open_by(
    starts_at timestamp_ntz, opens_seconds double, closes_seconds double, at_instant timestamp_ntz) returns double
  return case when starts_at is not null and at_instant is not null then
    least(greatest(seconds_between(starts_at, at_instant) - opens_seconds, 0), closes_seconds - opens_seconds) end;
create temporary function utc_to_local(utc timestamp_ntz, zone string) returns timestamp_ntz
  return convert_timezone('UTC', zone, utc);
-- Java takes the earlier of two instants with the same local time. The offset of the day after gives the later one,
-- which is taken where it has that local time too.
create temporary function local_with_offset_of(
    local_time timestamp_ntz, known_at timestamp_ntz, zone string) returns timestamp_ntz
  return local_time - (convert_timezone('UTC', zone, known_at) - known_at);
create temporary function later_if_repeated(
    earlier timestamp_ntz, later timestamp_ntz, local_time timestamp_ntz, zone string) returns timestamp_ntz
  return case when convert_timezone('UTC', zone, later) = local_time then later else earlier end;
create temporary function local_to_utc(local_time timestamp_ntz, zone string) returns timestamp_ntz
  return later_if_repeated(
    convert_timezone(zone, 'UTC', local_time),
    local_with_offset_of(local_time, convert_timezone(zone, 'UTC', local_time) + interval '1' day, zone),
    local_time, zone);
-- Texts as instants without zone, NULL where they name none; 24:00 is the midnight that ends the day.
create temporary function iso_local(iso string) returns timestamp_ntz
  return coalesce(
    try_cast(iso as timestamp_ntz),
    case when iso rlike '[T ]24:00(:00([.]0+)?)?$' then try_cast(left(iso, 10) as timestamp_ntz) + interval '1' day end);
create temporary function at_offset(local_time timestamp_ntz, utc_offset string) returns timestamp_ntz
  return case
    when utc_offset = 'Z' then local_time
    when utc_offset rlike '^[+-][0-9]{2}(:?[0-9]{2})?$' then local_time - make_dt_interval(
      0,
      cast(left(utc_offset, 3) as int),
      case when length(utc_offset) > 3 then cast(concat(left(utc_offset, 1), right(utc_offset, 2)) as int) else 0 end)
  end;
create temporary function iso_utc(iso string) returns timestamp_ntz
  return at_offset(
    iso_local(regexp_extract(iso, '^(.*[0-9])(Z|[+-][0-9]{2}(:?[0-9]{2})?)$', 1)),
    regexp_extract(iso, '^(.*[0-9])(Z|[+-][0-9]{2}(:?[0-9]{2})?)$', 2));
create temporary function epoch_utc(milliseconds bigint) returns timestamp_ntz
  return timestamp_ntz '1970-01-01 00:00:00' + make_dt_interval(0, 0, 0, cast(milliseconds as decimal(18, 0)) / 1000);

-- What to_spark puts in where Spark's own function differs.
-- A quotient of doubles: infinite, or no number, over zero.
create temporary function divided(above double, below double) returns double
  return case
    when below <> 0 then above / below
    when above is null or below is null then null
    when above = 0 or isnan(above) then double('NaN')
    when above > 0 then double('Infinity')
    else double('-Infinity')
  end;
-- Half away from zero at so many decimals, of x times the power of ten as a double.
create temporary function rounded(x double, decimals int) returns double
  return case
    when abs(x) < 1e15 then round(x * power(10, decimals)) / power(10, decimals)
    else x
  end;
-- The whole numbers around a double, as doubles; what is too large to have decimals is itself.
create temporary function floored(x double) returns double
  return case when abs(x) < 9e15 then cast(floor(x) as double) else x end;
create temporary function ceiled(x double) returns double
  return case when abs(x) < 9e15 then cast(ceil(x) as double) else x end;
create temporary function truncated(x double) returns double
  return case when abs(x) < 9e15 then cast(cast(x as bigint) as double) else x end;
create temporary function isfinite(x double) returns boolean
  return case when x is not null then not isnan(x) and abs(x) <> double('Infinity') end;
