using System.Globalization;
using System.Text.Json.Nodes;

namespace LiteKube.Apis.Schema.Structural;

/// <summary>Takes out the fields that the schema does not know (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning).</summary>
public sealed class Pruner
{
    private readonly List<string>? _unknown;
    private readonly List<string> _path = [];
    private bool _changed;

    private Pruner(List<string>? unknown) => _unknown = unknown;

    /// <param name="isResourceRoot">kind, apiVersion and metadata stand here whatever the schema says.</param>
    /// <param name="unknown">Gets the paths of what was taken out, "spec.list[0].name".</param>
    /// <returns>Whether anything was taken out.</returns>
    public static bool Prune(JsonNode? value, StructuralSchema? schema, bool isResourceRoot, List<string>? unknown = null)
    {
        var pruner = new Pruner(unknown);
        pruner.Visit(value, schema, isResourceRoot);
        unknown?.Sort(StringComparer.Ordinal);
        return pruner._changed;
    }

    private static bool IsMeta(string name) => name is "apiVersion" or "kind" or "metadata";

    private void Visit(JsonNode? value, StructuralSchema? schema, bool isRoot = false)
    {
        switch (value)
        {
            case JsonObject o:
                VisitFields(o, schema, isRoot || schema is { EmbeddedResource: true });
                break;
            case JsonArray list:
                for (var i = 0; i < list.Count; i++)
                {
                    if (list[i] is not (JsonObject or JsonArray))
                        continue;
                    Push(string.Create(CultureInfo.InvariantCulture, $"[{i}]"));
                    if (schema is { PreserveUnknownFields: true })
                        VisitPreserved(list[i], schema.Items);
                    else
                        Visit(list[i], schema?.Items);
                    Pop();
                }

                break;
        }
    }

    // An element of a preserved list is preserved too: only what is specified below it is pruned.
    private void VisitPreserved(JsonNode? value, StructuralSchema? schema)
    {
        if (schema is null)
            return;
        switch (value)
        {
            case JsonObject o:
                VisitKnown(o, schema, schema.EmbeddedResource);
                break;
            case JsonArray list:
                for (var i = 0; i < list.Count; i++)
                {
                    Push(string.Create(CultureInfo.InvariantCulture, $"[{i}]"));
                    VisitPreserved(list[i], schema.Items);
                    Pop();
                }

                break;
        }
    }

    private void VisitFields(JsonObject value, StructuralSchema? schema, bool isResource)
    {
        if (schema is { PreserveUnknownFields: true })
        {
            VisitKnown(value, schema, isResource);
            return;
        }

        List<string>? unknown = null;
        foreach (var (name, child) in value)
        {
            if (isResource && IsMeta(name))
                continue;
            if (schema is not null && (schema.Properties.TryGetValue(name, out var property) || (property = schema.AdditionalProperties) is not null || schema.AllowsAdditionalProperties is not null))
                Descend(name, child, property);
            else
                (unknown ??= []).Add(name);
        }

        foreach (var name in unknown ?? [])
        {
            value.Remove(name);
            _changed = true;
            _unknown?.Add(PathOf(name));
        }
    }

    private void VisitKnown(JsonObject value, StructuralSchema schema, bool isResource)
    {
        foreach (var (name, child) in value)
        {
            if (isResource && IsMeta(name))
                continue;
            if (schema.Properties.TryGetValue(name, out var property))
                Descend(name, child, property);
            else if (schema.AllowsAdditionalProperties is not null)
                Descend(name, child, schema.AdditionalProperties);
        }
    }

    private void Descend(string name, JsonNode? child, StructuralSchema? schema)
    {
        if (child is not (JsonObject or JsonArray))
            return;
        Push(_path.Count == 0 ? name : "." + name);
        Visit(child, schema);
        Pop();
    }

    // Paths are only wanted when someone asks for them.
    private void Push(string step)
    {
        if (_unknown is not null)
            _path.Add(step);
    }

    private void Pop()
    {
        if (_unknown is not null)
            _path.RemoveAt(_path.Count - 1);
    }

    private string PathOf(string name) => _path.Count == 0 ? name : string.Concat(_path) + "." + name;
}
