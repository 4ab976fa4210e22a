using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>OpenAPI v2 as v3, for clients that read v3 of a server that knows v2 alone (before Kubernetes 1.23).</summary>
internal static class SpecConversion
{
    private const string SchemaPrefix = "#/components/schemas/";
    private const int MaxDepth = 200;

    private static readonly string[] Methods = ["get", "put", "post", "delete", "options", "head", "patch"];
    private static readonly string[] KeptOfOperation = ["tags", "summary", "description", "operationId", "deprecated"];
    private static readonly string[] KeptOfParameter = ["name", "in", "description", "required"];

    /// <param name="spec">A document as <see cref="SpecFilter"/> makes it; read-only.</param>
    public static JsonObject ToV3(JsonObject spec)
    {
        var paths = new JsonObject();
        foreach (var (path, item) in spec.Obj("paths") ?? []) paths[path] = PathItem((JsonObject)item!);
        var schemas = new JsonObject();
        foreach (var (name, definition) in spec.Obj("definitions") ?? []) schemas[name] = Schema(definition, 0);
        return new JsonObject
        {
            ["openapi"] = "3.0.0",
            ["info"] = spec["info"]?.DeepClone(),
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = schemas },
        };
    }

    private static JsonObject PathItem(JsonObject item)
    {
        var converted = new JsonObject();
        foreach (var (name, value) in item)
        {
            if (Methods.Contains(name) && value is JsonObject operation) converted[name] = Operation(operation);
            else if (name.StartsWith("x-", StringComparison.Ordinal)) converted[name] = value?.DeepClone();
        }
        if (item.Arr("parameters") is { Count: > 0 }) converted["parameters"] = Parameters(item);
        return converted;
    }

    private static JsonObject Operation(JsonObject operation)
    {
        var converted = new JsonObject();
        foreach (var (name, value) in operation)
        {
            if (KeptOfOperation.Contains(name) || name.StartsWith("x-", StringComparison.Ordinal)) converted[name] = value?.DeepClone();
        }
        if (operation.Items("parameters").FirstOrDefault(p => p.Str("in") == "body") is { } body)
        {
            converted["requestBody"] = new JsonObject { ["content"] = Content(operation, "consumes", body["schema"]) };
            if (body.Bool("required")) converted["requestBody"]!["required"] = true;
        }
        if (Parameters(operation) is { Count: > 0 } parameters) converted["parameters"] = parameters;
        var responses = new JsonObject();
        foreach (var (code, response) in operation.Obj("responses") ?? [])
        {
            var answer = new JsonObject { ["description"] = (response as JsonObject).Str("description") };
            if ((response as JsonObject)?["schema"] is { } schema) answer["content"] = Content(operation, "produces", schema);
            responses[code] = answer;
        }
        converted["responses"] = responses;
        return converted;
    }

    private static JsonObject Content(JsonObject operation, string types, JsonNode? schema)
    {
        var content = new JsonObject();
        foreach (var type in operation.Strings(types).DefaultIfEmpty("*/*")) content[type] = new JsonObject { ["schema"] = Schema(schema, 0) ?? new JsonObject() };
        return content;
    }

    private static JsonArray Parameters(JsonObject owner)
    {
        var converted = new JsonArray();
        foreach (var parameter in owner.Items("parameters").Where(p => p.Str("in") != "body"))
        {
            var (kept, schema) = (new JsonObject(), new JsonObject());
            foreach (var (name, value) in parameter)
            {
                if (KeptOfParameter.Contains(name) || name.StartsWith("x-", StringComparison.Ordinal)) kept[name] = value?.DeepClone();
                else if (name != "collectionFormat") schema[name] = value?.DeepClone();
            }
            kept["schema"] = schema;
            converted.Add((JsonNode)kept);
        }
        return converted;
    }

    private static JsonNode? Schema(JsonNode? node, int depth)
    {
        if (depth > MaxDepth) throw new InvalidDataException("the OpenAPI document is nested too deeply");
        switch (node)
        {
            case JsonArray array:
                return new JsonArray([.. array.Select(item => Schema(item, depth + 1))]);
            case JsonObject value:
                var converted = new JsonObject();
                foreach (var (name, child) in value) converted[name] = Schema(child, depth + 1);
                if (SpecFilter.ReferenceOf(value) is { } reference) converted["$ref"] = SchemaPrefix + reference;
                return converted;
            default:
                return node?.DeepClone();
        }
    }
}
