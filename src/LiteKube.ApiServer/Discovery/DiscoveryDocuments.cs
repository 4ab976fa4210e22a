using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Discovery;

/// <summary>
/// What the server serves, told to clients (https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api):
/// the documents per group version and the aggregated one. Made once per catalog.
/// </summary>
internal sealed class DiscoveryDocuments(Func<ResourceTable> resources)
{
    private const string AggregatedParameters = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    private DiscoverySet? _documents;

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
        var catalog = resources().Catalog;
        var documents = _documents;
        return documents is not null && ReferenceEquals(documents.Catalog, catalog) ? documents : _documents = new DiscoverySet(catalog);
    }
}
