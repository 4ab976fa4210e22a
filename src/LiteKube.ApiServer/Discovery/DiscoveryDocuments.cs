using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Discovery;

/// <summary>
/// What the server serves, told to clients (https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api):
/// the documents per group version and the aggregated one. Made once per catalog.
/// </summary>
internal sealed class DiscoveryDocuments(Func<ResourceTable> resources)
{
    private const string AggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    private DiscoverySet? _documents;

    /// <summary>Null: no such path.</summary>
    public ApiResult? Handle(ApiRequest request, string path)
    {
        var documents = Current();
        if (path is "/api" or "/apis" && AsksForAggregated(request.Accept))
        {
            var (body, tag) = path == "/api" ? documents.AggregatedCore : documents.AggregatedGroups;
            List<KeyValuePair<string, string>> headers = [new("ETag", tag), new("Vary", "Accept"), new("Cache-Control", "public")];
            return request.IfNoneMatch is { } known && known.Contains(tag, StringComparison.Ordinal)
                ? new BytesResult(default) { StatusCode = 304, ContentType = AggregatedType, Headers = headers }
                : new BytesResult(body) { ContentType = AggregatedType, Headers = headers };
        }
        if (!documents.ByPath.TryGetValue(path, out var found)) return null;
        MediaTypes.Negotiate(request.Accept);
        return new BytesResult(found);
    }

    /// <summary>Clauses come in the client's order of wish: the first JSON one decides, protobuf ones are passed over.</summary>
    private static bool AsksForAggregated(string? accept)
    {
        if (accept is null || !accept.Contains("as=APIGroupDiscoveryList", StringComparison.Ordinal)) return false;
        foreach (var range in accept.AsSpan().Split(','))
        {
            var clause = accept.AsSpan(range).Trim();
            if (!clause.StartsWith("application/json", StringComparison.Ordinal)) continue;
            if (HasParameter(clause, "as=APIGroupDiscoveryList") && HasParameter(clause, "g=apidiscovery.k8s.io") && HasParameter(clause, "v=v2")) return true;
            if (!clause.Contains(';')) return false;
        }
        return false;
    }

    private static bool HasParameter(ReadOnlySpan<char> clause, string parameter)
    {
        foreach (var range in clause.Split(';'))
        {
            if (clause[range].Trim().SequenceEqual(parameter)) return true;
        }
        return false;
    }

    private DiscoverySet Current()
    {
        var catalog = resources().Catalog;
        var documents = _documents;
        return documents is not null && ReferenceEquals(documents.Catalog, catalog) ? documents : _documents = new DiscoverySet(catalog);
    }
}
