using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>A CustomResourceDefinition as its controllers and the table of resources read it.</summary>
internal sealed class Definition
{
    public static readonly GroupResource Resource = new("apiextensions.k8s.io", "customresourcedefinitions");
    public static readonly GroupVersionKind Kind = new("apiextensions.k8s.io", "v1", "CustomResourceDefinition");

    public const string CleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

    public Definition(JsonObject value)
    {
        Value = value;
        Spec = value.Obj("spec") ?? [];
        Name = value.MetaName();
        Group = Spec.Str("group");
        Names = new(Spec.Obj("names"));
        AcceptedNames = new(value.Obj("status", "acceptedNames"));
        IsNamespaced = Spec.Str("scope") == "Namespaced";
        Versions = [.. Spec.Items("versions").Select((v, i) => new DefinitionVersion(v, i))];
    }

    /// <summary>Read-only.</summary>
    public JsonObject Value { get; }
    public JsonObject Spec { get; }
    public string Name { get; }
    public string Group { get; }
    public DefinitionNames Names { get; }
    public DefinitionNames AcceptedNames { get; }
    public bool IsNamespaced { get; }
    public IReadOnlyList<DefinitionVersion> Versions { get; }

    public DefinitionVersion? StorageVersion => Versions.FirstOrDefault(v => v.IsStorage);
    public JsonObject? Conversion => Spec.Obj("conversion");
    public bool IsBeingDeleted => Value.IsBeingDeleted();
    public bool HasCleanupFinalizer => Value.MetadataList("finalizers").Contains(CleanupFinalizer);

    public bool IsTrue(string condition) => DefinitionConditions.Find(Value, condition).Str("status") == "True";

    /// <summary>Its resource is served: its names were accepted, now or when it was established.</summary>
    public bool IsServed => AcceptedNames is { Plural.Length: > 0, Kind.Length: > 0, Singular.Length: > 0, ListKind.Length: > 0 } && StorageVersion is not null
        && (IsTrue(DefinitionConditions.NamesAccepted) || IsTrue(DefinitionConditions.Established));

    /// <summary>Whether both mean the same to whoever uses the resource: status and metadata may differ.</summary>
    public bool ServesAs(Definition other, bool exceptDeletion = false) =>
        Value.MetaUid() == other.Value.MetaUid() && JsonEquality.AreEqual(Spec, other.Spec) && AcceptedNames.IsSame(other.AcceptedNames)
        && (exceptDeletion || (IsTerminating == other.IsTerminating && IsTrue(DefinitionConditions.Terminating) == other.IsTrue(DefinitionConditions.Terminating)));

    public bool IsTerminating => IsBeingDeleted || IsTrue(DefinitionConditions.Terminating);
}

/// <summary>spec.names or status.acceptedNames.</summary>
internal sealed class DefinitionNames(JsonObject? value)
{
    public JsonObject Value { get; } = value ?? [];
    public string Plural { get; } = value.Str("plural");
    public string Singular { get; } = value.Str("singular");
    public string Kind { get; } = value.Str("kind");
    public string ListKind { get; } = value.Str("listKind");
    public IReadOnlyList<string> ShortNames { get; } = [.. value.Strings("shortNames")];
    public IReadOnlyList<string> Categories { get; } = [.. value.Strings("categories")];

    public bool IsSame(DefinitionNames other) => (Plural, Singular, Kind, ListKind) == (other.Plural, other.Singular, other.Kind, other.ListKind)
        && ShortNames.SequenceEqual(other.ShortNames) && Categories.SequenceEqual(other.Categories);
}

/// <summary>One of spec.versions.</summary>
internal sealed class DefinitionVersion(JsonObject value, int index)
{
    private StructuralSchema? _schema;

    public JsonObject Value { get; } = value;
    public int Index { get; } = index;
    public string Name { get; } = value.Str("name");
    public bool IsServed { get; } = value.Bool("served");
    public bool IsStorage { get; } = value.Bool("storage");
    public bool IsDeprecated { get; } = value.Bool("deprecated");

    public JsonObject? SchemaSource => Value.Obj("schema", "openAPIV3Schema");

    /// <summary>Read when first asked for.</summary>
    public StructuralSchema Schema => _schema ??= SchemaSource is { } source ? StructuralSchema.Read(source) : StructuralSchema.Empty;

    public bool HasStatus => Value.Obj("subresources").Has("status");
    public JsonObject? Scale => Value.Obj("subresources", "scale");
    public IEnumerable<string> SelectableFields => Value.Items("selectableFields").Select(f => f.Str("jsonPath").TrimStart('.'));
}
