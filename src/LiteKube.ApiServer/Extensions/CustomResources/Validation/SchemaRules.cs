using System.Text.Json.Nodes;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>Which of JSONSchemaProps' fields a CRD's schema may use, and how they go together.</summary>
internal static class SchemaRules
{
    private static readonly string[] Types = ["array", "boolean", "integer", "number", "object", "string"];
    private static readonly string[] Reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

    /// <param name="NoDefaultsBecause">Why defaults may not stand here; null: they may.</param>
    private readonly record struct Context(string? NoDefaultsBecause, bool IsInMeta);

    public static void Validate(StructuralSchema schema, FieldPath path, FieldErrors errors) => Visit(schema, path, default, true, errors);

    private static void Visit(StructuralSchema schema, FieldPath path, Context context, bool isRoot, FieldErrors errors)
    {
        Fields(schema, path, context, errors);
        if (schema.UniqueItems) errors.Forbidden(path.Child("uniqueItems"), "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
        if (schema.AllowsAdditionalProperties is { } allows)
        {
            if (schema.Properties.Count > 0 && (!allows || schema.AdditionalProperties is not null))
                errors.Forbidden(path.Child("additionalProperties"), "additionalProperties and properties are mutual exclusive");
            var inner = context.IsInMeta ? context with { NoDefaultsBecause = "inside additionalProperties applying to object metadata" } : context;
            if (schema.AdditionalProperties is { } additional) Visit(additional, path.Child("additionalProperties"), inner, false, errors);
        }
        foreach (var (name, property) in schema.Properties)
        {
            var inner = context;
            if ((isRoot || schema.EmbeddedResource) && name is "metadata" or "kind" or "apiVersion")
                inner = new(isRoot ? $"in top-level {name}" : context.NoDefaultsBecause, true);
            Visit(property, path.Child("properties").Key(name), inner, false, errors);
        }
        if (schema.Not is { } not) Visit(not, path.Child("not"), context, false, errors);
        for (var i = 0; i < schema.AllOf.Count; i++) Visit(schema.AllOf[i], path.Child("allOf").Index(i), context, false, errors);
        for (var i = 0; i < schema.OneOf.Count; i++) Visit(schema.OneOf[i], path.Child("oneOf").Index(i), context, false, errors);
        for (var i = 0; i < schema.AnyOf.Count; i++) Visit(schema.AnyOf[i], path.Child("anyOf").Index(i), context, false, errors);
        if (schema.Items is { } items) Visit(items, path.Child("items"), context, false, errors);
        ListTypeRules.Validate(schema, path, errors);
        Rules(schema, path, errors);
    }

    private static void Fields(StructuralSchema schema, FieldPath path, Context context, FieldErrors errors)
    {
        var source = schema.Source;
        if (schema.Type.Length > 0 && !Types.Contains(schema.Type)) errors.Unsupported(path.Child("type"), schema.Type, Types);
        if (schema.Default is not null && context.NoDefaultsBecause is { } why) errors.Forbidden(path.Child("default"), "must not be set " + why);
        if (source.Str("id").Length > 0) errors.Forbidden(path.Child("id"), "id is not supported");
        if (source.Has("additionalItems")) errors.Forbidden(path.Child("additionalItems"), "additionalItems is not supported");
        if (source.Obj("patternProperties") is { Count: > 0 }) errors.Forbidden(path.Child("patternProperties"), "patternProperties is not supported");
        if (source.Obj("definitions") is { Count: > 0 }) errors.Forbidden(path.Child("definitions"), "definitions is not supported");
        if (source.Has("dependencies")) errors.Forbidden(path.Child("dependencies"), "dependencies is not supported");
        if (source.Has("$ref")) errors.Forbidden(path.Child("$ref"), "$ref is not supported");
        if (source.Str("$schema").Length > 0) errors.Invalid(path, "", "OpenAPIV3Schema 'schema' is not supported");
        if (schema.Type == "null") errors.Forbidden(path.Child("type"), "type cannot be set to null, use nullable as an alternative");
        if (source.Arr("items") is { Count: > 0 }) errors.Forbidden(path.Child("items"), "items must be a schema object and not an array");
        if (context.IsInMeta && schema.EmbeddedResource) errors.Forbidden(path.Child("x-kubernetes-embedded-resource"), "must not be used inside of resource meta");
        if (source.BoolOrNull("x-kubernetes-preserve-unknown-fields") == false) errors.Invalid(path.Child("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined");
        if (schema.MapType is { } mapType)
        {
            if (schema.Type.Length == 0) errors.Required(path.Child("type"), "must be object if x-kubernetes-map-type is specified");
            else if (schema.Type != "object") errors.Invalid(path.Child("type"), schema.Type, "must be object if x-kubernetes-map-type is specified");
            if (mapType is not ("atomic" or "granular")) errors.Unsupported(path.Child("x-kubernetes-map-type"), mapType, ["atomic", "granular"]);
        }
    }

    /// <summary>What can be said of rules without compiling them.</summary>
    private static void Rules(StructuralSchema schema, FieldPath path, FieldErrors errors)
    {
        for (var i = 0; i < schema.Validations.Count; i++)
        {
            var rule = schema.Validations[i];
            var place = path.Child("x-kubernetes-validations").Index(i);
            var (text, message, expression, field) = (rule.Str("rule").Trim(), rule.Str("message"), rule.Str("messageExpression"), rule.Str("fieldPath"));
            if (text.Length == 0) errors.Required(place.Child("rule"), "rule is not specified");
            else if (message.Length > 0 && message.Trim().Length == 0) errors.Invalid(place.Child("message"), message, "must be non-empty if specified");
            else if (HasLineBreak(message.Trim())) errors.Invalid(place.Child("message"), message, "must not contain line breaks");
            else if (HasLineBreak(text) && message.Trim().Length == 0) errors.Required(place.Child("message"), "message must be specified if rule contains line breaks");
            if (expression.Length > 0 && expression.Trim().Length == 0) errors.Required(place.Child("messageExpression"), "messageExpression must be non-empty if specified");
            if (rule.StrOrNull("reason") is { } reason && !Reasons.Contains(reason)) errors.Unsupported(place.Child("reason"), reason, Reasons);
            if (field.Length > 0 && field.Trim().Length == 0) errors.Invalid(place.Child("fieldPath"), field, "must be non-empty if specified");
            if (HasLineBreak(field)) errors.Invalid(place.Child("fieldPath"), field, "must not contain line breaks");
            if (field.Length > 0 && SchemaFieldPath.Find(field, schema, allowsBrackets: true, out _) is not null) errors.Invalid(place.Child("fieldPath"), field, "must be a valid path");
        }
    }

    private static bool HasLineBreak(string text) => text.AsSpan().IndexOfAny('\n', '\r') >= 0;
}

/// <summary>x-kubernetes-list-type and its keys.</summary>
internal static class ListTypeRules
{
    public static void Validate(StructuralSchema schema, FieldPath path, FieldErrors errors)
    {
        if (schema.ListType is { } type)
        {
            if (schema.Type.Length == 0) errors.Required(path.Child("type"), "must be array if x-kubernetes-list-type is specified");
            else if (schema.Type != "array") errors.Invalid(path.Child("type"), schema.Type, "must be array if x-kubernetes-list-type is specified");
            else if (type == "set" && schema.Items is { } items) SetItems(items, path.Child("items"), errors);
            if (type is not ("atomic" or "set" or "map")) errors.Unsupported(path.Child("x-kubernetes-list-type"), type, ["atomic", "set", "map"]);
        }
        if (schema.ListMapKeys.Count > 0)
        {
            if (schema.ListType is null) errors.Required(path.Child("x-kubernetes-list-type"), "must be map if x-kubernetes-list-map-keys is non-empty");
            else if (schema.ListType != "map") errors.Invalid(path.Child("x-kubernetes-list-type"), schema.ListType, "must be map if x-kubernetes-list-map-keys is non-empty");
        }
        if (schema.ListType == "map") MapKeys(schema, path, errors);
        if (schema is { ListType: "set" or "map", Items: { } elements })
        {
            if (elements.Nullable) errors.Forbidden(path.Child("items").Child("nullable"), "cannot be nullable when x-kubernetes-list-type is " + schema.ListType);
            if (schema.ListType == "map") KeysAreThere(schema, elements, path, errors);
        }
    }

    private static void SetItems(StructuralSchema items, FieldPath path, FieldErrors errors)
    {
        if (items is { Type: "array", ListType: not (null or "atomic") })
            errors.Invalid(path.Child("x-kubernetes-list-type"), items.ListType, "must be atomic as item of a list with x-kubernetes-list-type=set");
        if (items.Type == "object" && items.MapType != "atomic")
            errors.Invalid(path.Child("x-kubernetes-map-type"), items.ListType ?? "null", "must be atomic as item of a list with x-kubernetes-list-type=set");
    }

    private static void MapKeys(StructuralSchema schema, FieldPath path, FieldErrors errors)
    {
        var keysPath = path.Child("x-kubernetes-list-map-keys");
        if (schema.ListMapKeys.Count == 0) errors.Required(keysPath, "must not be empty if x-kubernetes-list-type is map");
        if (schema.Items is not { } items)
        {
            errors.Required(path.Child("items"), "must have a schema if x-kubernetes-list-type is map");
            return;
        }
        if (items.Type != "object")
        {
            errors.Invalid(path.Child("items").Child("type"), items.Type, "must be object if parent array's x-kubernetes-list-type is map");
            return;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var key in schema.ListMapKeys)
        {
            if (!items.Properties.TryGetValue(key, out var property)) errors.Invalid(keysPath, Keys(schema), "entries must all be names of item properties");
            else if (property.Type is "array" or "object")
                errors.Invalid(path.Child("items").Child("properties").Key(key).Child("type"), items.Type, "must be a scalar type if parent array's x-kubernetes-list-type is map");
            if (!seen.Add(key)) errors.Invalid(keysPath, Keys(schema), "must not contain duplicate entries");
        }
    }

    private static void KeysAreThere(StructuralSchema schema, StructuralSchema items, FieldPath path, FieldErrors errors)
    {
        foreach (var key in schema.ListMapKeys)
        {
            if (!items.Properties.TryGetValue(key, out var property)) continue;
            var place = path.Child("items").Child("properties").Key(key);
            if (!items.Required.Contains(key) && property.Default is null)
                errors.Required(place.Child("default"), "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
            if (property.Nullable) errors.Forbidden(place.Child("nullable"), "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
        }
    }

    private static JsonArray Keys(StructuralSchema schema) => new([.. schema.ListMapKeys.Select(k => (JsonNode?)k)]);
}
