using System.Globalization;

namespace LiteKube.Cel;

/// <summary>Reads timestamps, dates and durations as Go's time package does.</summary>
internal static class TimeText
{
    /// <summary>RFC 3339, e.g. <c>2024-02-29T10:00:00.5+01:00</c>.</summary>
    public static bool TryParseTimestamp(string text, out CelTimestamp timestamp, bool colonOptional = false)
    {
        timestamp = default;
        var s = text.AsSpan();
        if (s.Length < 20 || s[10] != 'T' || s[13] != ':' || s[16] != ':' || !TryParseDate(s[..10], out var days)
            || !Digits(s.Slice(11, 2), out var hour) || !Digits(s.Slice(14, 2), out var minute) || !Digits(s.Slice(17, 2), out var second)
            || hour > 23 || minute > 59 || second > 59)
            return false;
        s = s[19..];
        var nanos = 0;
        if (s[0] is '.' or ',')
        {
            var length = 1;
            while (length < s.Length && char.IsAsciiDigit(s[length]))
                length++;
            if (length == 1)
                return false;
            for (var i = 1; i < 10; i++)
                nanos = nanos * 10 + (i < length ? s[i] - '0' : 0);
            s = s[length..];
        }
        if (!TryParseOffset(s, colonOptional, out var offsetSeconds))
            return false;
        timestamp = new(days * 86400 + hour * 3600 + minute * 60 + second - offsetSeconds, nanos);
        return true;
    }

    /// <summary>A full date, at midnight UTC.</summary>
    public static bool TryParseDate(ReadOnlySpan<char> s, out long days)
    {
        days = 0;
        if (s.Length != 10 || s[4] != '-' || s[7] != '-' || !Digits(s[..4], out var year) || !Digits(s.Slice(5, 2), out var month) || !Digits(s.Slice(8, 2), out var day))
            return false;
        // Go accepts the year 0, which DateTime has not.
        if (month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year == 0 ? 4 : year, month))
            return false;
        days = CelTimestamp.DaysFromCivil(year, month, day);
        return true;
    }

    private static bool TryParseOffset(ReadOnlySpan<char> s, bool colonOptional, out int seconds)
    {
        seconds = 0;
        if (s is "Z")
            return true;
        if (s.Length == 0 || s[0] is not ('+' or '-'))
            return false;
        var colon = s.Length == 6 && s[3] == ':';
        if (!colon && !(colonOptional && s.Length == 5))
            return false;
        if (!Digits(s.Slice(1, 2), out var hours) || !Digits(s.Slice(colon ? 4 : 3, 2), out var minutes) || hours > 24 || minutes > 59)
            return false;
        seconds = (s[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
        return true;
    }

    private static bool Digits(ReadOnlySpan<char> s, out int value) => int.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    /// <summary>Go's duration, e.g. <c>-1h2.5m3s</c>, in nanoseconds.</summary>
    public static bool TryParseDuration(string text, out long nanoseconds)
    {
        nanoseconds = 0;
        var s = text.AsSpan();
        var negative = false;
        if (s.Length > 0 && s[0] is '+' or '-')
        {
            negative = s[0] == '-';
            s = s[1..];
        }
        if (s is "0")
            return true;
        if (s.IsEmpty)
            return false;
        Int128 total = 0;
        while (!s.IsEmpty)
        {
            if (!TakeTerm(ref s, out var term))
                return false;
            total += term;
            if (total > (Int128)long.MaxValue + 1)
                return false;
        }
        total = negative ? -total : total;
        if (total > long.MaxValue)
            return false;
        nanoseconds = (long)total;
        return true;
    }

    private static bool TakeTerm(ref ReadOnlySpan<char> s, out Int128 nanoseconds)
    {
        nanoseconds = 0;
        var digits = 0;
        Int128 whole = 0;
        while (digits < s.Length && char.IsAsciiDigit(s[digits]))
        {
            whole = whole * 10 + (s[digits++] - '0');
            if (whole > ulong.MaxValue)
                return false;
        }
        var position = digits;
        double fraction = 0, scale = 1;
        if (position < s.Length && s[position] == '.')
        {
            for (position++; position < s.Length && char.IsAsciiDigit(s[position]); position++, digits++)
            {
                if (scale < 1e17)
                {
                    fraction = fraction * 10 + (s[position] - '0');
                    scale *= 10;
                }
            }
        }
        if (digits == 0)
            return false;
        s = s[position..];
        var unitLength = 0;
        while (unitLength < s.Length && s[unitLength] != '.' && !char.IsAsciiDigit(s[unitLength]))
            unitLength++;
        if (UnitNanos(s[..unitLength]) is not { } unit)
            return false;
        s = s[unitLength..];
        nanoseconds = whole * unit + (Int128)(fraction * (unit / scale));
        return nanoseconds <= ulong.MaxValue;
    }

    private static long? UnitNanos(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1,
        "us" or "µs" or "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => null,
    };

    /// <summary>A duration of an OpenAPI schema: Go's, or words such as <c>3 days</c>.</summary>
    public static bool TryParseSchemaDuration(string text, out long nanoseconds)
    {
        if (TryParseDuration(text, out nanoseconds))
            return true;
        nanoseconds = 0;
        var s = text.AsSpan().Trim();
        var matched = false;
        while (!s.IsEmpty)
        {
            var digits = 0;
            while (digits < s.Length && char.IsAsciiDigit(s[digits]))
                digits++;
            if (digits == 0 || !long.TryParse(s[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
                return false;
            s = s[digits..].TrimStart();
            var letters = 0;
            while (letters < s.Length && (char.IsAsciiLetter(s[letters]) || s[letters] == 'µ'))
                letters++;
            if (WordNanos(s[..letters].ToString().ToLowerInvariant()) is not { } unit || (Int128)nanoseconds + (Int128)count * unit > long.MaxValue)
                return false;
            nanoseconds += count * unit;
            s = s[letters..].TrimStart();
            matched = true;
        }
        return matched;
    }

    private static long? WordNanos(string word) => word switch
    {
        "nano" or "nanos" or "nanosecond" or "nanoseconds" => 1,
        "micro" or "micros" or "microsecond" or "microseconds" => 1_000,
        "milli" or "millis" or "millisecond" or "milliseconds" => 1_000_000,
        "sec" or "secs" or "second" or "seconds" => 1_000_000_000,
        "min" or "mins" or "minute" or "minutes" => 60_000_000_000,
        "hr" or "hrs" or "hour" or "hours" => 3_600_000_000_000,
        "d" or "day" or "days" => 86_400_000_000_000,
        "w" or "wk" or "wks" or "week" or "weeks" => 604_800_000_000_000,
        _ => UnitNanos(word),
    };

    /// <summary>The offset of a zone at a moment: a name of the zone database, or hours and minutes such as <c>-08:00</c>.</summary>
    public static bool TryZoneOffset(string zone, CelTimestamp at, out int seconds, out string? error)
    {
        seconds = 0;
        error = null;
        var colon = zone.IndexOf(':');
        if (colon < 0)
            return TryNamedZone(zone, at, out seconds, out error);
        if (!int.TryParse(zone.AsSpan(0, colon), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var hours)
            || !int.TryParse(zone.AsSpan(colon + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var minutes)
            || Math.Abs((long)hours) > 24 || minutes is < 0 or > 59)
        {
            error = $"invalid time zone offset: {zone}";
            return false;
        }
        seconds = (hours * 60 + (zone[0] == '-' ? -minutes : minutes)) * 60;
        return true;
    }

    private static bool TryNamedZone(string zone, CelTimestamp at, out int seconds, out string? error)
    {
        seconds = 0;
        error = null;
        if (zone is "" or "UTC")
            return true;
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var info))
        {
            error = $"unknown time zone {zone}";
            return false;
        }
        seconds = (int)info.GetUtcOffset(DateTime.UnixEpoch.AddSeconds(at.Seconds)).TotalSeconds;
        return true;
    }
}
