using System.Globalization;

namespace LiteKube.Apis.Values;

/// <summary>meta/v1 Time and MicroTime: RFC 3339 in UTC, to the second and to the microsecond.</summary>
public static class KubernetesTime
{
    private const string Layout = "2006-01-02T15:04:05Z07:00";
    private const string MicroLayout = "2006-01-02T15:04:05.000000Z07:00";

    /// <summary>"2024-05-01T10:20:30Z": as creationTimestamp is written. Fractions of a second are dropped.</summary>
    public static string Format(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>"2024-05-01T10:20:30.123456Z": as Lease and Event times are written.</summary>
    public static string FormatMicro(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>RFC 3339 with any offset and any fraction of a second.</summary>
    /// <exception cref="FormatException">In the words of Go's time.Parse.</exception>
    public static DateTimeOffset Parse(string text) => new Scanner(text, Layout).Read(isMicro: false);

    /// <summary>RFC 3339 with exactly six digits of a second's fraction.</summary>
    /// <exception cref="FormatException">In the words of Go's time.Parse.</exception>
    public static DateTimeOffset ParseMicro(string text) => new Scanner(text, MicroLayout).Read(isMicro: true);

    public static bool TryParse(string? text, out DateTimeOffset time)
    {
        time = default;
        return text is not null && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
    }

    /// <summary>The text as Kubernetes writes it again; null for Go's zero time.</summary>
    internal static string? Canonical(string text)
    {
        var time = ParseOrRefuse(text, isMicro: false);
        return time == default ? null : text.Length == 20 && text[19] == 'Z' ? text : Format(time);
    }

    internal static string? CanonicalMicro(string text)
    {
        var time = ParseOrRefuse(text, isMicro: true);
        return time == default ? null : text.Length == 27 && text[26] == 'Z' ? text : FormatMicro(time);
    }

    private static DateTimeOffset ParseOrRefuse(string text, bool isMicro)
    {
        try
        {
            return isMicro ? ParseMicro(text) : Parse(text);
        }
        catch (FormatException e)
        {
            throw new Codec.DecodeException(e.Message);
        }
    }

    // Reads element by element, since Go's error names the element at which the text stops fitting.
    private ref struct Scanner(string text, string layout)
    {
        private ReadOnlySpan<char> _rest = text;

        public DateTimeOffset Read(bool isMicro)
        {
            var year = Digits(4, "2006");
            Literal('-');
            var month = Digits(2, "01");
            Range(month is >= 1 and <= 12, "month");
            Literal('-');
            var day = Digits(2, "02");
            Literal('T');
            var hour = Digits(2, "15");
            Range(hour < 24, "hour");
            Literal(':');
            var minute = Digits(2, "04");
            Range(minute < 60, "minute");
            Literal(':');
            var second = Digits(2, "05");
            Range(second < 60, "second");
            var ticks = isMicro ? Micros() : Fraction();
            var offset = Zone();
            if (!_rest.IsEmpty)
                throw new FormatException($"parsing time {Codec.GoText.Quote(text)}: extra text: {Codec.GoText.Quote(_rest.ToString())}");
            Range(day >= 1 && day <= DateTime.DaysInMonth(Math.Max(year, 1), month), "day");
            if (year == 0)
                throw Refuse("2006", text);
            var local = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Unspecified).AddTicks(ticks);
            var utc = local.Ticks - offset.Ticks;
            if (utc < 0 || utc > DateTime.MaxValue.Ticks)
                throw Refuse("Z07:00", text);
            return new DateTimeOffset(utc, TimeSpan.Zero);
        }

        private int Digits(int count, string element)
        {
            if (_rest.Length < count || _rest[..count].IndexOfAnyExceptInRange('0', '9') >= 0)
                throw Refuse(element, _rest);
            var value = int.Parse(_rest[..count], NumberStyles.None, CultureInfo.InvariantCulture);
            _rest = _rest[count..];
            return value;
        }

        private void Literal(char expected)
        {
            if (_rest.IsEmpty || _rest[0] != expected)
                throw Refuse(expected.ToString(), _rest);
            _rest = _rest[1..];
        }

        private long Fraction()
        {
            if (_rest.Length < 2 || _rest[0] is not ('.' or ',') || !char.IsAsciiDigit(_rest[1]))
                return 0;
            var length = _rest[1..].IndexOfAnyExceptInRange('0', '9');
            var digits = length < 0 ? _rest[1..] : _rest[1..(length + 1)];
            _rest = _rest[(digits.Length + 1)..];
            var ticks = 0L;
            for (var i = 0; i < 7; i++)
                ticks = ticks * 10 + (i < digits.Length ? digits[i] - '0' : 0);
            return ticks;
        }

        private long Micros()
        {
            if (_rest.Length < 7 || _rest[0] is not ('.' or ',') || _rest[1..7].IndexOfAnyExceptInRange('0', '9') >= 0 || (_rest.Length > 7 && char.IsAsciiDigit(_rest[7])))
                throw Refuse(".000000", _rest);
            var micros = long.Parse(_rest[1..7], NumberStyles.None, CultureInfo.InvariantCulture);
            _rest = _rest[7..];
            return micros * TimeSpan.TicksPerMicrosecond;
        }

        private TimeSpan Zone()
        {
            if (_rest is ['Z', ..])
            {
                _rest = _rest[1..];
                return TimeSpan.Zero;
            }

            if (_rest is not ['+' or '-', var h1, var h2, ':', var m1, var m2, ..] || !char.IsAsciiDigit(h1) || !char.IsAsciiDigit(h2) || !char.IsAsciiDigit(m1) || !char.IsAsciiDigit(m2))
                throw Refuse("Z07:00", _rest);
            var (hours, minutes) = ((h1 - '0') * 10 + h2 - '0', (m1 - '0') * 10 + m2 - '0');
            Range(hours <= 24, "time zone offset hour");
            Range(minutes < 60, "time zone offset minute");
            var offset = new TimeSpan(hours, minutes, 0);
            var result = _rest[0] == '-' ? -offset : offset;
            _rest = _rest[6..];
            return result;
        }

        private readonly void Range(bool isInRange, string what)
        {
            if (!isInRange)
                throw new FormatException($"parsing time {Codec.GoText.Quote(text)}: {what} out of range");
        }

        private readonly FormatException Refuse(string element, ReadOnlySpan<char> at) =>
            new($"parsing time {Codec.GoText.Quote(text)} as {Codec.GoText.Quote(layout)}: cannot parse {Codec.GoText.Quote(at.ToString())} as {Codec.GoText.Quote(element)}");
    }
}
