using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.ApiServer.Registry;

/// <summary>Values as Go's fmt prints them in messages.</summary>
internal static class GoValues
{
    /// <summary>%q.</summary>
    public static string Quote(string text)
    {
        var result = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' or '\\' => result.Append('\\').Append(c),
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                < ' ' or '\x7f' => result.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                _ => result.Append(c),
            };
        }
        return result.Append('"').ToString();
    }

    /// <summary>%v.</summary>
    public static string Print(JsonNode? value) => value switch
    {
        null => "<nil>",
        JsonArray list => $"[{string.Join(' ', list.Select(Print))}]",
        JsonObject o => $"map[{string.Join(' ', o.Select(p => $"{p.Key}:{Print(p.Value)}"))}]",
        JsonValue v when v.TryGetValue(out string? text) => text,
        JsonValue v when JsonNumbers.TryInteger(v, out var integer) => integer.ToString(CultureInfo.InvariantCulture),
        JsonValue v when JsonNumbers.TryNumber(v, out var number) => JsonNumbers.Print(number),
        _ => value.ToJsonString(),
    };
}
