using System.Globalization;

namespace LiteKube.Cel;

/// <summary>A moment in UTC, with nanoseconds, between the years 1 and 9999.</summary>
public readonly record struct CelTimestamp(long Seconds, int Nanos) : IComparable<CelTimestamp>
{
    internal const long MinSeconds = -62135596800;
    internal const long MaxSeconds = 253402300799;
    private const long NanosPerSecond = 1_000_000_000;
    private const int SecondsPerDay = 86400;

    public static CelTimestamp From(DateTimeOffset time)
    {
        var ticks = time.UtcTicks - DateTime.UnixEpoch.Ticks;
        var seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out var rest);
        return rest < 0 ? new(seconds - 1, (int)(rest + TimeSpan.TicksPerSecond) * 100) : new(seconds, (int)rest * 100);
    }

    public int CompareTo(CelTimestamp other) => Seconds != other.Seconds ? Seconds.CompareTo(other.Seconds) : Nanos.CompareTo(other.Nanos);

    internal bool IsInRange => Seconds is >= MinSeconds and <= MaxSeconds;

    internal static CelValue Add(CelTimestamp time, long nanoseconds)
    {
        var (seconds, nanos) = Split((Int128)time.Seconds * NanosPerSecond + time.Nanos + nanoseconds);
        return seconds < MinSeconds || seconds > MaxSeconds ? CelError.TimestampOverflow : CelValue.Timestamp(new((long)seconds, nanos));
    }

    internal static CelValue Subtract(CelTimestamp time, CelTimestamp other)
    {
        var nanoseconds = ((Int128)time.Seconds - other.Seconds) * NanosPerSecond + time.Nanos - other.Nanos;
        return nanoseconds < long.MinValue || nanoseconds > long.MaxValue ? CelError.DurationOverflow : CelValue.Duration((long)nanoseconds);
    }

    private static (Int128 Seconds, int Nanos) Split(Int128 nanoseconds)
    {
        var seconds = nanoseconds / NanosPerSecond;
        var rest = nanoseconds % NanosPerSecond;
        return rest < 0 ? (seconds - 1, (int)(rest + NanosPerSecond)) : (seconds, (int)rest);
    }

    /// <summary>RFC 3339 with as many digits of the second as are needed.</summary>
    public override string ToString()
    {
        var c = ToCivil();
        var fraction = Nanos == 0 ? "" : "." + Nanos.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        return string.Create(CultureInfo.InvariantCulture, $"{c.Year:D4}-{c.Month:D2}-{c.Day:D2}T{c.Hour:D2}:{c.Minute:D2}:{c.Second:D2}{fraction}Z");
    }

    internal readonly record struct Civil(long Year, int Month, int Day, int Hour, int Minute, int Second, int DayOfYear, int DayOfWeek);

    /// <summary>The calendar, computed here since DateTime cannot leave its range when a zone shifts it.</summary>
    internal Civil ToCivil()
    {
        var days = Math.DivRem(Seconds, SecondsPerDay, out var second);
        if (second < 0)
        {
            second += SecondsPerDay;
            days--;
        }
        var z = days + 719468;
        var era = (z >= 0 ? z : z - 146096) / 146097;
        var dayOfEra = z - era * 146097;
        var yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
        var dayOfShiftedYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        var shiftedMonth = (5 * dayOfShiftedYear + 2) / 153;
        var day = (int)(dayOfShiftedYear - (153 * shiftedMonth + 2) / 5 + 1);
        var month = (int)(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9);
        var year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
        var weekday = (int)(((days + 4) % 7 + 7) % 7);
        return new(year, month, day, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60), (int)(days - DaysFromCivil(year, 1, 1)), weekday);
    }

    internal static long DaysFromCivil(long year, int month, int day)
    {
        var y = month <= 2 ? year - 1 : year;
        var era = (y >= 0 ? y : y - 399) / 400;
        var yearOfEra = y - era * 400;
        var dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        return era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468;
    }
}
