using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>Parts of timestamps, in UTC or a zone, and durations in whole units.</summary>
internal static class TimeFunctions
{
    public static IEnumerable<CelFunction> Functions() =>
    [
        Part("getFullYear", "timestamp_to_year", (c, _) => c.Year),
        Part("getMonth", "timestamp_to_month", (c, _) => c.Month - 1),
        Part("getDayOfYear", "timestamp_to_day_of_year", (c, _) => c.DayOfYear),
        Part("getDate", "timestamp_to_day_of_month_1_based", (c, _) => c.Day),
        Part("getDayOfMonth", "timestamp_to_day_of_month", (c, _) => c.Day - 1),
        Part("getDayOfWeek", "timestamp_to_day_of_week", (c, _) => c.DayOfWeek),
        Part("getHours", "timestamp_to_hours", (c, _) => c.Hour, Unit("duration_to_hours", 3_600_000_000_000)),
        Part("getMinutes", "timestamp_to_minutes", (c, _) => c.Minute, Unit("duration_to_minutes", 60_000_000_000)),
        Part("getSeconds", "timestamp_to_seconds", (c, _) => c.Second, Unit("duration_to_seconds", 1_000_000_000)),
        // The milliseconds of a duration are all of it, those of a timestamp only its fraction of a second.
        Part("getMilliseconds", "timestamp_to_milliseconds", (_, nanos) => nanos / 1_000_000, Unit("duration_to_milliseconds", 1_000_000)),
    ];

    private static CelFunction Part(string name, string id, Func<CelTimestamp.Civil, int, long> read, CelOverload? ofDuration = null)
    {
        List<CelOverload> overloads =
        [
            Member(id, [CelType.Timestamp], CelType.Int, args => CelValue.Int(read(args[0].AsTimestamp.ToCivil(), args[0].AsTimestamp.Nanos))),
            Member(id + "_with_tz", [CelType.Timestamp, CelType.String], CelType.Int, args => InZone(args[0].AsTimestamp, args[1].AsString, read)),
        ];
        if (ofDuration is not null)
            overloads.Add(ofDuration);
        return new(name, overloads);
    }

    private static CelValue InZone(CelTimestamp time, string zone, Func<CelTimestamp.Civil, int, long> read)
    {
        if (!TimeText.TryZoneOffset(zone, time, out var offset, out var error))
            return CelValue.Error(error!);
        return CelValue.Int(read(new CelTimestamp(time.Seconds + offset, time.Nanos).ToCivil(), time.Nanos));
    }

    private static CelOverload Unit(string id, long nanos) => Member(id, [CelType.Duration], CelType.Int, args => CelValue.Int(args[0].AsDurationNanos / nanos));
}
