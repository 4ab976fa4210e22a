using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

/// <summary>A LabelSelector as text, its requirements by key; "&lt;none&gt;" for one without any.</summary>
internal static class SelectorCells
{
    public static string Format(JsonNode? selector)
    {
        var requirements = new List<(string Key, string Text)>();
        foreach (var (key, value) in selector?["matchLabels"] as JsonObject ?? [])
            requirements.Add((key, $"{key}={Text(value)}"));
        foreach (var expression in Items(selector?["matchExpressions"]))
        {
            var key = Text(expression, "key");
            var values = string.Join(',', (expression["values"] as JsonArray ?? []).Select(v => Text(v)).Order(StringComparer.Ordinal));
            requirements.Add((key, Text(expression, "operator") switch
            {
                "In" => $"{key} in ({values})",
                "NotIn" => $"{key} notin ({values})",
                "DoesNotExist" => "!" + key,
                _ => key,
            }));
        }
        return Or(string.Join(',', requirements.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => r.Text)));
    }
}
