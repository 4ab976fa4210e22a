using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>Puts one OpenAPI v2 document into another, as kube-aggregator does: paths that are there stay, definitions that differ get another name.</summary>
internal static class SpecMerge
{
    private const string Kinds = "x-kubernetes-group-version-kind";
    private const int MaxDepth = 200;

    /// <param name="source">Is used up.</param>
    public static void Add(JsonObject target, JsonObject source)
    {
        var (targetPaths, targetDefinitions) = (target.GetOrAdd("paths"), target.GetOrAdd("definitions"));
        var (paths, definitions) = (source.Obj("paths") ?? [], source.Obj("definitions") ?? []);
        foreach (var path in paths.Select(p => p.Key).Where(targetPaths.ContainsKey).ToList()) paths.Remove(path);

        var renamed = Renames(targetDefinitions, definitions);
        foreach (var (name, definition) in definitions.ToList())
        {
            definitions.Remove(name);
            var newName = renamed.GetValueOrDefault(name, name);
            if (targetDefinitions.Obj(newName) is { } known)
            {
                AddKinds(known, definition as JsonObject);
                continue;
            }
            Rename(definition, renamed, 0);
            targetDefinitions[newName] = definition;
        }
        foreach (var (path, item) in paths.ToList())
        {
            paths.Remove(path);
            Rename(item, renamed, 0);
            targetPaths[path] = item;
        }
    }

    private static Dictionary<string, string> Renames(JsonObject target, JsonObject source)
    {
        var renamed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, definition) in source)
        {
            if (!target.TryGetPropertyValue(name, out var known) || IsSame(known, definition)) continue;
            var number = 2;
            string other;
            do other = string.Create(CultureInfo.InvariantCulture, $"{name}_v{number++}");
            // One that an earlier server of the same library brought is used again.
            while (source.ContainsKey(other) || (target.TryGetPropertyValue(other, out var earlier) && !IsSame(earlier, definition)));
            renamed[name] = other;
        }
        return renamed;
    }

    /// <summary>Apart from the kinds that are told of: options are of every group's kinds.</summary>
    private static bool IsSame(JsonNode? a, JsonNode? b)
    {
        if (a is not JsonObject x || b is not JsonObject y || (!x.ContainsKey(Kinds) && !y.ContainsKey(Kinds))) return JsonNode.DeepEquals(a, b);
        var (left, right) = ((JsonObject)x.DeepClone(), (JsonObject)y.DeepClone());
        left.Remove(Kinds);
        right.Remove(Kinds);
        return JsonNode.DeepEquals(left, right);
    }

    private static void AddKinds(JsonObject known, JsonObject? definition)
    {
        foreach (var kind in definition.Items(Kinds))
        {
            var kinds = known.GetOrAddArray(Kinds);
            if (!kinds.Any(k => JsonNode.DeepEquals(k, kind))) kinds.Add(kind.DeepClone());
        }
    }

    private static void Rename(JsonNode? node, Dictionary<string, string> renamed, int depth)
    {
        if (renamed.Count == 0) return;
        if (depth > MaxDepth) throw new InvalidDataException("the OpenAPI document is nested too deeply");
        if (node is JsonArray array)
        {
            foreach (var item in array) Rename(item, renamed, depth + 1);
        }
        else if (node is JsonObject value)
        {
            if (SpecFilter.ReferenceOf(value) is { } name && renamed.TryGetValue(name, out var other)) value["$ref"] = SpecFilter.DefinitionPrefix + other;
            foreach (var (_, child) in value) Rename(child, renamed, depth + 1);
        }
    }
}
