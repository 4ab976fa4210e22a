using LiteKube.ApiServer.Discovery;
using LiteKube.ApiServer.Extensions.Aggregation;
using LiteKube.ApiServer.FlowControl;
using LiteKube.ApiServer.Metrics;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>Paths that are no resources: discovery, health, version, metrics, OpenAPI, the token issuer's documents.</summary>
internal sealed class NonResourceEndpoints(
    DiscoveryDocuments discovery, OpenApiEndpoint openApi, HealthEndpoints health, ServerMetrics metrics, FlowDump flows, IReadOnlyDictionary<string, StaticDocument> documents, AggregationProxy aggregation)
{
    public ValueTask<ApiResult> HandleAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        if (request.Method is not ("GET" or "HEAD")) throw new UnknownPathException();
        return ValueTask.FromResult(Handle(request));
    }

    private ApiResult Handle(ApiRequest request)
    {
        var path = request.Path;
        var trimmed = path.Length > 1 ? path.TrimEnd('/') : path;
        if (documents.TryGetValue(trimmed, out var document))
            return new BytesResult(document.Body) { ContentType = document.ContentType, Headers = [new("Cache-Control", document.CacheControl)] };
        if (trimmed is "/metrics") return new BytesResult(metrics.Write()) { ContentType = ServerMetrics.ContentType };
        if (health.Handle(request, trimmed) is { } answer) return answer;
        if (flows.Handle(request, trimmed) is { } dump) return dump;
        if (trimmed.StartsWith("/openapi/", StringComparison.Ordinal)) return openApi.Handle(request, trimmed);
        return discovery.Handle(request, trimmed) ?? aggregation.HandlePath(request, trimmed) ?? throw new UnknownPathException();
    }
}

internal sealed record StaticDocument(ReadOnlyMemory<byte> Body, string ContentType, string CacheControl);
