using System.Text.Json;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry;

/// <summary>
/// Reading canonical objects: a field that is absent reads as its Go zero value ("" or 0 or false) or as null where
/// absence has a meaning of its own. Objects have been decoded by their schema, so values have their field's kind.
/// </summary>
internal static class JsonFields
{
    public static JsonObject? Obj(this JsonObject? value, string field) => value is not null && value.TryGetPropertyValue(field, out var node) ? node as JsonObject : null;

    public static JsonObject? Obj(this JsonObject? value, string field, string next) => value.Obj(field).Obj(next);

    public static JsonArray? Arr(this JsonObject? value, string field) => value is not null && value.TryGetPropertyValue(field, out var node) ? node as JsonArray : null;

    /// <summary>The objects of a list field; empty when it is absent.</summary>
    public static IEnumerable<JsonObject> Items(this JsonObject? value, string field) => value.Arr(field)?.OfType<JsonObject>() ?? [];

    /// <summary>The strings of a list field; empty when it is absent.</summary>
    public static IEnumerable<string> Strings(this JsonObject? value, string field) => value.Arr(field)?.Select(AsText) ?? [];

    public static string Str(this JsonObject? value, string field) => value.StrOrNull(field) ?? "";

    public static string? StrOrNull(this JsonObject? value, string field) =>
        value is not null && value.TryGetPropertyValue(field, out var node) && node is JsonValue text && text.GetValueKind() == JsonValueKind.String ? text.GetValue<string>() : null;

    public static bool Bool(this JsonObject? value, string field) => value.BoolOrNull(field) ?? false;

    public static bool? BoolOrNull(this JsonObject? value, string field) =>
        value is not null && value.TryGetPropertyValue(field, out var node) ? node?.GetValueKind() switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null } : null;

    public static long Long(this JsonObject? value, string field) => value.LongOrNull(field) ?? 0;

    public static long? LongOrNull(this JsonObject? value, string field) =>
        value is not null && value.TryGetPropertyValue(field, out var node) && node is JsonValue number ? AsLong(number) : null;

    /// <summary>A number whatever CLR type holds it; null for anything else.</summary>
    public static long? AsLong(JsonValue number)
    {
        if (number.GetValueKind() != JsonValueKind.Number) return null;
        if (number.TryGetValue<long>(out var l)) return l;
        if (number.TryGetValue<int>(out var i)) return i;
        if (number.TryGetValue<double>(out var d) && d == Math.Floor(d)) return (long)d;
        return number.TryGetValue<decimal>(out var m) && m == decimal.Floor(m) ? (long)m : null;
    }

    /// <summary>A string as it is, another value as JSON; "" for null.</summary>
    public static string AsText(JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : node?.ToJsonString() ?? "";

    public static bool Has(this JsonObject? value, string field) => value is not null && value.TryGetPropertyValue(field, out var node) && node is not null;

    public static JsonObject GetOrAdd(this JsonObject value, string field)
    {
        if (value.Obj(field) is { } existing) return existing;
        var created = new JsonObject();
        value[field] = created;
        return created;
    }

    public static JsonArray GetOrAddArray(this JsonObject value, string field)
    {
        if (value.Arr(field) is { } existing) return existing;
        var created = new JsonArray();
        value[field] = created;
        return created;
    }

    /// <summary>Sets a copy of the value, or removes the field for null.</summary>
    public static void SetOrRemove(this JsonObject value, string field, JsonNode? node)
    {
        if (node is null) value.Remove(field);
        else value[field] = node.DeepClone();
    }

    /// <summary>A field of string values (labels, data) as a dictionary; empty when it is absent.</summary>
    public static Dictionary<string, string> StringMap(this JsonObject? value, string field)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (value.Obj(field) is { } entries)
        {
            foreach (var (key, node) in entries)
                map[key] = AsText(node);
        }
        return map;
    }

    public static JsonObject? Meta(this JsonObject? value) => value.Obj("metadata");
    public static string MetaName(this JsonObject? value) => value.Meta().Str("name");
    public static string MetaNamespace(this JsonObject? value) => value.Meta().Str("namespace");
    public static string MetaUid(this JsonObject? value) => value.Meta().Str("uid");
    public static Dictionary<string, string> Labels(this JsonObject? value) => value.Meta().StringMap("labels");
    public static Dictionary<string, string> Annotations(this JsonObject? value) => value.Meta().StringMap("annotations");

    /// <summary>Equal as values; absence equals null.</summary>
    public static bool SameAs(this JsonNode? a, JsonNode? b) => JsonNode.DeepEquals(a, b);

    /// <summary>Equal as Kubernetes' semantic equality has it: absent, null and empty are the same.</summary>
    public static bool SemanticallySameAs(this JsonNode? a, JsonNode? b) => IsEmpty(a) && IsEmpty(b) || JsonNode.DeepEquals(a, b);

    private static bool IsEmpty(JsonNode? node) => node switch
    {
        null => true,
        JsonObject o => o.Count == 0,
        JsonArray a => a.Count == 0,
        _ => false,
    };
}
