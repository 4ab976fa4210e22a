using System.Text.Json.Nodes;

namespace LiteKube.Apis.Schema.Structural;

/// <summary>
/// The schema of a custom resource or of a part of it (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
/// Made once from a CRD's openAPIV3Schema; immutable and shared by decoding, pruning, defaulting, validation and OpenAPI.
/// </summary>
public sealed class StructuralSchema
{
    // Before Empty, which takes it: static members begin in the order of their lines.
    internal static readonly IReadOnlyDictionary<string, StructuralSchema> NoProperties = new Dictionary<string, StructuralSchema>();

    /// <summary>Where nothing is said: any object.</summary>
    public static StructuralSchema Empty { get; } = new();

    /// <summary>object, array, string, integer, number, boolean; empty where only extensions say what may stand.</summary>
    public string Type { get; init; } = "";
    public string Format { get; init; } = "";
    public string Title { get; init; } = "";
    public string Description { get; init; } = "";
    public bool Nullable { get; init; }

    /// <summary>Read-only; null: none.</summary>
    public JsonNode? Default { get; init; }

    /// <summary>In the order of their names.</summary>
    public IReadOnlyDictionary<string, StructuralSchema> Properties { get; init; } = NoProperties;
    public StructuralSchema? Items { get; init; }

    /// <summary>The schema of fields that <see cref="Properties"/> does not name.</summary>
    public StructuralSchema? AdditionalProperties { get; init; }

    /// <summary>additionalProperties as a mere yes or no, and yes when it is a schema; null: it is not given.</summary>
    public bool? AllowsAdditionalProperties { get; init; }

    public double? Maximum { get; init; }
    public bool ExclusiveMaximum { get; init; }
    public double? Minimum { get; init; }
    public bool ExclusiveMinimum { get; init; }
    public double? MultipleOf { get; init; }
    public long? MaxLength { get; init; }
    public long? MinLength { get; init; }
    public string Pattern { get; init; } = "";
    public long? MaxItems { get; init; }
    public long? MinItems { get; init; }
    public bool UniqueItems { get; init; }
    public long? MaxProperties { get; init; }
    public long? MinProperties { get; init; }
    public IReadOnlyList<JsonNode?> Enum { get; init; } = [];
    public IReadOnlyList<string> Required { get; init; } = [];
    public IReadOnlyList<StructuralSchema> AllOf { get; init; } = [];
    public IReadOnlyList<StructuralSchema> AnyOf { get; init; } = [];
    public IReadOnlyList<StructuralSchema> OneOf { get; init; } = [];
    public StructuralSchema? Not { get; init; }

    public bool PreserveUnknownFields { get; init; }
    public bool EmbeddedResource { get; init; }
    public bool IntOrString { get; init; }

    /// <summary>atomic, set or map; null: not given.</summary>
    public string? ListType { get; init; }
    public IReadOnlyList<string> ListMapKeys { get; init; } = [];

    /// <summary>atomic or granular; null: not given.</summary>
    public string? MapType { get; init; }

    /// <summary>x-kubernetes-validations as the CRD has them: rule, message, messageExpression, reason, fieldPath, optionalOldSelf. Read-only.</summary>
    public IReadOnlyList<JsonObject> Validations { get; init; } = [];

    /// <summary>The JSONSchemaProps this was made from. Read-only.</summary>
    public JsonObject Source { get; init; } = [];

    /// <summary>Whether defaulting can change anything here or below.</summary>
    public bool HasDefaults { get; init; }

    /// <summary>Whether there are <see cref="Validations"/> here or below.</summary>
    public bool HasRules { get; init; }

    /// <summary>Whether a resource of its own, with kind and metadata, stands here or below.</summary>
    public bool HasEmbeddedResources { get; init; }

    /// <summary>The schema of an object's field; null where nothing is said of it.</summary>
    public StructuralSchema? Field(string name) => Properties.TryGetValue(name, out var property) ? property : AdditionalProperties;

    /// <param name="source">A JSONSchemaProps in its canonical form. It is kept and must not change.</param>
    public static StructuralSchema Read(JsonObject source) => StructuralSchemaReader.Read(source);
}
