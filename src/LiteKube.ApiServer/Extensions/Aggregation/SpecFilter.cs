using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>The part of an OpenAPI v2 document that one group version needs.</summary>
internal static class SpecFilter
{
    public const string DefinitionPrefix = "#/definitions/";
    private const string ParameterPrefix = "#/parameters/";
    private const int MaxDepth = 200;

    public static JsonObject Parse(byte[] json) => JsonNode.Parse(json) as JsonObject ?? throw new InvalidDataException("the OpenAPI document is no JSON object");

    /// <summary>A new document with the paths under the prefix, the definitions that these use, and shared parameters put where they are used.</summary>
    public static JsonObject Filter(JsonObject spec, string pathPrefix)
    {
        var parameters = spec.Obj("parameters");
        var paths = new JsonObject();
        foreach (var (path, item) in spec.Obj("paths") ?? [])
        {
            if (path.StartsWith(pathPrefix, StringComparison.Ordinal) && item is JsonObject) paths[path] = Inline(item.DeepClone().AsObject(), parameters);
        }
        var definitions = new JsonObject();
        var waiting = new Queue<string>();
        Visit(paths, waiting.Enqueue, 0);
        while (waiting.TryDequeue(out var name))
        {
            if (definitions.ContainsKey(name) || spec.Obj("definitions", name) is not { } definition) continue;
            definitions[name] = definition.DeepClone();
            Visit(definition, waiting.Enqueue, 0);
        }
        var info = spec.Obj("info");
        return new JsonObject
        {
            ["swagger"] = "2.0",
            ["info"] = new JsonObject { ["title"] = info.Str("title"), ["version"] = info.Str("version") },
            ["paths"] = paths,
            ["definitions"] = definitions,
        };
    }

    /// <summary>Calls back with the name of each definition that is referred to.</summary>
    public static void Visit(JsonNode? node, Action<string> found, int depth)
    {
        if (depth > MaxDepth) throw new InvalidDataException("the OpenAPI document is nested too deeply");
        if (node is JsonArray array)
        {
            foreach (var item in array) Visit(item, found, depth + 1);
        }
        else if (node is JsonObject value)
        {
            if (ReferenceOf(value) is { } name) found(name);
            foreach (var (_, child) in value) Visit(child, found, depth + 1);
        }
    }

    /// <summary>The definition that an object refers to; null when it is no reference.</summary>
    public static string? ReferenceOf(JsonObject value) =>
        value.StrOrNull("$ref") is { } text && text.StartsWith(DefinitionPrefix, StringComparison.Ordinal) ? text[DefinitionPrefix.Length..] : null;

    private static JsonObject Inline(JsonObject item, JsonObject? shared)
    {
        if (item["parameters"] is JsonArray own) Inline(own, shared);
        foreach (var (_, operation) in item)
        {
            if (operation is JsonObject { } o && o["parameters"] is JsonArray list) Inline(list, shared);
        }
        return item;
    }

    private static void Inline(JsonArray list, JsonObject? shared)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is not JsonObject parameter || parameter.StrOrNull("$ref") is not { } reference || !reference.StartsWith(ParameterPrefix, StringComparison.Ordinal)) continue;
            list[i] = shared.Obj(reference[ParameterPrefix.Length..])?.DeepClone() ?? throw new InvalidDataException($"the OpenAPI document has no {reference}");
        }
    }
}
