using System.Globalization;
using System.Text.Json.Nodes;

namespace LiteKube.Apis.Values;

/// <summary>Fields that hold a number or a percentage: maxSurge, maxUnavailable, minAvailable.</summary>
public static class IntOrPercent
{
    /// <summary>The number, or the percentage of <paramref name="total"/>.</summary>
    /// <exception cref="FormatException">A text that is no percentage; in Kubernetes' words.</exception>
    public static int Scale(string value, int total, bool roundUp)
    {
        if (int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return number;
        if (!value.EndsWith('%') || !int.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var percent))
            throw new FormatException("invalid value for IntOrString: invalid type: string is not a percentage");
        var scaled = (double)percent * total / 100;
        return (int)(roundUp ? Math.Ceiling(scaled) : Math.Floor(scaled));
    }

    /// <summary>Same, for a value as JSON holds it: a number or a text. Null counts as 0.</summary>
    public static int Scale(JsonNode? value, int total, bool roundUp) => value switch
    {
        null => 0,
        JsonValue v when v.TryGetValue(out int number) => number,
        JsonValue v when v.TryGetValue(out long number) => checked((int)number),
        JsonValue v when v.TryGetValue(out string? text) => Scale(text, total, roundUp),
        _ => throw new FormatException("invalid value for IntOrString: invalid type: string is not a percentage"),
    };
}
