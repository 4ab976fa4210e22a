using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>
/// Between the stored bytes of a custom resource and one of its served versions. An object that is stored in that version
/// and lacks no default is served as it is stored: the first reader of each stored value finds out, the others copy bytes.
/// </summary>
internal sealed class CustomCodec(ResourceInfo info, string storageVersion, IReadOnlyDictionary<string, StructuralSchema> schemas, IObjectConverter converter, ScalePaths? scale, IReadOnlyList<string> warnings, CancellationToken withdrawn)
{
    /// <summary>Objects in one call of a conversion webhook.</summary>
    private const int BatchSize = 250;

    private readonly GroupVersionKind _kind = info.GroupVersionKind;
    private readonly StructuralSchema _schema = schemas[info.Resource.Version];

    public ScalePaths? Scale => scale;

    /// <summary>Texts for a Warning header on each request: the version is deprecated.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>Cancelled when the CRD changed or went: watches end, and their clients list again.</summary>
    public CancellationToken Withdrawn => withdrawn;

    /// <summary>Reading may have to ask someone else first: see <see cref="PrepareAsync"/>.</summary>
    public bool NeedsPreparation => converter.IsRemote;

    public ReadOnlyMemory<byte> Represent(StoredValue value) => (ObjectView.Of(value).Find(this) ?? Read(value)).Bytes;

    /// <summary>Shared: read-only.</summary>
    public JsonObject Decode(StoredValue value) => (ObjectView.Of(value).Find(this) ?? Read(value)).Decode();

    /// <summary>Converts what has to be, so that reading finds it done, and fails while an error can still be answered.</summary>
    /// <exception cref="ApiException">500: the conversion failed.</exception>
    public async ValueTask PrepareAsync(IReadOnlyList<StoredValue> values, CancellationToken cancellationToken)
    {
        if (!converter.IsRemote)
        {
            foreach (var value in values)
            {
                if (ObjectView.Of(value).Find(this) is null) Read(value);
            }
            return;
        }
        var waiting = new List<(StoredValue Value, JsonObject Tree)>();
        foreach (var value in values)
        {
            if (ObjectView.Of(value).Find(this) is not null) continue;
            var tree = Refreshed(value, out var isChanged);
            if (VersionOf(tree) == _kind.Version) Keep(value, tree, isChanged);
            else waiting.Add((value, tree));
        }
        foreach (var batch in waiting.Chunk(BatchSize))
        {
            var converted = await converter.ConvertAsync([.. batch.Select(b => b.Tree)], _kind, cancellationToken);
            for (var i = 0; i < batch.Length; i++)
            {
                CustomObjects.Fit(converted[i], _schema);
                Keep(batch[i].Value, converted[i], true);
            }
        }
    }

    /// <summary>An object of this version as it is stored: in the storage version, its fields in order.</summary>
    public async ValueTask<JsonObject> ToStoredAsync(JsonObject value, CancellationToken cancellationToken)
    {
        value["kind"] = _kind.Kind;
        value["apiVersion"] = _kind.ApiVersion;
        var tree = ObjectDecoder.Canonicalize(value, info.Schema, FieldValidation.Ignore).Object;
        if (_kind.Version == storageVersion) return tree;
        tree = (await converter.ConvertAsync([tree], _kind with { Version = storageVersion }, cancellationToken))[0];
        CustomObjects.Fit(tree, schemas[storageVersion]);
        tree = SortedJson.Of(tree).AsObject();
        // The owners stand beside the object, whatever a webhook makes of them.
        tree.Metadata().Remove("managedFields");
        return tree;
    }

    /// <summary>An object of this version in another one, for whoever wants to see or change it there.</summary>
    public async ValueTask<JsonObject> ConvertAsync(JsonObject value, GroupVersionKind target, CancellationToken cancellationToken)
    {
        var converted = (await converter.ConvertAsync([(JsonObject)value.DeepClone()], target, cancellationToken))[0];
        CustomObjects.Fit(converted, schemas[target.Version]);
        return converted;
    }

    private Representation Read(StoredValue value)
    {
        var tree = Refreshed(value, out var isChanged);
        if (VersionOf(tree) == _kind.Version) return Keep(value, tree, isChanged);
        // Local conversions complete at once. A remote one has been prepared by whoever read the value; if one was not, waiting is right, if slow.
        var conversion = converter.ConvertAsync([tree], _kind, withdrawn);
        var converted = conversion.IsCompleted ? conversion.Result[0] : conversion.AsTask().GetAwaiter().GetResult()[0];
        CustomObjects.Fit(converted, _schema);
        return Keep(value, converted, true);
    }

    /// <summary>The stored object with today's schema of its own version applied.</summary>
    private JsonObject Refreshed(StoredValue value, out bool isChanged)
    {
        var tree = JsonNode.Parse(value.Bytes.Span)?.AsObject() ?? throw new InvalidDataException($"The stored value at {value.Key} is not an object.");
        if (!schemas.TryGetValue(VersionOf(tree), out var schema))
            throw new ApiException(500, "InternalError", $"request to convert CR from an invalid group/version: {tree.Text("apiVersion")}");
        isChanged = CustomObjects.Refresh(tree, schema);
        return tree;
    }

    private Representation Keep(StoredValue value, JsonObject tree, bool isChanged) =>
        ObjectView.Of(value).Add(new Representation(this, isChanged ? ObjectWriter.Write(tree) : value.Bytes));

    private static string VersionOf(JsonObject tree) => GroupVersion.Parse(tree.Text("apiVersion")).Version;
}

/// <summary>The bytes that readers of one version of a custom resource get for a stored value.</summary>
internal sealed class Representation(CustomCodec codec, ReadOnlyMemory<byte> bytes)
{
    private readonly WeakReference<JsonObject?> _decoded = new(null);

    public CustomCodec Codec => codec;
    public ReadOnlyMemory<byte> Bytes => bytes;

    public JsonObject Decode()
    {
        if (_decoded.TryGetTarget(out var tree) && tree is not null) return tree;
        tree = JsonNode.Parse(bytes.Span)!.AsObject();
        _decoded.SetTarget(tree);
        return tree;
    }
}
