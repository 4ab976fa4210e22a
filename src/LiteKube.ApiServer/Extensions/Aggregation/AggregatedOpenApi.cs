using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Codec;
using LiteKube.Apis.OpenApi;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>What another server publishes of one group version.</summary>
/// <param name="V2">Its paths and the definitions that these use, as JSON; empty: it publishes none.</param>
/// <param name="V3Url">Where it has the document of OpenAPI v3, with its hash; null: it has none.</param>
/// <param name="V3">Made here from <paramref name="V2"/> for a server that knows no v3.</param>
internal sealed record RemoteSpec(byte[] V2, string? V3Url, MadeSpec? V3);

/// <summary>A document of OpenAPI v3 in both forms.</summary>
internal sealed record MadeSpec(byte[] Json, byte[] Protobuf)
{
    public static MadeSpec Of(JsonObject document) => new(ObjectWriter.Write(document), OpenApiDocuments.EncodeV3(document));
}

/// <summary>Reads the OpenAPI documents of extension servers now and then, in the background: nobody who asks for ours waits for another server.</summary>
internal sealed class AggregatedOpenApi(IObjectReader objects, ExtensionClients clients, TimeProvider time, ILogger<AggregatedOpenApi> logger)
{
    public static readonly RecheckPace Pace = new(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(5), TimeSpan.FromHours(1));

    private const string Json = "application/json";
    private const int MaxBytes = 64 * 1024 * 1024;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromMinutes(1);

    private readonly ExtensionFetch _fetch = new(time);
    private ImmutableDictionary<GroupVersion, RemoteSpec> _specs = ImmutableDictionary<GroupVersion, RemoteSpec>.Empty;
    private ImmutableDictionary<GroupVersion, Reading> _readings = ImmutableDictionary<GroupVersion, Reading>.Empty;

    /// <summary>The v2 document as it was read last: the same again is not read again.</summary>
    private sealed record Reading(string ETag, string Digest);

    /// <summary>What is known now; another instance when something changed.</summary>
    public ImmutableDictionary<GroupVersion, RemoteSpec> Specs => Volatile.Read(ref _specs);

    /// <returns>False: the documents could not be read; what was read before stays.</returns>
    public async Task<bool> RefreshAsync(string name, CancellationToken cancellationToken)
    {
        // One that is not available is read when it is.
        if (ApiService.Find(objects, name) is not { Target: { } target, IsAvailable: true } service) return true;
        try
        {
            var client = clients.For(target);
            var known = Specs.GetValueOrDefault(service.GroupVersion);
            var v2 = await ReadV2Async(service.GroupVersion, client, known, cancellationToken);
            var url = await FindV3Async(service.GroupVersion, client, cancellationToken);
            var isSame = known is not null && ReferenceEquals(known.V2, v2);
            if (isSame && known!.V3Url == url) return true;
            var v3 = url is not null || v2.Length == 0 ? null : isSame && known!.V3 is not null ? known.V3 : MadeSpec.Of(SpecConversion.ToV3(SpecFilter.Parse(v2)));
            var spec = new RemoteSpec(v2, url, v3);
            ImmutableInterlocked.AddOrUpdate(ref _specs, service.GroupVersion, spec, (_, _) => spec);
            return true;
        }
        catch (Exception exception) when (exception is ApiException or JsonException or InvalidDataException or InvalidOperationException)
        {
            AggregationLog.OpenApiFailed(logger, name, exception.Message);
            return false;
        }
    }

    public void Forget(GroupVersion groupVersion)
    {
        ImmutableInterlocked.TryRemove(ref _specs, groupVersion, out _);
        ImmutableInterlocked.TryRemove(ref _readings, groupVersion, out _);
    }

    /// <summary>This server's v2 document with those of the others. One that cannot be merged is left out: ours must not break by it.</summary>
    public JsonObject Merge(JsonObject own, ImmutableDictionary<GroupVersion, RemoteSpec> specs)
    {
        foreach (var (groupVersion, spec) in specs.OrderBy(s => s.Key.ToString(), StringComparer.Ordinal))
        {
            if (spec.V2.Length == 0) continue;
            try
            {
                SpecMerge.Add(own, SpecFilter.Parse(spec.V2));
            }
            catch (Exception exception) when (exception is JsonException or InvalidDataException or InvalidOperationException)
            {
                AggregationLog.MergeFailed(logger, ApiService.NameOf(groupVersion), exception.Message);
            }
        }
        return own;
    }

    private async Task<byte[]> ReadV2Async(GroupVersion groupVersion, ExtensionClient client, RemoteSpec? known, CancellationToken cancellationToken)
    {
        var reading = known is null ? null : _readings.GetValueOrDefault(groupVersion);
        var answer = await _fetch.GetAsync(client, ExtensionFetch.SpecReader, "/openapi/v2", Json, reading?.ETag ?? "", MaxBytes, AnswerTime, cancellationToken);
        if (answer.Code == 304 && reading is not null) return known!.V2;
        if (answer.Code == 404) return known is { V2.Length: 0 } ? known.V2 : [];
        if (answer.Code != 200) throw new ApiException(503, "ServiceUnavailable", FormattableString.Invariant($"failed to retrieve openAPI spec, http error: {answer.Code}"));
        var digest = Convert.ToHexString(SHA256.HashData(answer.Body));
        if (reading?.Digest == digest) return known!.V2;
        var filtered = SpecFilter.Filter(SpecFilter.Parse(answer.Body), ApiService.PathOf(groupVersion) + "/");
        // What a client could not be given in either form is refused here, not when somebody asks.
        OpenApiDocuments.EncodeV2(filtered);
        ImmutableInterlocked.AddOrUpdate(ref _readings, groupVersion, new Reading(answer.ETag, digest), (_, _) => new Reading(answer.ETag, digest));
        return ObjectWriter.Write(filtered);
    }

    /// <returns>Null: the server has no v3, or no document of this group version.</returns>
    private async Task<string?> FindV3Async(GroupVersion groupVersion, ExtensionClient client, CancellationToken cancellationToken)
    {
        var answer = await _fetch.GetAsync(client, ExtensionFetch.SpecReader, "/openapi/v3", Json, "", MaxBytes, AnswerTime, cancellationToken);
        if (answer.Code == 404) return null;
        if (answer.Code != 200) throw new ApiException(503, "ServiceUnavailable", FormattableString.Invariant($"the server answers /openapi/v3 with the status code {answer.Code}"));
        var path = ApiService.PathOf(groupVersion)[1..];
        var url = SpecFilter.Parse(answer.Body).Obj("paths", path).Str("serverRelativeURL");
        return url.StartsWith($"/openapi/v3/{path}", StringComparison.Ordinal) ? url : null;
    }
}
