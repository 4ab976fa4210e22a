using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>Lists of list-type set and map hold no two elements that are the same.</summary>
internal static class ListRules
{
    /// <param name="path">Null: the value is the whole object.</param>
    public static void Validate(JsonNode? value, StructuralSchema? schema, FieldPath? path, FieldErrors errors)
    {
        if (schema is null) return;
        switch (value)
        {
            case JsonObject o:
                foreach (var (name, child) in o)
                {
                    if (schema.Properties.TryGetValue(name, out var property)) Validate(child, property, path?.Child(name) ?? FieldPath.Of(name), errors);
                    else if (schema.AdditionalProperties is { } additional) Validate(child, additional, path?.Key(name) ?? FieldPath.Of($"[{name}]"), errors);
                }
                break;
            case JsonArray list when path is not null:
                CheckElements(list, schema, path, errors);
                for (var i = 0; i < list.Count && schema.Items is not null; i++) Validate(list[i], schema.Items, path.Index(i), errors);
                break;
        }
    }

    private static void CheckElements(JsonArray list, StructuralSchema schema, FieldPath path, FieldErrors errors)
    {
        if (schema.ListType == "set")
        {
            foreach (var i in Repeated([.. list])) errors.Duplicate(path.Index(i), list[i]);
        }
        if (schema.ListType != "map") return;
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is null or JsonObject) continue;
            errors.Invalid(path.Index(i), list[i], "must be an object for an array of list-type map");
            return;
        }
        var keys = list.Select(element => (JsonNode?)KeyOf(element as JsonObject, schema)).ToList();
        foreach (var i in Repeated(keys)) errors.Duplicate(path.Index(i), keys[i]);
    }

    private static JsonObject KeyOf(JsonObject? element, StructuralSchema schema)
    {
        var key = new JsonObject();
        foreach (var field in schema.ListMapKeys)
        {
            if (element is not null && element.TryGetPropertyValue(field, out var value)) key[field] = value?.DeepClone();
        }
        return key;
    }

    /// <summary>Where an element stands for the second time.</summary>
    private static IEnumerable<int> Repeated(IReadOnlyList<JsonNode?> list)
    {
        if (list.Count < 2) yield break;
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < list.Count; i++)
        {
            var text = list[i] is { } element ? Encoding.UTF8.GetString(ObjectWriter.Write(SortedJson.Of(element))) : "null";
            seen[text] = seen.GetValueOrDefault(text) + 1;
            if (seen[text] == 2) yield return i;
        }
    }
}
