using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>The resources of one group version of another server, as it tells of them.</summary>
/// <param name="Resources">Elements of an APIVersionDiscovery's resources; read-only.</param>
/// <param name="IsStale">The last attempt to read them failed: they are what was known before.</param>
internal sealed record RemoteVersion(JsonArray Resources, bool IsStale)
{
    /// <summary>Nothing was ever read.</summary>
    public static readonly RemoteVersion Unknown = new([], IsStale: true);
}

/// <summary>Asks extension servers what they serve, so that one request tells a client of everything (https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery).</summary>
internal sealed class AggregatedDiscovery(IObjectReader objects, ExtensionClients clients, TimeProvider time, ILogger<AggregatedDiscovery> logger)
{
    public const string AggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    public static readonly RecheckPace Pace = new(TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(500), TimeSpan.FromMinutes(1));

    private const int MaxBytes = 16 * 1024 * 1024;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    private readonly ExtensionFetch _fetch = new(time);
    private ImmutableDictionary<GroupVersion, RemoteVersion> _versions = ImmutableDictionary<GroupVersion, RemoteVersion>.Empty;
    private ImmutableDictionary<GroupVersion, string> _tags = ImmutableDictionary<GroupVersion, string>.Empty;

    /// <summary>What is known now; another instance when something changed.</summary>
    public ImmutableDictionary<GroupVersion, RemoteVersion> Versions => Volatile.Read(ref _versions);

    /// <returns>False: the server could not be asked; what it said before is stale.</returns>
    public async Task<bool> RefreshAsync(string name, CancellationToken cancellationToken)
    {
        if (ApiService.Find(objects, name) is not { Target: { } target } service) return true;
        var groupVersion = service.GroupVersion;
        Versions.TryGetValue(groupVersion, out var known);
        try
        {
            if (await ReadAsync(groupVersion, clients.For(target), known, cancellationToken) is { } resources) Set(groupVersion, new RemoteVersion(resources, IsStale: false), known);
            else if (known is { IsStale: true }) Set(groupVersion, known with { IsStale = false }, null);
            return true;
        }
        catch (Exception exception) when (exception is ApiException or JsonException or InvalidDataException)
        {
            if (known is not { IsStale: true }) AggregationLog.DiscoveryFailed(logger, name, exception.Message);
            ImmutableInterlocked.TryRemove(ref _tags, groupVersion, out _);
            Set(groupVersion, (known ?? RemoteVersion.Unknown) with { IsStale = true }, known);
            return false;
        }
    }

    public void Forget(GroupVersion groupVersion)
    {
        ImmutableInterlocked.TryRemove(ref _versions, groupVersion, out _);
        ImmutableInterlocked.TryRemove(ref _tags, groupVersion, out _);
    }

    private void Set(GroupVersion groupVersion, RemoteVersion value, RemoteVersion? known)
    {
        // The same again makes no new documents.
        if (known is not null && known.IsStale == value.IsStale && JsonNode.DeepEquals(known.Resources, value.Resources)) return;
        ImmutableInterlocked.AddOrUpdate(ref _versions, groupVersion, value, (_, _) => value);
    }

    /// <returns>Null: what is known still stands.</returns>
    private async Task<JsonArray?> ReadAsync(GroupVersion groupVersion, ExtensionClient client, RemoteVersion? known, CancellationToken cancellationToken)
    {
        var tag = known is null ? "" : _tags.GetValueOrDefault(groupVersion, "");
        var answer = await _fetch.GetAsync(client, ExtensionFetch.Aggregator, "/apis", AggregatedType, tag, MaxBytes, AnswerTime, cancellationToken);
        if (answer.Code == 304 && tag.Length > 0) return null;
        if (answer.Code == 503) throw new ApiException(503, "ServiceUnavailable", "the server answers discovery with the status code 503");
        if (answer.Code == 200 && IsAggregated(answer.ContentType))
        {
            ImmutableInterlocked.AddOrUpdate(ref _tags, groupVersion, answer.ETag, (_, _) => answer.ETag);
            return RemoteDocuments.ResourcesOf(Parse(answer.Body), groupVersion);
        }
        var path = ApiService.PathOf(groupVersion);
        var list = await _fetch.GetAsync(client, ExtensionFetch.Aggregator, path, "application/json", "", MaxBytes, AnswerTime, cancellationToken);
        if (list.Code != 200) throw new ApiException(503, "ServiceUnavailable", FormattableString.Invariant($"the server answers {path} with the status code {list.Code}"));
        return RemoteDocuments.Convert(Parse(list.Body));
    }

    private static bool IsAggregated(string contentType)
    {
        var parts = contentType.Split(';', StringSplitOptions.TrimEntries);
        return parts[0] == "application/json" && parts.Contains("g=apidiscovery.k8s.io") && parts.Contains("v=v2") && parts.Contains("as=APIGroupDiscoveryList");
    }

    private static JsonObject Parse(byte[] body) => JsonNode.Parse(body) as JsonObject ?? throw new InvalidDataException("the server's discovery is no JSON object");
}
