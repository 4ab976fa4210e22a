using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>kind, apiVersion and metadata of resources inside of resources (x-kubernetes-embedded-resource).</summary>
internal static class EmbeddedRules
{
    /// <param name="path">Null: the value is the whole object.</param>
    public static void Validate(JsonNode? value, StructuralSchema? schema, FieldPath? path, FieldErrors errors)
    {
        if (schema is not { HasEmbeddedResources: true }) return;
        if (value is JsonArray list)
        {
            for (var i = 0; i < list.Count; i++) Validate(list[i], schema.Items, path?.Index(i), errors);
            return;
        }
        if (value is not JsonObject o) return;
        if (schema.EmbeddedResource) Resource(o, path, errors);
        foreach (var (name, child) in o)
        {
            if (schema.Properties.TryGetValue(name, out var property)) Validate(child, property, Child(path, name), errors);
            else Validate(child, schema.AdditionalProperties, path?.Key(name), errors);
        }
    }

    public static void Resource(JsonObject resource, FieldPath? path, FieldErrors errors)
    {
        foreach (var name in (ReadOnlySpan<string>)["apiVersion", "kind"])
        {
            if (!resource.ContainsKey(name)) errors.Required(Child(path, name), "");
        }
        if (Text(resource, "apiVersion", path, errors) is { } apiVersion && apiVersion.Split('/').Length > 2)
            errors.Invalid(Child(path, "apiVersion"), apiVersion, $"unexpected GroupVersion string: {apiVersion}");
        if (Text(resource, "kind", path, errors) is { } kind && NameFormats.Dns1035Label(kind.ToLowerInvariant()) is { Count: > 0 } complaints)
            errors.Invalid(Child(path, "kind"), kind, "may have mixed case, but should otherwise match: " + string.Join(',', complaints));
        if (!resource.TryGetPropertyValue("metadata", out var node)) return;
        try
        {
            EmbeddedMetadata.Check(resource);
        }
        catch (DecodeException exception)
        {
            errors.Invalid(Child(path, "metadata"), node, exception.Message);
            return;
        }
        if (node is JsonObject metadata) ObjectMetaRules.ValidateEmbedded(metadata, Child(path, "metadata"), errors);
    }

    /// <summary>The text, when it is one and not empty.</summary>
    private static string? Text(JsonObject resource, string field, FieldPath? path, FieldErrors errors)
    {
        if (!resource.TryGetPropertyValue(field, out var node)) return null;
        if (node?.GetValueKind() != JsonValueKind.String)
        {
            errors.Invalid(Child(path, field), node, "must be a string");
            return null;
        }
        var text = node.GetValue<string>();
        if (text.Length > 0) return text;
        errors.Invalid(Child(path, field), text, "must not be empty");
        return null;
    }

    private static FieldPath Child(FieldPath? path, string name) => path?.Child(name) ?? FieldPath.Of(name);
}
