using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Schema.Structural;

/// <summary>Custom resources as trees: what decoding into Go's types does for built-in kinds, done by the schema.</summary>
public static class CustomObjects
{
    /// <summary>
    /// The canonical form of an object that was read untyped: unknown fields pruned, nulls that mean nothing dropped,
    /// metadata read as ObjectMeta, fields sorted by name. Changes <paramref name="tree"/>.
    /// </summary>
    internal static JsonObject Canonicalize(JsonNode? tree, StructuralSchema schema, StrictErrors? strict)
    {
        if (tree is not JsonObject value)
            throw new DecodeException($"json: cannot unmarshal {KindOf(tree)} into Go value of type map[string]interface {{}}");
        foreach (var name in (ReadOnlySpan<string>)["kind", "apiVersion"])
        {
            if (value.TryGetPropertyValue(name, out var node) && node?.GetValueKind() != JsonValueKind.String)
                throw new DecodeException($".{name} accessor error: {node?.ToJsonString() ?? "<nil>"} is of the type {GoTypeOf(node)}, expected string");
        }

        var metadata = EmbeddedMetadata.Read(value, "metadata", dropsInvalid: false, strict);
        var unknown = strict is null ? null : new List<string>();
        Pruner.Prune(value, schema, isResourceRoot: true, unknown);
        StructuralDefaulter.DropNulls(value, schema);
        foreach (var path in unknown ?? [])
            strict!.Unknown(path);
        EmbeddedMetadata.CoerceEmbedded(value, schema, dropsInvalid: false, strict);
        if (metadata is not null)
            SortedJson.Set(value, "metadata", metadata);
        return value;
    }

    /// <summary>
    /// An object from the store as the schema has it today: a default that came later is filled in, a field that went is
    /// taken out. Changes <paramref name="value"/>.
    /// </summary>
    /// <returns>Whether it differs from what is stored.</returns>
    public static bool Refresh(JsonObject value, StructuralSchema schema)
    {
        var changed = Pruner.Prune(value, schema, isResourceRoot: true);
        changed |= StructuralDefaulter.DropNulls(value, schema);
        changed |= StructuralDefaulter.Apply(value, schema);
        return changed;
    }

    /// <summary>What a conversion to another version may have left: pruned by that version's schema. Changes <paramref name="value"/>.</summary>
    public static void Fit(JsonObject value, StructuralSchema schema)
    {
        Pruner.Prune(value, schema, isResourceRoot: true);
        StructuralDefaulter.DropNulls(value, schema);
    }

    private static string KindOf(JsonNode? node) => node switch
    {
        null => "null",
        JsonArray => "array",
        _ => node.GetValueKind() switch { JsonValueKind.String => "string", JsonValueKind.Number => "number", _ => "bool" },
    };

    private static string GoTypeOf(JsonNode? node) => node switch
    {
        null => "<nil>",
        JsonObject => "map[string]interface {}",
        JsonArray => "[]interface {}",
        JsonValue value => value.GetValueKind() switch { JsonValueKind.Number => JsonNumbers.TryInteger(value, out _) ? "int64" : "float64", JsonValueKind.String => "string", _ => "bool" },
        _ => "",
    };
}
