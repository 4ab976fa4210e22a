using System.Globalization;
using System.Text;

namespace LiteKube.Apis.Values;

/// <summary>Durations as Go writes them: "1h30m0s", "100ms", "1.5s" (https://pkg.go.dev/time#ParseDuration). Resolution 100 ns.</summary>
public static class GoDuration
{
    /// <exception cref="FormatException">In the words of Go's time.ParseDuration.</exception>
    public static TimeSpan Parse(string text) => TryParse(text, out var value, out var error) ? value : throw new FormatException(error);

    public static bool TryParse(string? text, out TimeSpan value) => TryParse(text ?? "", out value, out _);

    public static string Format(TimeSpan value)
    {
        if (value == TimeSpan.Zero)
            return "0s";
        var sign = value < TimeSpan.Zero ? "-" : "";
        var ticks = value.Ticks == long.MinValue ? long.MaxValue : Math.Abs(value.Ticks);
        if (ticks < TimeSpan.TicksPerSecond)
        {
            var (unit, size) = ticks < TimeSpan.TicksPerMicrosecond ? ("ns", 0.01m)
                : ticks < TimeSpan.TicksPerMillisecond ? ("µs", TimeSpan.TicksPerMicrosecond)
                : ("ms", (decimal)TimeSpan.TicksPerMillisecond);
            return sign + (ticks / size).ToString("0.######", CultureInfo.InvariantCulture) + unit;
        }

        var result = new StringBuilder(sign);
        var hours = ticks / TimeSpan.TicksPerHour;
        var minutes = ticks / TimeSpan.TicksPerMinute % 60;
        if (hours > 0)
            result.Append(hours).Append('h');
        if (hours > 0 || minutes > 0)
            result.Append(minutes).Append('m');
        var seconds = (decimal)(ticks % TimeSpan.TicksPerMinute) / TimeSpan.TicksPerSecond;
        return result.Append(seconds.ToString("0.#######", CultureInfo.InvariantCulture)).Append('s').ToString();
    }

    private static bool TryParse(string text, out TimeSpan value, out string error)
    {
        value = default;
        error = $"time: invalid duration {Codec.GoText.Quote(text)}";
        var rest = text.AsSpan();
        var isNegative = rest is ['-', ..];
        if (rest is ['-' or '+', ..])
            rest = rest[1..];
        if (rest is "0")
            return true;
        if (rest.IsEmpty)
            return false;
        var ticks = 0m;
        while (!rest.IsEmpty)
        {
            var length = rest.IndexOfAnyExcept("0123456789.");
            var number = length < 0 ? rest : rest[..length];
            if (number.Length is 0 or > 24 || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount))
                return false;
            rest = rest[number.Length..];
            if (rest.IsEmpty)
            {
                error = $"time: missing unit in duration {Codec.GoText.Quote(text)}";
                return false;
            }

            length = rest.IndexOfAny("0123456789.");
            var unit = length < 0 ? rest : rest[..length];
            rest = rest[unit.Length..];
            if (TicksOf(unit) is not { } size)
            {
                error = $"time: unknown unit {Codec.GoText.Quote(unit.ToString())} in duration {Codec.GoText.Quote(text)}";
                return false;
            }

            ticks += amount * size;
            // Go's duration ends at 2^63 nanoseconds, about 292 years.
            if (ticks > long.MaxValue / 100)
                return false;
        }

        value = new TimeSpan((long)(isNegative ? -ticks : ticks));
        return true;
    }

    private static decimal? TicksOf(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 0.01m,
        "us" or "µs" or "μs" => TimeSpan.TicksPerMicrosecond,
        "ms" => TimeSpan.TicksPerMillisecond,
        "s" => TimeSpan.TicksPerSecond,
        "m" => TimeSpan.TicksPerMinute,
        "h" => TimeSpan.TicksPerHour,
        _ => null,
    };
}
