using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>A value of an update beside the one that it replaces, found by name, or by its keys in a list of list-type map (KEP-4008).</summary>
internal sealed class Correlation(JsonNode? value, JsonNode? old, StructuralSchema schema)
{
    private bool? _isUnchanged;

    public JsonNode? Old => old;

    public bool IsUnchanged => _isUnchanged ??= Compare(value, old, schema);

    public Correlation? Key(string name)
    {
        if (value is not JsonObject current || old is not JsonObject before || schema.Field(name) is not { } field) return null;
        return current.TryGetPropertyValue(name, out var now) && before.TryGetPropertyValue(name, out var then) ? new(now, then, field) : null;
    }

    public Correlation? Index(int index)
    {
        if (value is not JsonArray current || old is not JsonArray before || schema is not { ListType: "map", Items: { } items } || index >= current.Count) return null;
        return Find(before, current[index], schema) is { } then ? new(current[index], then, items) : null;
    }

    private static JsonNode? Find(JsonArray list, JsonNode? element, StructuralSchema schema)
    {
        if (element is not JsonObject wanted) return null;
        foreach (var candidate in list)
        {
            if (candidate is JsonObject o && schema.ListMapKeys.All(key => JsonEquality.AreEqual(o[key], wanted[key]))) return o;
        }
        return null;
    }

    private static bool Compare(JsonNode? a, JsonNode? b, StructuralSchema? schema)
    {
        switch (a, b)
        {
            case (JsonArray x, JsonArray y) when schema is { ListType: "map", Items: { } items }:
                return x.Count == y.Count && x.All(element => Find(y, element, schema) is { } then && Compare(element, then, items));
            case (JsonObject x, JsonObject y):
                return x.Count == y.Count && x.All(p => y.TryGetPropertyValue(p.Key, out var then) && Compare(p.Value, then, schema?.Field(p.Key)));
            default:
                return JsonEquality.AreEqual(a, b);
        }
    }
}
