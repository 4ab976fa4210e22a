using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace LiteKube.Commands;

/// <summary>Durations as Kubernetes' tools write them: 500ms, 60s, 5m, 1h30m; a bare number is seconds.</summary>
internal static class Durations
{
    public static Option<TimeSpan> Option(string name, TimeSpan otherwise, string description) => new(name)
    {
        Description = $"{description} (default {Print(otherwise)})",
        HelpName = "DURATION",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result => Parse(result),
    };

    public static bool TryParse(string text, out TimeSpan value)
    {
        value = TimeSpan.Zero;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds))
        {
            value = TimeSpan.FromSeconds(seconds);
            return true;
        }
        var i = 0;
        while (i < text.Length)
        {
            var start = i;
            while (i < text.Length && (char.IsAsciiDigit(text[i]) || text[i] == '.'))
                i++;
            if (!double.TryParse(text.AsSpan(start, i - start), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                return false;
            start = i;
            while (i < text.Length && char.IsAsciiLetter(text[i]))
                i++;
            TimeSpan? unit = text[start..i] switch
            {
                "ms" => TimeSpan.FromMilliseconds(1),
                "s" => TimeSpan.FromSeconds(1),
                "m" => TimeSpan.FromMinutes(1),
                "h" => TimeSpan.FromHours(1),
                _ => null,
            };
            if (unit is null)
                return false;
            value += unit.Value * number;
        }
        return text.Length > 0;
    }

    public static string Print(TimeSpan value) => value.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + "s";

    private static TimeSpan Parse(ArgumentResult result)
    {
        var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (TryParse(text, out var value))
            return value;
        result.AddError($"\"{text}\" is not a duration; write it like 60s or 5m");
        return default;
    }
}
