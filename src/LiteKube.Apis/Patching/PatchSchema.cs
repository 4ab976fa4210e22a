using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Patching;

/// <summary>What the schema says of the fields at one place of a patch: a type's, or a map's whose values are all of one type. Without a type nothing merges by keys.</summary>
/// <param name="MapValue">The field whose map values stand here.</param>
internal readonly record struct PatchSchema(TypeSchema? Type, FieldSchema? MapValue = null)
{
    public PatchField Field(string name)
    {
        if (MapValue is not null)
            return new(null, null, new(MapValue.Type), MapValue.Type?.ShortName ?? "");
        if (Type?.Find(name) is not { } field)
            return new(null, null, default, "");
        var child = field.Cardinality == Cardinality.Map ? new PatchSchema(null, field) : new PatchSchema(field.Type);
        return new(StrategyOf(field), field.PatchMergeKey, child, field.Type?.ShortName ?? field.Name);
    }

    // "merge,retainKeys" merges; retainKeys alone says nothing of merging.
    private static string? StrategyOf(FieldSchema field) => field.PatchStrategy switch
    {
        "merge" or "merge,retainKeys" or "retainKeys,merge" => "merge",
        "replace" => "replace",
        _ => null,
    };
}

/// <param name="Strategy">"merge", "replace" or null.</param>
/// <param name="MergeKey">Null for lists of scalars.</param>
/// <param name="Child">For the field's value, or each element.</param>
internal readonly record struct PatchField(string? Strategy, string? MergeKey, PatchSchema Child, string TypeName);
