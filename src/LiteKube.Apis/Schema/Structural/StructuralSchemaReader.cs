using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Schema.Structural;

/// <summary>JSONSchemaProps to <see cref="StructuralSchema"/>. What no structural schema may have ($ref, definitions, ...) is the validation's to refuse and is passed over here.</summary>
internal static class StructuralSchemaReader
{
    public static StructuralSchema Read(JsonObject source)
    {
        var properties = Properties(source["properties"] as JsonObject);
        var items = source["items"] is JsonObject item ? Read(item) : null;
        var additional = source["additionalProperties"] is JsonObject additionalSource ? Read(additionalSource) : null;
        var byDefault = source["default"];
        var isEmbedded = Flag(source, "x-kubernetes-embedded-resource");
        return new StructuralSchema
        {
            Source = source,
            Type = Text(source, "type"),
            Format = Text(source, "format"),
            Title = Text(source, "title"),
            Description = Text(source, "description"),
            Nullable = Flag(source, "nullable"),
            Default = byDefault is null ? null : SortedJson.Of(byDefault),
            Properties = properties,
            Items = items,
            AdditionalProperties = additional,
            AllowsAdditionalProperties = additional is not null ? true : source["additionalProperties"] is JsonValue ? Flag(source, "additionalProperties") : null,
            Maximum = Number(source, "maximum"),
            ExclusiveMaximum = Flag(source, "exclusiveMaximum"),
            Minimum = Number(source, "minimum"),
            ExclusiveMinimum = Flag(source, "exclusiveMinimum"),
            MultipleOf = Number(source, "multipleOf"),
            MaxLength = Integer(source, "maxLength"),
            MinLength = Integer(source, "minLength"),
            Pattern = Text(source, "pattern"),
            MaxItems = Integer(source, "maxItems"),
            MinItems = Integer(source, "minItems"),
            UniqueItems = Flag(source, "uniqueItems"),
            MaxProperties = Integer(source, "maxProperties"),
            MinProperties = Integer(source, "minProperties"),
            Enum = source["enum"] is JsonArray values ? [.. values.Select(v => v is null ? null : SortedJson.Of(v))] : [],
            Required = Texts(source, "required"),
            AllOf = Schemas(source, "allOf"),
            AnyOf = Schemas(source, "anyOf"),
            OneOf = Schemas(source, "oneOf"),
            Not = source["not"] is JsonObject not ? Read(not) : null,
            PreserveUnknownFields = Flag(source, "x-kubernetes-preserve-unknown-fields"),
            EmbeddedResource = isEmbedded,
            IntOrString = Flag(source, "x-kubernetes-int-or-string"),
            ListType = TextOrNull(source, "x-kubernetes-list-type"),
            ListMapKeys = Texts(source, "x-kubernetes-list-map-keys"),
            MapType = TextOrNull(source, "x-kubernetes-map-type"),
            Validations = source["x-kubernetes-validations"] is JsonArray rules ? [.. rules.OfType<JsonObject>()] : [],
            HasDefaults = byDefault is not null || items is { HasDefaults: true } || additional is { HasDefaults: true } || properties.Values.Any(p => p.HasDefaults),
            HasRules = source["x-kubernetes-validations"] is JsonArray { Count: > 0 } || items is { HasRules: true } || additional is { HasRules: true } || properties.Values.Any(p => p.HasRules),
            HasEmbeddedResources = isEmbedded || items is { HasEmbeddedResources: true } || additional is { HasEmbeddedResources: true } || properties.Values.Any(p => p.HasEmbeddedResources),
        };
    }

    private static IReadOnlyDictionary<string, StructuralSchema> Properties(JsonObject? source)
    {
        if (source is null || source.Count == 0)
            return StructuralSchema.NoProperties;
        var properties = new Dictionary<string, StructuralSchema>(source.Count, StringComparer.Ordinal);
        foreach (var (name, node) in source.OrderBy(p => p.Key, StringComparer.Ordinal))
            properties.Add(name, node is JsonObject property ? Read(property) : StructuralSchema.Empty);
        return properties;
    }

    private static List<StructuralSchema> Schemas(JsonObject source, string field) =>
        source[field] is JsonArray list ? [.. list.OfType<JsonObject>().Select(Read)] : [];

    private static string Text(JsonObject source, string field) => TextOrNull(source, field) ?? "";

    private static string? TextOrNull(JsonObject source, string field) => source[field] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static List<string> Texts(JsonObject source, string field) =>
        source[field] is JsonArray list ? [.. list.OfType<JsonValue>().Select(v => v.TryGetValue(out string? text) ? text : "")] : [];

    private static bool Flag(JsonObject source, string field) => source[field] is JsonValue value && value.TryGetValue(out bool flag) && flag;

    private static double? Number(JsonObject source, string field) => source[field] is JsonValue value && JsonNumbers.TryNumber(value, out var number) ? number : null;

    private static long? Integer(JsonObject source, string field) => source[field] is JsonValue value && JsonNumbers.TryInteger(value, out var number) ? number : null;
}
