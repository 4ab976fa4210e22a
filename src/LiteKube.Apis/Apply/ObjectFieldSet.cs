using System.Text.Json.Nodes;

namespace LiteKube.Apis.Apply;

/// <summary>The fields that an object sets.</summary>
public static class ObjectFieldSet
{
    /// <exception cref="MergeException">An element of an associative list cannot be told apart.</exception>
    public static FieldSet Of(JsonNode? value, IMergeSchema schema) => Walk(value, schema).Build();

    private static FieldSetNode Walk(JsonNode? value, IMergeSchema schema)
    {
        var form = schema.FormOf(value);
        return (form == MergeForm.None ? schema.FirstForm() : form) switch
        {
            MergeForm.Map => OfMap(value as JsonObject, schema.Map!),
            MergeForm.List => OfList(value as JsonArray, schema.List!),
            _ => new FieldSetNode { IsMember = true },
        };
    }

    private static FieldSetNode OfMap(JsonObject? map, IMapMerge schema)
    {
        if (schema.IsAtomic) return new FieldSetNode { IsMember = true };
        var node = new FieldSetNode();
        foreach (var (name, child) in map ?? [])
        {
            var field = schema.Find(name);
            var below = (field?.Schema ?? schema.Values) is { } childSchema ? Walk(child, childSchema) : default;
            // Null and {} say something although nothing lies below them; so does a key of a map that it is there.
            if (child is null or JsonObject { Count: 0 } || field is null) below.IsMember = true;
            node.Add(field?.Element ?? PathElement.Field(name), below);
        }

        return node;
    }

    private static FieldSetNode OfList(JsonArray? list, IListMerge schema)
    {
        if (schema.IsAtomic()) return new FieldSetNode { IsMember = true };
        var node = new FieldSetNode();
        if (list is null) return node;
        var elements = ListElements.All(schema, list);
        var duplicates = Duplicates(elements);
        for (var i = 0; i < elements.Length; i++)
        {
            // What stands twice cannot be owned in parts.
            var below = duplicates.Contains(elements[i]) ? default : Walk(list[i], schema.Elements);
            below.IsMember = true;
            node.Add(elements[i], below);
        }

        return node;
    }

    private static HashSet<PathElement> Duplicates(PathElement[] elements)
    {
        var (seen, duplicates) = (new HashSet<PathElement>(elements.Length), new HashSet<PathElement>());
        foreach (var element in elements)
        {
            if (!seen.Add(element)) duplicates.Add(element);
        }

        return duplicates;
    }
}
