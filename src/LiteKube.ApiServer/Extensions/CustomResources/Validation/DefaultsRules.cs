using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Extensions.CustomResources.Rules;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>Defaults must be what an object may hold: of their schema and its rules, without unknown fields, and valid metadata where they are part of it.</summary>
internal sealed class DefaultsRules
{
    private readonly FieldErrors _errors;

    /// <summary>What rules may cost yet; null: it ran out, and nothing more is judged.</summary>
    private ulong? _budget = CelCostLimits.PerRequest;

    private DefaultsRules(FieldErrors errors) => _errors = errors;

    /// <summary>Puts a default into the smallest resource that holds it.</summary>
    private delegate JsonNode Surround(JsonNode value);

    public static void Validate(StructuralSchema root, FieldPath path, FieldErrors errors) => new DefaultsRules(errors).Visit(root, NewResource, false, true, path);

    private void Visit(StructuralSchema schema, Surround surround, bool isInMeta, bool isRoot, FieldPath path)
    {
        if (!schema.HasDefaults || _budget is null) return;
        var isResourceRoot = isRoot || schema.EmbeddedResource;
        if (schema.EmbeddedResource) (isInMeta, surround) = (false, NewResource);
        if (schema.Default is { } value)
        {
            var before = _errors.Count;
            if (isInMeta) CheckMeta(schema, value, (JsonObject)surround(value.DeepClone()), path.Child("default"));
            else Check(schema, value, path.Child("default"));
            if (_errors.Count == before) RunRules(schema, value, isResourceRoot, path.Child("default"));
        }
        // Below additionalProperties defaults are checked when they are filled in: they are not followed here, as upstream.
        if (schema.Items is { } items) Visit(items, x => surround(new JsonArray(x)), isInMeta, false, path.Child("items"));
        foreach (var (name, property) in schema.Properties)
        {
            var isMeta = isResourceRoot && name is "metadata" or "apiVersion" or "kind";
            Visit(property, x => surround(new JsonObject { [name] = x }), isInMeta || isMeta, false, path.Child("properties").Key(name));
        }
    }

    private static JsonNode NewResource(JsonNode value)
    {
        if (value is not JsonObject resource) return value;
        if (!resource.ContainsKey("apiVersion")) resource["apiVersion"] = "validation/v1";
        if (!resource.ContainsKey("kind")) resource["kind"] = "Validation";
        return resource;
    }

    private void Check(StructuralSchema schema, JsonNode value, FieldPath path)
    {
        if (Pruner.Prune(value.DeepClone(), schema, schema.EmbeddedResource)) _errors.Invalid(path, value, "must not have unknown fields");
        var before = _errors.Count;
        EmbeddedRules.Validate(value, schema, path, _errors);
        if (_errors.Count == before) SchemaValidator.Validate(schema, value, path, _errors);
    }

    private void CheckMeta(StructuralSchema schema, JsonNode value, JsonObject resource, FieldPath path)
    {
        try
        {
            EmbeddedMetadata.Check(resource);
        }
        catch (DecodeException exception)
        {
            _errors.Invalid(path, value, $"must result in valid metadata: {exception.Message}");
            return;
        }
        var inner = new FieldErrors();
        EmbeddedRules.Resource(resource, null, inner);
        if (inner.Count > 0) _errors.Invalid(path, value, $"must result in valid metadata: {inner}");
        else SchemaValidator.Validate(schema, value, path, _errors);
    }

    /// <summary>A default must hold where it stays as it was, and where it comes to be. The dearer of both counts.</summary>
    private void RunRules(StructuralSchema schema, JsonNode value, bool isResourceRoot, FieldPath path)
    {
        if (_budget is not { } budget || ObjectRules.Of(schema, isResourceRoot) is not { } rules) return;
        var before = _errors.Count;
        var left = rules.ValidateDefault(value, value, path, _errors, budget);
        if (_errors.Count == before && rules.ValidateDefault(value, null, path, _errors, budget) is var leftOfNew && !(leftOfNew > left)) left = leftOfNew;
        _budget = left;
    }
}
