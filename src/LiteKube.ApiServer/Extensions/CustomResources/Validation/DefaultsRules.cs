using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>Defaults must be what an object may hold: of their schema, without unknown fields, and valid metadata where they are part of it.</summary>
internal static class DefaultsRules
{
    /// <summary>Puts a default into the smallest resource that holds it.</summary>
    private delegate JsonNode Surround(JsonNode value);

    public static void Validate(StructuralSchema root, FieldPath path, FieldErrors errors) => Visit(root, NewResource, false, true, path, errors);

    private static void Visit(StructuralSchema schema, Surround surround, bool isInMeta, bool isRoot, FieldPath path, FieldErrors errors)
    {
        if (!schema.HasDefaults) return;
        if (schema.EmbeddedResource) (isInMeta, surround) = (false, NewResource);
        if (schema.Default is { } value)
        {
            if (isInMeta) CheckMeta(schema, value, (JsonObject)surround(value.DeepClone()), path.Child("default"), errors);
            else Check(schema, value, path.Child("default"), errors);
        }
        // Below additionalProperties defaults are checked when they are filled in: they are not followed here, as upstream.
        if (schema.Items is { } items) Visit(items, x => surround(new JsonArray(x)), isInMeta, false, path.Child("items"), errors);
        foreach (var (name, property) in schema.Properties)
        {
            var isMeta = (isRoot || schema.EmbeddedResource) && name is "metadata" or "apiVersion" or "kind";
            Visit(property, x => surround(new JsonObject { [name] = x }), isInMeta || isMeta, false, path.Child("properties").Key(name), errors);
        }
    }

    private static JsonNode NewResource(JsonNode value)
    {
        if (value is not JsonObject resource) return value;
        if (!resource.ContainsKey("apiVersion")) resource["apiVersion"] = "validation/v1";
        if (!resource.ContainsKey("kind")) resource["kind"] = "Validation";
        return resource;
    }

    private static void Check(StructuralSchema schema, JsonNode value, FieldPath path, FieldErrors errors)
    {
        if (Pruner.Prune(value.DeepClone(), schema, schema.EmbeddedResource)) errors.Invalid(path, value, "must not have unknown fields");
        var before = errors.Count;
        EmbeddedRules.Validate(value, schema, path, errors);
        if (errors.Count == before) SchemaValidator.Validate(schema, value, path, errors);
    }

    private static void CheckMeta(StructuralSchema schema, JsonNode value, JsonObject resource, FieldPath path, FieldErrors errors)
    {
        try
        {
            EmbeddedMetadata.Check(resource);
        }
        catch (DecodeException exception)
        {
            errors.Invalid(path, value, $"must result in valid metadata: {exception.Message}");
            return;
        }
        var inner = new FieldErrors();
        EmbeddedRules.Resource(resource, null, inner);
        if (inner.Count > 0) errors.Invalid(path, value, $"must result in valid metadata: {inner}");
        else SchemaValidator.Validate(schema, value, path, errors);
    }
}
