using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Matching;

/// <summary>The types of the variables request and namespaceObject, as Kubernetes declares them to expressions.</summary>
internal sealed class RequestTypes : ICelTypeProvider
{
    public static readonly CelType Request = CelType.Struct("kubernetes.AdmissionRequest");
    public static readonly CelType Namespace = CelType.Struct("kubernetes.Namespace");

    private static readonly CelType Strings = CelType.List(CelType.String);
    private static readonly CelType Texts = CelType.Map(CelType.String, CelType.String);
    private static readonly CelType Kind = CelType.Struct("kubernetes.GroupVersionKind");
    private static readonly CelType Resource = CelType.Struct("kubernetes.GroupVersionResource");
    private static readonly CelType User = CelType.Struct("kubernetes.UserInfo");
    private static readonly CelType Metadata = CelType.Struct("kubernetes.NamespaceMetadata");
    private static readonly CelType Spec = CelType.Struct("kubernetes.NamespaceSpec");
    private static readonly CelType Status = CelType.Struct("kubernetes.NamespaceStatus");
    private static readonly CelType Condition = CelType.Struct("kubernetes.NamespaceCondition");

    private readonly Dictionary<string, (CelType Type, Dictionary<string, CelType> Fields)> _types = new(StringComparer.Ordinal);

    public RequestTypes()
    {
        Add(Kind, ("group", CelType.String), ("version", CelType.String), ("kind", CelType.String));
        Add(Resource, ("group", CelType.String), ("version", CelType.String), ("resource", CelType.String));
        Add(User, ("username", CelType.String), ("uid", CelType.String), ("groups", Strings), ("extra", CelType.Map(CelType.String, Strings)));
        Add(
            Request, ("kind", Kind), ("resource", Resource), ("subResource", CelType.String), ("requestKind", Kind), ("requestResource", Resource), ("requestSubResource", CelType.String),
            ("name", CelType.String), ("namespace", CelType.String), ("operation", CelType.String), ("userInfo", User), ("dryRun", CelType.Bool), ("options", CelType.Dyn));
        Add(Spec, ("finalizers", Strings));
        Add(Condition, ("status", CelType.String), ("type", CelType.String), ("lastTransitionTime", CelType.Timestamp), ("message", CelType.String), ("reason", CelType.String));
        Add(Status, ("conditions", CelType.List(Condition)), ("phase", CelType.String));
        Add(
            Metadata, ("name", CelType.String), ("generateName", CelType.String), ("namespace", CelType.String), ("labels", Texts), ("annotations", Texts), ("UID", CelType.String),
            ("creationTimestamp", CelType.Timestamp), ("deletionGracePeriodSeconds", CelType.Int), ("deletionTimestamp", CelType.Timestamp), ("generation", CelType.Int),
            ("resourceVersion", CelType.String), ("finalizers", Strings));
        Add(Namespace, ("metadata", Metadata), ("spec", Spec), ("status", Status));
    }

    /// <summary>A namespace's values with the types above.</summary>
    public static CelSchema NamespaceSchema { get; } = Object(
        ("kind", Text()), ("apiVersion", Text()),
        ("metadata", Object(
            ("name", Text()), ("generateName", Text()), ("namespace", Text()), ("uid", Text()), ("resourceVersion", Text()), ("labels", MapOf(Text())), ("annotations", MapOf(Text())),
            ("creationTimestamp", Text("date-time")), ("deletionTimestamp", Text("date-time")), ("deletionGracePeriodSeconds", Integer), ("generation", Integer), ("finalizers", ListOf(Text())))),
        ("spec", Object(("finalizers", ListOf(Text())))),
        ("status", Object(
            ("phase", Text()),
            ("conditions", ListOf(Object(("type", Text()), ("status", Text()), ("reason", Text()), ("message", Text()), ("lastTransitionTime", Text("date-time"))))))));

    public CelType? FindType(string name) => _types.TryGetValue(name, out var known) ? known.Type : null;

    public CelType? FindField(string typeName, string field) => _types.TryGetValue(typeName, out var known) ? known.Fields.GetValueOrDefault(field) : null;

    private void Add(CelType type, params ReadOnlySpan<(string Name, CelType Type)> fields)
    {
        var table = new Dictionary<string, CelType>(StringComparer.Ordinal);
        foreach (var (name, fieldType) in fields) table.Add(name, fieldType);
        _types.Add(type.Name, (type, table));
    }

    private static CelSchema Integer => new() { Type = "integer" };

    private static CelSchema Text(string format = "") => new() { Type = "string", Format = format };

    private static CelSchema ListOf(CelSchema items) => new() { Type = "array", Items = items };

    private static CelSchema MapOf(CelSchema values) => new() { Type = "object", AdditionalProperties = values };

    private static CelSchema Object(params ReadOnlySpan<(string Name, CelSchema Schema)> properties)
    {
        var table = new Dictionary<string, CelSchema>(StringComparer.Ordinal);
        foreach (var (name, schema) in properties) table.Add(name, schema);
        return new() { Type = "object", Properties = table };
    }
}
