using System.Text.Json.Nodes;

namespace LiteKube.Apis.Apply;

/// <summary>An object without some of its fields.</summary>
internal static class FieldRemoval
{
    /// <summary>The input is not changed. What loses everything below it becomes null, as upstream leaves it.</summary>
    public static JsonObject Remove(JsonObject value, FieldSet fields, IMergeSchema schema) =>
        fields.IsEmpty ? value : Walk(value, fields, schema) as JsonObject ?? [];

    private static JsonNode? Walk(JsonNode? value, FieldSet fields, IMergeSchema schema) => value switch
    {
        JsonObject map when schema.Map is { } maps => WalkMap(map, fields, maps),
        JsonArray list when schema.List is { } lists => WalkList(list, fields, lists),
        _ => value?.DeepClone(),
    };

    private static JsonObject? WalkMap(JsonObject map, FieldSet fields, IMapMerge schema)
    {
        // An atomic one goes or stays as a whole, and this one was named in parts.
        if (schema.IsAtomic) return null;
        var kept = new JsonObject();
        foreach (var (name, child) in map)
        {
            var field = schema.Find(name);
            var at = fields.IndexOf(field?.Element ?? PathElement.Field(name));
            if (at >= 0 && fields.Entries[at].IsMember) continue;
            var below = at < 0 ? null : fields.Entries[at].Children;
            kept.Add(name, below is null || (field?.Schema ?? schema.Values) is not { } childSchema ? child?.DeepClone() : Walk(child, below, childSchema));
        }

        return kept.Count == 0 ? null : kept;
    }

    private static JsonArray? WalkList(JsonArray list, FieldSet fields, IListMerge schema)
    {
        if (schema.IsAtomic()) return null;
        var kept = new JsonArray();
        var elements = ListElements.All(schema, list);
        for (var i = 0; i < elements.Length; i++)
        {
            var at = fields.IndexOf(elements[i]);
            if (at >= 0 && fields.Entries[at].IsMember) continue;
            kept.Add(at < 0 ? list[i]?.DeepClone() : Walk(list[i], fields.Entries[at].Children!, schema.Elements));
        }

        return kept.Count == 0 ? null : kept;
    }
}
