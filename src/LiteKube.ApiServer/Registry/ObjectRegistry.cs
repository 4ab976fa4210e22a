using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Extensions.CustomResources;
using LiteKube.ApiServer.Registry.Ownership;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Registry;

/// <summary>
/// The generic registry: what upstream's registry.Store does for every kind. Objects come in as canonical trees in the
/// version of the request, pass admission, strategy and validation, and are stored once as bytes.
/// </summary>
/// <param name="nameSuffix">The random end of generated names.</param>
internal sealed partial class ObjectRegistry(IStateStore store, AdmissionRunner admission, TimeProvider time, Func<string> nameSuffix)
{
    private const int MaxGenerateAttempts = 8;

    public IStateStore Store => store;

    public StoredValue? Find(ServedResource resource, string ns, string name) => store.Get(resource.Key(ns, name));

    public StoredValue Get(ServedResource resource, string ns, string name) =>
        store.Get(resource.Key(ns, name)) ?? throw ApiException.NotFound(resource.GroupResource, name);

    public async ValueTask<StoredValue> CreateAsync(WriteRequest request, JsonObject value, CancellationToken cancellationToken)
    {
        var managed = OwnershipRecorder.AfterCreate(request, value, time.GetUtcNow());
        value = ToStored(request.Resource, value);
        if (value.ResourceVersion().Length > 0)
            throw ApiException.BadRequest("resourceVersion should not be set on objects to be created");
        ObjectMetaRules.SetNamespace(value.Metadata(), request.StoredInfo, request.Namespace);
        if (request.Name.Length > 0 && value.Name() != request.Name && value.Name().Length > 0)
            throw ApiException.BadRequest($"the name of the object ({value.Name()}) does not match the name on the URL ({request.Name})");
        var generated = value.Name().Length == 0 && value.MetadataText("generateName").Length > 0;
        for (var attempt = 1; ; attempt++)
        {
            // Another try must start from what the client sent, not from what admission made of it.
            var copy = generated ? (JsonObject)value.DeepClone() : value;
            var (written, standing, name) = await TryCreateAsync(request, copy, managed, cancellationToken);
            if (written is not null) return written;
            if (!generated || attempt == MaxGenerateAttempts) throw ExistsAlready(request, name, generated, standing);
        }
    }

    private async ValueTask<(StoredValue? Written, StoredValue? Standing, string Name)> TryCreateAsync(WriteRequest request, JsonObject value, ManagedFieldsList managed, CancellationToken cancellationToken)
    {
        var strategy = request.Resource.Strategy;
        var context = request.StrategyContext();
        var attributes = admission.Attributes(request, AdmissionOperation.Create, value, null, managed);
        await admission.MutateAsync(attributes, cancellationToken);
        if (attributes is not null) (value, managed) = (attributes.Object!, attributes.Owners);

        ObjectMetaRules.PrepareForCreate(value, request.StoredInfo, request.Namespace, time.GetUtcNow(), nameSuffix);
        strategy.PrepareForCreate(value, context);
        if (strategy.TracksGeneration) value.Metadata()["generation"] = 1;

        var errors = new FieldErrors();
        ObjectMetaRules.Validate(value, request.StoredInfo, errors);
        strategy.Validate(value, errors, context);
        ThrowIfInvalid(request, value, errors);
        await admission.ValidateAsync(attributes, cancellationToken);

        // Reservations come last: whatever fails before them needs no undoing.
        var reservation = strategy.Allocate(value, null, errors, context);
        var kept = false;
        try
        {
            ThrowIfInvalid(request, value, errors);
            request.Warnings.AddRange(context.Warnings);
            var key = request.Resource.Key(value.Namespace(), value.Name());
            var encoded = await EncodeAsync(request.Resource, value, managed, cancellationToken);
            if (store.Get(key) is { } standing) return (null, standing, value.Name());
            if (request.DryRun) return (new StoredValue(key, WithoutRevision(encoded), 0, 0), null, value.Name());
            var companions = strategy.WriteCompanionsAsync(value, null, CancellationToken.None);
            var result = await store.PutAsync(key, new ValueTemplate(encoded.Utf8, encoded.ResourceVersionOffset), 0, cancellationToken);
            if (!companions.IsCompletedSuccessfully) await companions;
            if (result.Status == WriteStatus.Conflict)
            {
                await strategy.RemoveCompanionsAsync(null, value, CancellationToken.None);
                return (null, result.Value, value.Name());
            }
            kept = true;
            ObjectView.Of(result.Value!).Remember(managed);
            strategy.AfterWrite(value, null);
            return (result.Value, null, value.Name());
        }
        finally
        {
            if (!kept) reservation?.Dispose();
        }
    }

    /// <summary>The canonical bytes: fields in Go's order, as a decode and encode upstream would leave them; of a custom resource, in its stored version.</summary>
    private static ValueTask<EncodedObject> EncodeAsync(ServedResource resource, JsonObject value, ManagedFieldsList managed, CancellationToken cancellationToken)
    {
        if (resource.Custom is { } custom) return EncodeCustomAsync(custom, value, managed, cancellationToken);
        var info = resource.Stored;
        if (value.Text("kind") != info.Kind) value["kind"] = info.Kind;
        if (value.Text("apiVersion") != info.GroupVersionKind.ApiVersion) value["apiVersion"] = info.GroupVersionKind.ApiVersion;
        return ValueTask.FromResult(ObjectWriter.WriteForStore(value, info.Schema, managed.Encoded.Span));
    }

    private static async ValueTask<EncodedObject> EncodeCustomAsync(CustomCodec custom, JsonObject value, ManagedFieldsList managed, CancellationToken cancellationToken) =>
        ObjectWriter.WriteForStore(await custom.ToStoredAsync(value, cancellationToken), managed.Encoded.Span, isSorted: true);

    /// <summary>The bytes of a dry run's object: with no revision of its own.</summary>
    private static byte[] WithoutRevision(EncodedObject encoded) => WithRevision(encoded, "");

    private static byte[] WithRevision(EncodedObject encoded, string revision)
    {
        var utf8 = encoded.Utf8.Span;
        var bytes = new byte[utf8.Length + revision.Length];
        utf8[..encoded.ResourceVersionOffset].CopyTo(bytes);
        Encoding.ASCII.GetBytes(revision, bytes.AsSpan(encoded.ResourceVersionOffset));
        utf8[encoded.ResourceVersionOffset..].CopyTo(bytes.AsSpan(encoded.ResourceVersionOffset + revision.Length));
        return bytes;
    }

    /// <summary>Whether the encoded object says what the stored one says; its revision aside.</summary>
    private static bool IsSame(EncodedObject encoded, StoredValue current)
    {
        var a = encoded.Utf8.Span;
        var b = current.Bytes.Span;
        var digits = b.Length - a.Length;
        return digits > 0 && a[..encoded.ResourceVersionOffset].SequenceEqual(b[..encoded.ResourceVersionOffset])
            && a[encoded.ResourceVersionOffset..].SequenceEqual(b[(encoded.ResourceVersionOffset + digits)..])
            && current.ModRevision.ToString(CultureInfo.InvariantCulture).Length == digits;
    }

    /// <summary>A tree that may be changed, in the stored version.</summary>
    private static JsonObject ToStored(ServedResource resource, JsonObject value) => resource.Converter is null ? value : resource.Converter.ToStored(value);

    private static void ThrowIfInvalid(WriteRequest request, JsonObject value, FieldErrors errors)
    {
        if (errors.Count > 0) throw ApiException.Invalid(request.Resource.Info.GroupVersionKind, value.Name(), errors);
    }

    private static ApiException ExistsAlready(WriteRequest request, string name, bool generated, StoredValue? standing)
    {
        var gone = standing is not null && ObjectView.Of(standing).Decode().IsBeingDeleted();
        if (!generated && !gone) return ApiException.AlreadyExists(request.Resource.GroupResource, name);
        var details = new JsonObject { ["name"] = name };
        if (request.Resource.GroupResource.Group.Length > 0) details["group"] = request.Resource.GroupResource.Group;
        details["kind"] = request.Resource.GroupResource.Resource;
        if (gone) return new ApiException(409, "AlreadyExists", $"object is being deleted: {request.Resource.GroupResourceText} \"{name}\" already exists", details);
        details["retryAfterSeconds"] = 1;
        return new ApiException(409, "AlreadyExists", $"{request.Resource.GroupResourceText} \"{name}\" already exists, the server was not able to generate a unique name for the object", details, TimeSpan.FromSeconds(1));
    }
}
