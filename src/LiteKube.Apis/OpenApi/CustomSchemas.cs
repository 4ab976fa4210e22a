using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Schema.Structural;

namespace LiteKube.Apis.OpenApi;

/// <summary>
/// The published schemas of custom resources: the CRD's own, with apiVersion, kind and metadata put in. OpenAPI v2 says
/// less than a CRD may; what kubectl's reader of it would take wrongly is left out, which makes it lenient there.
/// </summary>
internal sealed class CustomSchemas(string referencePrefix)
{
    public const string ObjectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    public const string ListMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

    private const string ApiVersionText = "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
    private const string KindText = "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
    private const string MetadataText = "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
    private const string ListMetadataText = "Standard list metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";

    private static readonly string[] Junctors = ["allOf", "anyOf", "oneOf", "not"];

    private readonly bool _isV2 = referencePrefix == "#/definitions/";

    public static string ListName(ResourceInfo resource) => resource.Schema.Name[..^resource.Kind.Length] + resource.ListKind;

    public JsonObject Resource(ResourceInfo resource)
    {
        var schema = resource.Schema.Structural!;
        // kubectl would refuse any field beyond the ones named here.
        var result = _isV2 && schema.PreserveUnknownFields ? new JsonObject { ["type"] = "object" } : Convert(schema);
        if (!(_isV2 && schema.PreserveUnknownFields))
        {
            var properties = Properties(result);
            AddTypeMeta(properties);
            properties["metadata"] = Reference(ObjectMeta, MetadataText);
        }
        result["x-kubernetes-group-version-kind"] = new JsonArray(OpenApiSchemas.KindExtension(resource.GroupVersionKind));
        AddSelectableFields(result, resource);
        return result;
    }

    public JsonObject List(ResourceInfo resource)
    {
        var items = new JsonObject { ["$ref"] = referencePrefix + resource.Schema.Name };
        var properties = new JsonObject
        {
            ["items"] = new JsonObject
            {
                ["description"] = $"List of {resource.Resource.Resource}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md",
                ["type"] = "array",
                ["items"] = items,
            },
            ["metadata"] = Reference(ListMeta, ListMetadataText),
        };
        AddTypeMeta(properties);
        var result = new JsonObject
        {
            ["description"] = $"{resource.ListKind} is a list of {resource.Kind}",
            ["type"] = "object",
            ["required"] = new JsonArray("items"),
            ["properties"] = properties,
            ["x-kubernetes-group-version-kind"] = new JsonArray(OpenApiSchemas.KindExtension(resource.GroupVersionKind with { Kind = resource.ListKind })),
        };
        AddSelectableFields(result, resource);
        return result;
    }

    private JsonObject Convert(StructuralSchema schema)
    {
        var result = new JsonObject();
        foreach (var (name, value) in schema.Source)
        {
            if (!(name is "properties" or "items" or "additionalProperties" or "type" or "nullable" or "required") && !(_isV2 && (name == "default" || Junctors.Contains(name))))
                result[name] = value?.DeepClone();
        }
        // What cannot be said in v2 is left open: no type, and nothing of what would be inside.
        var isOpen = _isV2 && (schema.Nullable || schema.PreserveUnknownFields);
        var type = isOpen && (schema.Nullable || schema.Type is "object" or "array") ? "" : _isV2 && schema is { Type: "array", Items: null } ? "" : schema.Type;
        if (type.Length > 0)
            result["type"] = type;
        if (schema.Nullable && !_isV2)
            result["nullable"] = true;
        if (schema.Required.Where(r => !_isV2 || schema.Field(r) is not { Nullable: true }).ToList() is { Count: > 0 } required)
            result["required"] = new JsonArray([.. required.Select(r => (JsonNode?)r)]);
        if (!isOpen)
            AddChildren(result, schema);
        if (schema.AdditionalProperties is { } additional)
            result["additionalProperties"] = Convert(additional);
        else if (schema.AllowsAdditionalProperties is { } allows)
            result["additionalProperties"] = allows;
        if (schema.EmbeddedResource && !isOpen)
            AddEmbedded(result);
        if (schema.IntOrString && !_isV2 && schema is { AnyOf.Count: 0, AllOf.Count: 0 })
            result["anyOf"] = new JsonArray(new JsonObject { ["type"] = "integer" }, new JsonObject { ["type"] = "string" });
        return result;
    }

    private void AddChildren(JsonObject result, StructuralSchema schema)
    {
        if (schema.Items is { } items)
            result["items"] = Convert(items);
        if (schema.Properties.Count == 0)
            return;
        var properties = Properties(result);
        foreach (var (name, property) in schema.Properties)
            properties[name] = Convert(property);
    }

    private void AddEmbedded(JsonObject result)
    {
        var properties = Properties(result);
        AddTypeMeta(properties);
        properties["metadata"] = Reference(ObjectMeta, MetadataText);
        if (result["required"] is not JsonArray required)
            result["required"] = required = [];
        foreach (var name in (ReadOnlySpan<string>)["kind", "apiVersion"])
        {
            if (!required.Any(r => r!.GetValue<string>() == name))
                required.Add((JsonNode?)name);
        }
    }

    private static JsonObject Properties(JsonObject schema)
    {
        if (schema["properties"] is not JsonObject properties)
            schema["properties"] = properties = [];
        return properties;
    }

    private static void AddTypeMeta(JsonObject properties)
    {
        properties["apiVersion"] = new JsonObject { ["description"] = ApiVersionText, ["type"] = "string" };
        properties["kind"] = new JsonObject { ["description"] = KindText, ["type"] = "string" };
    }

    // A reference may not have siblings in OpenAPI v3.0; Kubernetes wraps it there.
    private JsonObject Reference(string type, string description) => _isV2
        ? new() { ["description"] = description, ["$ref"] = referencePrefix + type }
        : new() { ["description"] = description, ["allOf"] = new JsonArray(new JsonObject { ["$ref"] = referencePrefix + type }) };

    private static void AddSelectableFields(JsonObject result, ResourceInfo resource)
    {
        if (resource.SelectableFields.Count > 0)
            result["x-kubernetes-selectable-fields"] = new JsonArray([.. resource.SelectableFields.Select(f => (JsonNode)new JsonObject { ["fieldPath"] = f })]);
    }
}
