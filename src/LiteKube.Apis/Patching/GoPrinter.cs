using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Patching;

/// <summary>Values as Go's fmt prints them in the patch errors: <c>map[image:x ports:[1 2]]</c>.</summary>
internal static class GoPrinter
{
    public const string MapType = "map[string]interface {}";

    public static string Print(JsonNode? node)
    {
        var text = new StringBuilder();
        Print(text, node);
        return text.ToString();
    }

    public static string TypeOf(JsonNode? node) => node switch
    {
        null => "%!s(<nil>)",
        JsonObject => MapType,
        JsonArray => "[]interface {}",
        _ => node.GetValueKind() switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.Number => node.AsValue().TryGetValue(out int _) || node.AsValue().TryGetValue(out long _) ? "int64" : "float64",
            _ => "bool",
        },
    };

    private static void Print(StringBuilder text, JsonNode? node)
    {
        switch (node)
        {
            case null:
                text.Append("<nil>");
                break;
            case JsonObject o:
                text.Append("map[");
                var isFirst = true;
                foreach (var (name, value) in o.OrderBy(p => p.Key, StringComparer.Ordinal))
                {
                    text.Append(isFirst ? "" : " ").Append(name).Append(':');
                    Print(text, value);
                    isFirst = false;
                }

                text.Append(']');
                break;
            case JsonArray a:
                text.Append('[');
                for (var i = 0; i < a.Count; i++)
                {
                    text.Append(i == 0 ? "" : " ");
                    Print(text, a[i]);
                }

                text.Append(']');
                break;
            default:
                text.Append(node.AsValue().TryGetValue(out string? s) ? s : Encoding.UTF8.GetString(ObjectWriter.Write(node)));
                break;
        }
    }
}
