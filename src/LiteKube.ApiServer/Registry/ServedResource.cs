using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Extensions.CustomResources;
using LiteKube.ApiServer.Registry.Ownership;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Registry;

/// <summary>One resource as the endpoints need it: its facts with everything precomputed that a request would build again.</summary>
internal sealed class ServedResource
{
    private readonly ConcurrentDictionary<string, FieldOwnership> _ownership = new(StringComparer.Ordinal);
    private JsonObject? _emptyObject;

    public ServedResource(ResourceInfo info, ResourceInfo stored, IStrategyRegistry strategies, IVersionConverter? converter)
        : this(info, stored, strategies.For(stored), strategies.For(info), converter)
    {
    }

    /// <summary>A resource that a CRD brings: it is worked on in the version of the request, and only its bytes are in another.</summary>
    public ServedResource(ResourceInfo info, IStrategy strategy, CustomCodec custom)
        : this(info, info, strategy, strategy, null)
    {
        Custom = custom;
    }

    private ServedResource(ResourceInfo info, ResourceInfo stored, IStrategy strategy, IStrategy fields, IVersionConverter? converter)
    {
        (Info, Stored, Strategy, Fields, Converter) = (info, stored, strategy, fields, converter);
        GroupResourceText = info.GroupResource.ToString();
        KeyRoot = KeyRootOf(stored.GroupResource);
        DeprecationWarning = KindRules.For(info.GroupResource).DeprecationWarning;
        TypeMeta = Encoding.UTF8.GetBytes($"{{\"kind\":\"{info.Kind}\",\"apiVersion\":\"{info.GroupVersionKind.ApiVersion}\",");
        ListHead = Encoding.UTF8.GetBytes($"{{\"kind\":\"{info.ListKind}\",\"apiVersion\":\"{info.GroupVersionKind.ApiVersion}\",\"metadata\":{{\"resourceVersion\":\"");
    }

    public ResourceInfo Info { get; }

    /// <summary>The version in which objects are kept; the same as <see cref="Info"/> for almost every kind.</summary>
    public ResourceInfo Stored { get; }

    /// <summary>The stored version's: what it allocates is counted once, whichever version a request speaks.</summary>
    public IStrategy Strategy { get; }

    /// <summary>The served version's, for the fields that its selectors may name.</summary>
    public IStrategy Fields { get; }

    public IVersionConverter? Converter { get; }

    /// <summary>Set for custom resources.</summary>
    public CustomCodec? Custom { get; }

    /// <summary>Cancelled when the resource is no longer served as it is described here.</summary>
    public CancellationToken Withdrawn => Custom?.Withdrawn ?? CancellationToken.None;

    /// <summary>All versions of the kind; set when the table is complete.</summary>
    public IObjectVersions Versions { private get; set; } = OneVersion.Instance;

    /// <summary>The resources that show the same objects, this one among them, the preferred first; empty: there is only this one.</summary>
    public IReadOnlyList<ServedResource> Siblings { get; set; } = [];

    public string ApiVersion => field ??= Info.GroupVersionKind.ApiVersion;

    public IMergeSchema MergeSchema => field ??= MergeSchemas.Of(Info.Schema);

    /// <summary>The kind's object with nothing set; read-only.</summary>
    public JsonObject EmptyObject => _emptyObject ??= ObjectDecoder.Canonicalize([], Info.Schema, FieldValidation.Ignore).Object;

    public GroupResource GroupResource => Info.GroupResource;
    public string GroupResourceText { get; }

    /// <summary>What every request on a built-in kind that is on its way out is warned of; null for almost all.</summary>
    public string? DeprecationWarning { get; }

    /// <summary>"apps/deployments/", "core/pods/".</summary>
    public string KeyRoot { get; }

    /// <summary>How every stored object of this kind starts; list items leave it out, as Kubernetes does for built-in kinds.</summary>
    public ReadOnlyMemory<byte> TypeMeta { get; }

    public ReadOnlyMemory<byte> ListHead { get; }

    /// <summary>Who owns what, as one endpoint of the resource keeps it.</summary>
    public FieldOwnership Ownership(string subresource) =>
        _ownership.GetOrAdd(subresource, static (name, self) => new(self.Versions, name, EndpointResets.For(self.Info, name)), this);

    public VersionedObject Versioned(JsonObject value) => new(value, MergeSchema, ApiVersion);

    public string Key(string ns, string name) => Info.Namespaced ? $"{KeyRoot}{ns}/{name}" : KeyRoot + name;

    /// <summary>The keys of one namespace, or of all when <paramref name="ns"/> is empty.</summary>
    public string Prefix(string ns) => ns.Length == 0 || !Info.Namespaced ? KeyRoot : $"{KeyRoot}{ns}/";

    public string NameOf(string key) => key[(key.LastIndexOf('/') + 1)..];

    public string NamespaceOf(string key) => Info.Namespaced ? key[KeyRoot.Length..key.LastIndexOf('/')] : "";

    public static string KeyRootOf(GroupResource resource) => $"{(resource.Group.Length == 0 ? "core" : resource.Group)}/{resource.Resource}/";

    /// <summary>The bytes that a client of this version gets for a stored value.</summary>
    public ReadOnlyMemory<byte> Represent(StoredValue value) =>
        Custom is not null ? Custom.Represent(value) : Converter is null ? value.Bytes : ObjectView.Of(value).Converted(this);

    /// <summary>As <see cref="Represent"/>, in protobuf; kinds that a CRD brings have no such form.</summary>
    public ProtobufObject RepresentProtobuf(StoredValue value)
    {
        var view = ObjectView.Of(value);
        if (view.FindProtobuf(this) is { } known) return known;
        var made = ProtobufEnvelope.Write(Represent(value).Span, Info.Schema, ApiVersion, Info.Kind);
        view.KeepProtobuf(ProtobufCache.Shared.Add(this, made));
        return made;
    }

    /// <summary>As Go's errors name an object of the kind: "*core.Pod".</summary>
    public string GoType => Custom is null ? $"*{Info.Schema.Name.Split('.')[^3]}.{Info.Kind}" : "*unstructured.Unstructured";

    public string GoListType => Custom is null ? $"*{Info.Schema.Name.Split('.')[^3]}.{Info.ListKind}" : "*unstructured.UnstructuredList";

    /// <summary>The tree that a client of this version gets; shared and read-only.</summary>
    public JsonObject Decode(StoredValue value) => Custom is not null ? Custom.Decode(value) : Converter is null ? ObjectView.Of(value).Decode() : Converter.FromStored(ObjectView.Of(value).Decode());

    /// <summary>The tree that strategies and admission compare with: in the version they work in.</summary>
    public JsonObject DecodeStanding(StoredValue value) => Custom is not null ? Custom.Decode(value) : ObjectView.Of(value).Decode();

    /// <summary>Before values are read: lets a conversion webhook do its part. Nothing to do for most resources.</summary>
    public ValueTask PrepareAsync(IReadOnlyList<StoredValue> values, CancellationToken cancellationToken) =>
        Custom is not null ? Custom.PrepareAsync(values, cancellationToken) : ValueTask.CompletedTask;
}

/// <summary>What readers derive from one stored value, made on first use and kept with it.</summary>
internal sealed class ObjectView(StoredValue value)
{
    private static readonly Dictionary<string, string> NoLabels = [];

    private readonly WeakReference<JsonObject?> _decoded = new(null);
    private readonly WeakReference<ManagedFieldsList?> _managedFields = new(null);
    private Dictionary<string, string>? _labels;
    private (ServedResource Resource, ReadOnlyMemory<byte> Bytes)? _converted;
    private volatile (ServedResource Resource, string Field, string Value)[] _fields = [];
    private Representation[] _representations = [];
    private volatile ProtobufCache.Entry[] _protobuf = [];

    public static ObjectView Of(StoredValue value)
    {
        if (value.Derived is ObjectView view) return view;
        view = new ObjectView(value);
        value.Derived = view;
        return view;
    }

    /// <summary>The tree of the stored bytes. Shared: read-only. Held weakly, because a tree is ten times its bytes.</summary>
    public JsonObject Decode()
    {
        if (_decoded.TryGetTarget(out var tree) && tree is not null) return tree;
        tree = JsonNode.Parse(value.Bytes.Span)?.AsObject() ?? throw new InvalidDataException($"The stored value at {value.Key} is not an object.");
        _decoded.SetTarget(tree);
        return tree;
    }

    /// <summary>metadata.managedFields, read without building the tree.</summary>
    public ManagedFieldsList ManagedFields
    {
        get
        {
            if (_managedFields.TryGetTarget(out var list) && list is not null) return list;
            list = ManagedFieldsList.FromObject(value.Bytes);
            _managedFields.SetTarget(list);
            return list;
        }
    }

    /// <summary>The list that was just written: the next write need not read it while memory allows.</summary>
    public void Remember(ManagedFieldsList list) => _managedFields.SetTarget(list);

    /// <summary>metadata.labels, read without building the tree.</summary>
    public IReadOnlyDictionary<string, string> Labels => _labels ??= ReadLabels(value.Bytes.Span);

    public ReadOnlyMemory<byte> Converted(ServedResource resource)
    {
        if (_converted is { } kept && ReferenceEquals(kept.Resource, resource)) return kept.Bytes;
        var bytes = ObjectWriter.Write(resource.Decode(value));
        _converted = (resource, bytes);
        return bytes;
    }

    /// <summary>What was made of a custom resource for one of its versions; null: nothing yet.</summary>
    public Representation? Find(CustomCodec codec)
    {
        foreach (var known in Volatile.Read(ref _representations))
        {
            if (ReferenceEquals(known.Codec, codec)) return known;
        }
        return null;
    }

    /// <summary>Keeps it; what belongs to versions that are withdrawn goes.</summary>
    public Representation Add(Representation representation)
    {
        while (true)
        {
            var known = Volatile.Read(ref _representations);
            Representation[] next = [.. known.Where(r => !r.Codec.Withdrawn.IsCancellationRequested && !ReferenceEquals(r.Codec, representation.Codec)), representation];
            if (ReferenceEquals(Interlocked.CompareExchange(ref _representations, next, known), known)) return representation;
        }
    }

    /// <summary>Null: not made yet, or given up for younger ones.</summary>
    public ProtobufObject? FindProtobuf(ServedResource resource)
    {
        foreach (var known in _protobuf)
        {
            if (ReferenceEquals(known.Resource, resource)) return known.Value;
        }
        return null;
    }

    /// <summary>A lost race only makes the bytes again.</summary>
    public void KeepProtobuf(ProtobufCache.Entry entry) => _protobuf = [.. _protobuf.Where(e => e.Value is not null && !ReferenceEquals(e.Resource, entry.Resource)), entry];

    /// <summary>The value that a field selector compares; null when the kind does not offer the field.</summary>
    public string? Field(ServedResource resource, string field)
    {
        foreach (var known in _fields)
        {
            if (ReferenceEquals(known.Resource, resource) && known.Field == field) return known.Value;
        }
        var found = resource.Fields.SelectableField(resource.Decode(value), field);
        // A lost race only reads the field again.
        if (found is not null) _fields = [.. _fields, (resource, field, found)];
        return found;
    }

    private static Dictionary<string, string> ReadLabels(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8);
        if (!Enter(ref reader, "metadata"u8) || !Enter(ref reader, "labels"u8)) return NoLabels;
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            labels[key] = reader.TokenType == JsonTokenType.String ? reader.GetString()! : "";
        }
        return labels.Count == 0 ? NoLabels : labels;
    }

    /// <summary>Moves from before (or at) an object's start to the start of the object in its property <paramref name="name"/>.</summary>
    private static bool Enter(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        if (reader.TokenType == JsonTokenType.None) reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(name);
            reader.Read();
            if (found) return reader.TokenType == JsonTokenType.StartObject;
            reader.Skip();
        }
        return false;
    }
}
