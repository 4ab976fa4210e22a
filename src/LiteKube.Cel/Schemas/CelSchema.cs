using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Cel.Schemas;

namespace LiteKube.Cel;

/// <summary>What rules need to know of an OpenAPI schema: the shape of data, and how large it can be.</summary>
public sealed record CelSchema
{
    public string Type { get; init; } = "";

    public string Format { get; init; } = "";

    public CelSchema? Items { get; init; }

    public IReadOnlyDictionary<string, CelSchema>? Properties { get; init; }

    public CelSchema? AdditionalProperties { get; init; }

    public bool Nullable { get; init; }

    public bool IntOrString { get; init; }

    public bool PreserveUnknownFields { get; init; }

    public bool EmbeddedResource { get; init; }

    /// <summary>atomic, set or map.</summary>
    public string ListType { get; init; } = "";

    public IReadOnlyList<string> ListMapKeys { get; init; } = [];

    public IReadOnlyList<string> Required { get; init; } = [];

    /// <summary>The strings among the values of an enum; null without one.</summary>
    public IReadOnlyList<string>? Enum { get; init; }

    public bool HasDefault { get; init; }

    public long? MaxLength { get; init; }

    public long? MaxItems { get; init; }

    public long? MaxProperties { get; init; }

    private const long MaxNameLength = 253;
    private static readonly CelSchema StringSchema = new() { Type = "string" };

    /// <summary>The fields that every object has and its rules may read, even where the schema does not name them.</summary>
    public CelSchema WithTypeAndObjectMeta()
    {
        var properties = new Dictionary<string, CelSchema>(Properties ?? new Dictionary<string, CelSchema>(), StringComparer.Ordinal);
        var complete = Has(properties, "kind", "string") && Has(properties, "apiVersion", "string") && Has(properties, "metadata", "object")
            && properties["metadata"].Properties is { } known && Has(known, "name", "string") && Has(known, "generateName", "string");
        if (complete)
            return this;
        properties["kind"] = StringSchema;
        properties["apiVersion"] = StringSchema;
        properties["metadata"] = new()
        {
            Type = "object",
            // A generated name has at least one character more than what it is generated from.
            Properties = new Dictionary<string, CelSchema>(StringComparer.Ordinal) { ["name"] = Capped("name", MaxNameLength), ["generateName"] = Capped("generateName", MaxNameLength - 1) },
        };
        return this with { Properties = properties };

        CelSchema Capped(string name, long max)
        {
            var declared = Properties?.GetValueOrDefault("metadata")?.Properties?.GetValueOrDefault(name)?.MaxLength;
            return StringSchema with { MaxLength = Math.Min(declared ?? max, max) };
        }
    }

    private static bool Has(IReadOnlyDictionary<string, CelSchema> properties, string name, string type) => properties.TryGetValue(name, out var schema) && schema.Type == type;

    /// <summary>Reads an OpenAPI v3 schema, such as a CRD's.</summary>
    public static CelSchema FromJson(JsonNode node) => Read(new JsonData(node));

    /// <inheritdoc cref="FromJson(JsonNode)"/>
    public static CelSchema FromJson(JsonElement element) => Read(new JsonData(element));

    private static CelSchema Read(JsonData data) => new()
    {
        Type = Text(data, "type"),
        Format = Text(data, "format"),
        Items = Child(data, "items"),
        Properties = Children(data, "properties"),
        AdditionalProperties = Child(data, "additionalProperties"),
        Nullable = Flag(data, "nullable"),
        IntOrString = Flag(data, "x-kubernetes-int-or-string"),
        PreserveUnknownFields = Flag(data, "x-kubernetes-preserve-unknown-fields"),
        EmbeddedResource = Flag(data, "x-kubernetes-embedded-resource"),
        ListType = Text(data, "x-kubernetes-list-type"),
        ListMapKeys = Strings(data, "x-kubernetes-list-map-keys") ?? [],
        Required = Strings(data, "required") ?? [],
        Enum = Strings(data, "enum"),
        HasDefault = data.TryGet("default", out var value) && !value.IsNull,
        MaxLength = Limit(data, "maxLength"),
        MaxItems = Limit(data, "maxItems"),
        MaxProperties = Limit(data, "maxProperties"),
    };

    private static string Text(JsonData data, string name) => data.TryGet(name, out var value) && value.Kind == JsonValueKind.String ? value.Text : "";

    private static bool Flag(JsonData data, string name) => data.TryGet(name, out var value) && value.Boolean;

    private static long? Limit(JsonData data, string name) => data.TryGet(name, out var value) && value.Kind == JsonValueKind.Number && value.TryInteger(out var limit) ? limit : null;

    private static CelSchema? Child(JsonData data, string name) => data.TryGet(name, out var value) && value.Kind == JsonValueKind.Object ? Read(value) : null;

    private static Dictionary<string, CelSchema>? Children(JsonData data, string name)
    {
        if (!data.TryGet(name, out var value) || value.Kind != JsonValueKind.Object)
            return null;
        var children = new Dictionary<string, CelSchema>(StringComparer.Ordinal);
        foreach (var child in value.Names)
        {
            if (value.TryGet(child, out var schema) && schema.Kind == JsonValueKind.Object)
                children[child] = Read(schema);
        }
        return children;
    }

    private static List<string>? Strings(JsonData data, string name)
    {
        if (!data.TryGet(name, out var value) || value.Kind != JsonValueKind.Array)
            return null;
        List<string> strings = [];
        for (var i = 0; i < value.Count; i++)
        {
            if (value[i].Kind == JsonValueKind.String)
                strings.Add(value[i].Text);
        }
        return strings;
    }
}
