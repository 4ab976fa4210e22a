using LiteKube.Apis.Schema.Structural;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>Walks over all parts of a schema, the alternatives' among them.</summary>
internal static class SchemaTree
{
    public static IEnumerable<StructuralSchema> All(StructuralSchema? root)
    {
        if (root is null) yield break;
        var waiting = new Stack<StructuralSchema>([root]);
        while (waiting.TryPop(out var schema))
        {
            yield return schema;
            foreach (var child in Children(schema)) waiting.Push(child);
        }
    }

    private static IEnumerable<StructuralSchema> Children(StructuralSchema schema)
    {
        foreach (var child in schema.Properties.Values.Concat(schema.AllOf).Concat(schema.AnyOf).Concat(schema.OneOf)) yield return child;
        foreach (var child in (StructuralSchema?[])[schema.Items, schema.AdditionalProperties, schema.Not])
        {
            if (child is not null) yield return child;
        }
    }
}
