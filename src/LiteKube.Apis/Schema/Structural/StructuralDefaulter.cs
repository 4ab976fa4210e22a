using System.Text.Json.Nodes;

namespace LiteKube.Apis.Schema.Structural;

/// <summary>Fills in the schema's defaults (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting). Objects stay sorted.</summary>
public static class StructuralDefaulter
{
    /// <returns>Whether anything was filled in.</returns>
    public static bool Apply(JsonNode? value, StructuralSchema? schema)
    {
        if (schema is not { HasDefaults: true })
            return false;
        return value switch
        {
            JsonObject o => ApplyTo(o, schema),
            JsonArray list => ApplyTo(list, schema.Items),
            _ => false,
        };
    }

    /// <summary>Takes out nulls that their field neither takes nor replaces by a default: Go reads them as absent for its own types.</summary>
    /// <returns>Whether anything was taken out.</returns>
    public static bool DropNulls(JsonNode? value, StructuralSchema? schema)
    {
        if (schema is null)
            return false;
        var changed = false;
        switch (value)
        {
            case JsonObject o:
                List<string>? dropped = null;
                foreach (var (name, child) in o)
                {
                    var field = schema.Field(name);
                    if (child is null && field is { Nullable: false, Default: null })
                        (dropped ??= []).Add(name);
                    else if (child is JsonObject or JsonArray)
                        changed |= DropNulls(child, field);
                }

                foreach (var name in dropped ?? [])
                    changed |= o.Remove(name);
                break;
            case JsonArray list:
                foreach (var element in list)
                    changed |= DropNulls(element, schema.Items);
                break;
        }

        return changed;
    }

    private static bool ApplyTo(JsonObject value, StructuralSchema schema)
    {
        var changed = false;
        foreach (var (name, property) in schema.Properties)
        {
            if (property.Default is null || (value.TryGetPropertyValue(name, out var standing) && (standing is not null || property.Nullable)))
                continue;
            SortedJson.Set(value, name, property.Default.DeepClone());
            changed = true;
        }

        for (var i = 0; i < value.Count; i++)
        {
            var (name, child) = value.GetAt(i);
            if (schema.Properties.TryGetValue(name, out var property))
            {
                changed |= Apply(child, property);
            }
            else if (schema.AdditionalProperties is { HasDefaults: true } additional)
            {
                if (child is null && additional is { Nullable: false, Default: not null })
                {
                    value.SetAt(i, child = additional.Default.DeepClone());
                    changed = true;
                }

                changed |= Apply(child, additional);
            }
        }

        return changed;
    }

    private static bool ApplyTo(JsonArray list, StructuralSchema? items)
    {
        if (items is not { HasDefaults: true })
            return false;
        var changed = false;
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is null && items is { Nullable: false, Default: not null })
            {
                list[i] = items.Default.DeepClone();
                changed = true;
            }

            changed |= Apply(list[i], items);
        }

        return changed;
    }
}
