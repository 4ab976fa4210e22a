using System.Text;
using LiteKube.Apis;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Proxy;
using LiteKube.ApiServer.Registry;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>
/// Passes requests for a group version to the server that its APIService names
/// (https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/): every verb, watches as
/// they come, upgrades as connections. Whoever asks has been authenticated and authorized here; the other server is told
/// who it is and gets nothing by which it could act as them.
/// </summary>
internal sealed class AggregationProxy(ApiServiceIndex services, IObjectReader objects, ExtensionClients clients, UpgradeRelay upgrades, TimeProvider time)
{
    private static readonly TimeSpan RequestTime = TimeSpan.FromMinutes(1);
    /// <summary>Discovery must be quick for every client's sake.</summary>
    private static readonly TimeSpan DiscoveryTime = TimeSpan.FromSeconds(5);

    private Shadow _shadow = new(null, null, false);

    private sealed record Shadow(ApiServiceTable? Services, ResourceTable? Resources, bool Any);

    /// <summary>The answer of another server to a request for a resource that this one does not have; null: nobody serves its group version.</summary>
    public ApiResult? Handle(ApiRequest request) => Handle(request, new GroupVersion(request.Info.Group, request.Info.Version));

    /// <summary>The answer to a path that is no resource: /apis/GROUP/VERSION; null: it is none of another server's.</summary>
    public ApiResult? HandlePath(ApiRequest request, string path)
    {
        return path.Split('/') switch
        {
            ["", "apis", var group, var version] => Handle(request, new GroupVersion(group, version)),
            ["", "api", var version] => Handle(request, new GroupVersion("", version)),
            _ => null,
        };
    }

    /// <summary>Whether a request for a resource of this server's own goes to another one, since an APIService says so. Two comparisons as long as there is none.</summary>
    public bool Shadows(ResourceTable resources, RequestInfo info)
    {
        var table = services.Current;
        var shadow = _shadow;
        if (!ReferenceEquals(shadow.Services, table) || !ReferenceEquals(shadow.Resources, resources))
            _shadow = shadow = new(table, resources, table.Remote.Keys.Any(resources.GroupVersions.Contains));
        return shadow.Any && table.Remote.ContainsKey(new GroupVersion(info.Group, info.Version));
    }

    public ApiResult? Handle(ApiRequest request, GroupVersion groupVersion)
    {
        if (Find(groupVersion) is not { } service) return null;
        if (!service.IsAvailable) return Unavailable();
        ExtensionClient client;
        string endpoint;
        try
        {
            client = clients.For(service.Target!);
            endpoint = client.FindEndpoint();
        }
        catch (ApiException exception)
        {
            return exception.Code == 503 ? Unavailable() : Text(exception.Code, exception.Message);
        }
        // What was authorized is what is asked: the path as this server understood it.
        var pathAndQuery = new PathString(request.Path).ToUriComponent() + request.RawQuery;
        var limit = Limit(request.Info);
        return new RelayedResult(
            request,
            (context, cancellation) => UpgradeRelay.IsUpgrade(context)
                ? UpgradeAsync(context, request, client, service.Target!, endpoint, pathAndQuery, cancellation)
                : RelayAsync(context, request, client, endpoint, pathAndQuery, limit, cancellation),
            cancellation => SendAsync(request, client, endpoint, pathAndQuery, limit, cancellation));
    }

    private ApiService? Find(GroupVersion groupVersion)
    {
        if (services.Current.TryFindRemote(groupVersion, out var known) && known.IsAvailable) return known;
        // Who watches learns of a write a moment before the index does: what is stored decides before anything is refused.
        return ApiService.Find(objects, ApiService.NameOf(groupVersion)) is { Target: not null } stored ? stored : null;
    }

    private async Task RelayAsync(HttpContext context, ApiRequest request, ExtensionClient client, string endpoint, string pathAndQuery, TimeSpan? limit, CancellationToken cancellationToken)
    {
        using var message = client.Prepare(new HttpMethod(request.Method), endpoint, pathAndQuery, request.User);
        HttpRelay.Fill(message, context, FrontProxyHeaders.Claims);
        using var deadline = new Deadline(limit, time, cancellationToken);
        HttpResponseMessage answer;
        try
        {
            answer = await client.SendAsync(message, deadline.Token);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && ExtensionClient.Problem(exception) is not null)
        {
            await WriteAsync(context, ExtensionClient.Problem(exception)!, cancellationToken);
            return;
        }
        using (answer) await HttpRelay.AnswerAsync(context, answer, null, deadline.Token);
    }

    private async Task UpgradeAsync(HttpContext context, ApiRequest request, ExtensionClient client, ExtensionTarget target, string endpoint, string pathAndQuery, CancellationToken cancellationToken)
    {
        var head = UpgradeRelay.RequestHead(context, target.ServerName, pathAndQuery, FrontProxyHeaders.Claims, FrontProxyHeaders.Of(request.User));
        BackendConnection backend;
        try
        {
            backend = await client.ConnectAsync(endpoint, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && ExtensionClient.Problem(exception) is not null)
        {
            await WriteAsync(context, ExtensionClient.Problem(exception)!, cancellationToken);
            return;
        }
        await using (backend) await upgrades.RunAsync(context, backend, endpoint, head, cancellationToken);
    }

    /// <summary>For a component of this process.</summary>
    private async Task<HttpResponseMessage> SendAsync(ApiRequest request, ExtensionClient client, string endpoint, string pathAndQuery, TimeSpan? limit, CancellationToken cancellationToken)
    {
        using var message = client.Prepare(new HttpMethod(request.Method), endpoint, pathAndQuery, request.User);
        message.Headers.TryAddWithoutValidation("Accept", request.Accept ?? ApiResult.Json);
        var body = await request.ReadBodyAsync(cancellationToken);
        if (body.Length > 0)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", request.ContentType ?? ApiResult.Json);
        }
        using var deadline = new Deadline(limit, time, cancellationToken);
        try
        {
            var answer = await client.SendAsync(message, deadline.Token);
            // Within the limit too; what has none is read as it comes.
            if (limit is not null) await answer.Content.LoadIntoBufferAsync(RelayedAnswer.MaxBodyBytes, deadline.Token);
            return answer;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && ExtensionClient.Problem(exception) is not null)
        {
            throw new ApiException(503, "ServiceUnavailable", ExtensionClient.Problem(exception)!);
        }
    }

    /// <summary>How long an answer may take; null for what is meant to last.</summary>
    private static TimeSpan? Limit(RequestInfo info) => info switch
    {
        { IsResourceRequest: false } when !info.Path.StartsWith("/openapi/", StringComparison.Ordinal) => DiscoveryTime,
        { Verb: "watch" } or { Subresource: "exec" or "attach" or "portforward" or "log" or "proxy" } => null,
        _ => RequestTime,
    };

    private static BytesResult Unavailable() => Text(503, "service unavailable");

    /// <summary>As Go's http.Error writes it; kubectl has words of its own for the code.</summary>
    private static BytesResult Text(int code, string message) => new(Encoding.UTF8.GetBytes(message + "\n"))
    {
        StatusCode = code,
        ContentType = "text/plain; charset=utf-8",
        Headers = [new("X-Content-Type-Options", "nosniff")],
    };

    private static async Task WriteAsync(HttpContext context, string problem, CancellationToken cancellationToken)
    {
        var answer = Text(503, problem);
        context.Response.StatusCode = answer.StatusCode;
        context.Response.ContentType = answer.ContentType;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.ContentLength = answer.Body.Length;
        await context.Response.Body.WriteAsync(answer.Body, cancellationToken);
    }
}
