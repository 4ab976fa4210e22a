using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>
/// What makes a schema structural (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema):
/// every field has a type outside of allOf, anyOf, oneOf and not, and these say nothing beyond values.
/// </summary>
internal static class StructuralRules
{
    private enum Level
    {
        Root,
        Item,
        Field,
    }

    public static void Validate(StructuralSchema schema, FieldPath path, FieldErrors errors)
    {
        Invariants(schema, Level.Root, path, errors);
        foreach (var (part, place) in Junctors(schema, path)) Completeness(part, schema, path, place, errors);
    }

    private static void Invariants(StructuralSchema schema, Level level, FieldPath path, FieldErrors errors)
    {
        if (schema is { Type: "array", Items: null }) errors.Required(path.Child("items"), "must be specified");
        if (schema.Items is { } items) Invariants(items, Level.Item, path.Child("items"), errors);
        foreach (var (name, property) in schema.Properties) Invariants(property, Level.Field, path.Child("properties").Key(name), errors);
        if (schema.AllowsAdditionalProperties is not null)
        {
            if (level == Level.Root) errors.Forbidden(path.Child("additionalProperties"), "must not be used at the root");
            if (schema.AdditionalProperties is { } additional) Invariants(additional, Level.Field, path.Child("additionalProperties"), errors);
        }
        if (schema is { IntOrString: true, PreserveUnknownFields: true }) errors.Invalid(path.Child("x-kubernetes-preserve-unknown-fields"), true, "must be false if x-kubernetes-int-or-string is true");
        if (schema is { IntOrString: true, EmbeddedResource: true }) errors.Invalid(path.Child("x-kubernetes-embedded-resource"), true, "must be false if x-kubernetes-int-or-string is true");
        Values(schema, IsIntOrString(schema.AnyOf), schema.AllOf.Count > 0 && IsIntOrString(schema.AllOf[0].AnyOf), path, errors);
        CheckType(schema, level, path, errors);
        CheckMeta(schema, level, path, errors);
    }

    private static void CheckType(StructuralSchema schema, Level level, FieldPath path, FieldErrors errors)
    {
        var type = path.Child("type");
        if (schema.EmbeddedResource && schema.Type != "object")
        {
            if (schema.Type.Length == 0) errors.Required(type, "must be object if x-kubernetes-embedded-resource is true");
            else errors.Invalid(type, schema.Type, "must be object if x-kubernetes-embedded-resource is true");
        }
        else if (schema.Type.Length == 0 && !schema.IntOrString && !schema.PreserveUnknownFields)
        {
            errors.Required(type, level switch
            {
                Level.Root => "must not be empty at the root",
                Level.Item => "must not be empty for specified array items",
                _ => "must not be empty for specified object fields",
            });
        }
        if (schema.EmbeddedResource && schema.AllowsAdditionalProperties is not null) errors.Forbidden(path.Child("additionalProperties"), "must not be used if x-kubernetes-embedded-resource is set");
        if (level == Level.Root && schema.Type.Length > 0 && schema.Type != "object") errors.Invalid(type, schema.Type, "must be object at the root");
    }

    private static void CheckMeta(StructuralSchema schema, Level level, FieldPath path, FieldErrors errors)
    {
        var isResource = level == Level.Root || schema.EmbeddedResource;
        foreach (var name in (ReadOnlySpan<string>)["kind", "apiVersion"])
        {
            if (isResource && schema.Properties.TryGetValue(name, out var property) && property.Type != "string")
                errors.Invalid(path.Child("properties").Key(name).Child("type"), property.Type, "must be string");
        }
        if (schema.Properties.TryGetValue("metadata", out var metadata))
        {
            var place = path.Child("properties").Key("metadata");
            if (isResource && metadata.Type != "object") errors.Invalid(place.Child("type"), metadata.Type, "must be object");
            if (level == Level.Root && !RestrictsNamesOnly(metadata)) errors.Forbidden(place, "must not specify anything other than name and generateName, but metadata is implicitly specified");
        }
        if (schema is { EmbeddedResource: true, PreserveUnknownFields: false, Properties.Count: 0 })
            errors.Required(path.Child("properties"), "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
    }

    private static bool RestrictsNamesOnly(StructuralSchema metadata) =>
        metadata.Source.All(p => p.Key is "type" or "default" || (p.Key == "properties" && metadata.Properties.Keys.All(k => k is "name" or "generateName")));

    private static bool IsIntOrString(IReadOnlyList<StructuralSchema> anyOf) =>
        anyOf.Count == 2 && anyOf[0].Type == "integer" && anyOf[1].Type == "string" && anyOf.All(s => s.Source.Count == 1);

    private static void Values(StructuralSchema schema, bool skipsAnyOf, bool skipsFirstAllOf, FieldPath path, FieldErrors errors)
    {
        for (var i = 0; i < schema.AnyOf.Count && !skipsAnyOf; i++) Nested(schema.AnyOf[i], false, path.Child("anyOf").Index(i), errors);
        for (var i = 0; i < schema.AllOf.Count; i++) Nested(schema.AllOf[i], skipsFirstAllOf && i == 0, path.Child("allOf").Index(i), errors);
        for (var i = 0; i < schema.OneOf.Count; i++) Nested(schema.OneOf[i], false, path.Child("oneOf").Index(i), errors);
        if (schema.Not is { } not) Nested(not, false, path.Child("not"), errors);
        if (schema.Pattern.Length > 0 && GoPattern.Check(schema.Pattern) is { } complaint)
            errors.Invalid(path.Child("pattern"), schema.Pattern, $"must be a valid regular expression, but isn't: {complaint}");
    }

    private static void Nested(StructuralSchema schema, bool skipsAnyOf, FieldPath path, FieldErrors errors)
    {
        Values(schema, skipsAnyOf, false, path, errors);
        if (schema.Items is { } items) Nested(items, false, path.Child("items"), errors);
        foreach (var (name, property) in schema.Properties) Nested(property, false, path.Child("properties").Key(name), errors);
        Forbid(schema.Type.Length > 0, "type", "must be empty to be structural");
        Forbid(schema.AdditionalProperties is not null || schema.AllowsAdditionalProperties == true, "additionalProperties", "must be undefined to be structural");
        Forbid(schema.Default is not null, "default", "must be undefined to be structural");
        Forbid(schema.Title.Length > 0, "title", "must be empty to be structural");
        Forbid(schema.Description.Length > 0, "description", "must be empty to be structural");
        Forbid(schema.Nullable, "nullable", "must be false to be structural");
        Forbid(schema.PreserveUnknownFields, "x-kubernetes-preserve-unknown-fields", "must be false to be structural");
        Forbid(schema.EmbeddedResource, "x-kubernetes-embedded-resource", "must be false to be structural");
        Forbid(schema.IntOrString, "x-kubernetes-int-or-string", "must be false to be structural");
        Forbid(schema.ListMapKeys.Count > 0, "x-kubernetes-list-map-keys", "must be empty to be structural");
        Forbid(schema.ListType is not null, "x-kubernetes-list-type", "must be undefined to be structural");
        Forbid(schema.MapType is not null, "x-kubernetes-map-type", "must be undefined to be structural");
        Forbid(schema.Validations.Count > 0, "x-kubernetes-validations", "must be empty to be structural");
        if (schema.Properties.ContainsKey("metadata")) errors.Forbidden(path.Child("properties").Key("metadata"), "must not be specified in a nested context");

        void Forbid(bool isWrong, string field, string why)
        {
            if (isWrong) errors.Forbidden(path.Child(field), why);
        }
    }

    /// <summary>Whatever an alternative speaks of is specified outside of it as well.</summary>
    private static void Completeness(StructuralSchema nested, StructuralSchema? structural, FieldPath structuralPath, FieldPath path, FieldErrors errors)
    {
        if (structural is null)
        {
            errors.Required(structuralPath, $"because it is defined in {path}");
            return;
        }
        foreach (var (part, place) in Junctors(nested, path)) Completeness(part, structural, structuralPath, place, errors);
        if (nested.Items is { } items) Completeness(items, structural.Items, structuralPath.Child("items"), path.Child("items"), errors);
        foreach (var (name, property) in nested.Properties)
        {
            var place = structuralPath.Child("properties").Key(name);
            var nestedPlace = path.Child("properties").Key(name);
            if (structural.Properties.TryGetValue(name, out var field)) Completeness(property, field, place, nestedPlace, errors);
            else errors.Required(place, $"because it is defined in {nestedPlace}");
        }
    }

    private static IEnumerable<(StructuralSchema Schema, FieldPath Path)> Junctors(StructuralSchema schema, FieldPath path)
    {
        if (schema.Not is { } not) yield return (not, path.Child("not"));
        for (var i = 0; i < schema.AllOf.Count; i++) yield return (schema.AllOf[i], path.Child("allOf").Index(i));
        for (var i = 0; i < schema.AnyOf.Count; i++) yield return (schema.AnyOf[i], path.Child("anyOf").Index(i));
        for (var i = 0; i < schema.OneOf.Count; i++) yield return (schema.OneOf[i], path.Child("oneOf").Index(i));
    }
}
