using System.Collections.Immutable;
using LiteKube.Apis;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Extensions.Aggregation;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Discovery;

/// <summary>
/// What the server serves, told to clients (https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api):
/// the documents per group version and the aggregated one. Made once per catalog, and again when an APIService changes what they say.
/// </summary>
internal sealed class DiscoveryDocuments(Func<ResourceTable> resources, ApiServiceIndex services, AggregatedDiscovery remote)
{
    private const string AggregatedParameters = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    private Kept? _kept;

    /// <summary>The documents with what they were made of.</summary>
    private sealed record Kept(ResourceCatalog Catalog, ApiServiceTable Services, ImmutableDictionary<GroupVersion, RemoteVersion> Remote, DiscoverySet Documents);

    /// <summary>Null: no such path.</summary>
    public ApiResult? Handle(ApiRequest request, string path)
    {
        var documents = Current();
        if (!documents.ByPath.TryGetValue(path, out var found)) return null;
        // The server's version and the list of its paths are no objects of the API.
        if (path is "/version" or "/") return new BytesResult(found);
        var isRoot = path is "/api" or "/apis";
        var accepted = MediaTypes.Negotiate(request, Offers.Protobuf | (isRoot ? Offers.AggregatedDiscovery : Offers.None));
        if (accepted.Shape == BodyShape.AggregatedDiscovery) return Aggregated(request, accepted, path == "/api" ? documents.AggregatedCore : documents.AggregatedGroups);
        return accepted.IsPlainJson ? new BytesResult(found) : BodyEncoder.Encode(accepted, found, "v1", KindOf(path));
    }

    private static BytesResult Aggregated(ApiRequest request, AcceptedType accepted, (byte[] Body, string Tag) document)
    {
        var contentType = accepted.ContentType + AggregatedParameters;
        List<KeyValuePair<string, string>> headers = [new("ETag", document.Tag), new("Vary", "Accept"), new("Cache-Control", "public")];
        if (request.IfNoneMatch is { } known && known.Contains(document.Tag, StringComparison.Ordinal)) return new BytesResult(default) { StatusCode = 304, ContentType = contentType, Headers = headers };
        return new BytesResult(BodyEncoder.Encode(accepted, document.Body, "apidiscovery.k8s.io/v2", "APIGroupDiscoveryList").Body) { ContentType = contentType, Headers = headers };
    }

    private static string KindOf(string path) => path switch
    {
        "/api" => "APIVersions",
        "/apis" => "APIGroupList",
        _ when path.StartsWith("/api/", StringComparison.Ordinal) || path.Count(c => c == '/') == 3 => "APIResourceList",
        _ => "APIGroup",
    };

    private DiscoverySet Current()
    {
        var (catalog, table, versions) = (resources().Catalog, services.Current, remote.Versions);
        var kept = _kept;
        if (kept is not null && ReferenceEquals(kept.Catalog, catalog) && ReferenceEquals(kept.Services, table) && ReferenceEquals(kept.Remote, versions)) return kept.Documents;
        var listed = ListedVersion.Of(catalog, table, versions);
        // Most writes of APIServices (conditions, the server's own ones) change nothing here.
        var documents = kept is not null && ReferenceEquals(kept.Catalog, catalog) && kept.Documents.Versions.SequenceEqual(listed) ? kept.Documents : new DiscoverySet(catalog, listed);
        _kept = new Kept(catalog, table, versions, documents);
        return documents;
    }
}
