using System.Text.Json.Nodes;

namespace LiteKube.Apis.Schema.Structural;

/// <summary>Trees whose objects have their fields in the order of their names, as Go writes the maps that custom resources are to it.</summary>
public static class SortedJson
{
    /// <summary>A sorted copy.</summary>
    public static JsonNode Of(JsonNode node)
    {
        switch (node)
        {
            case JsonObject source:
                var result = new JsonObject();
                foreach (var (name, value) in source.OrderBy(p => p.Key, StringComparer.Ordinal))
                    result.Add(name, value is null ? null : Of(value));
                return result;
            case JsonArray source:
                var list = new JsonArray();
                foreach (var value in source)
                    list.Add(value is null ? null : Of(value));
                return list;
            default:
                return node.DeepClone();
        }
    }

    /// <summary>Sets a field at its place among sorted ones.</summary>
    public static void Set(JsonObject value, string name, JsonNode? node)
    {
        if (value.ContainsKey(name))
        {
            value[name] = node;
            return;
        }

        var at = value.Count;
        while (at > 0 && string.CompareOrdinal(value.GetAt(at - 1).Key, name) > 0)
            at--;
        value.Insert(at, name, node);
    }
}
