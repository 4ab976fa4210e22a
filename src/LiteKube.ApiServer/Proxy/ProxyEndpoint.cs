using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LiteKube.ApiServer.Proxy;

/// <summary>pods/proxy, services/proxy and nodes/proxy (https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls).</summary>
internal sealed class ProxyEndpoint(ProxyTargets targets, HttpRelay relay, UpgradeRelay upgrades, AdmissionRunner admission) : ISubresource
{
    public async ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var asked = RequestInfoParser.PathAfterSubresource(request.Path, request.Info);
        var options = await admission.AdmitAsync(WriteEndpoints.AdmissionFor(request, resource, isConnect: true), AdmissionOperation.Connect, ConnectOptions.Read(request, resource.Info, asked), null, cancellationToken);
        var target = targets.Find(request.Info);
        var other = options.Str("path") is var path && path != asked ? path : null;
        return new ConnectResult(request, (context, cancellation) => RunAsync(context, request, target, other, cancellation));
    }

    /// <param name="other">The path that admission put in place of the one asked for; null: it left it.</param>
    private async Task RunAsync(HttpContext context, ApiRequest request, ProxyTarget target, string? other, CancellationToken cancellationToken)
    {
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var question = raw.IndexOf('?', StringComparison.Ordinal);
        var (rawPath, query) = question < 0 ? (raw, "") : (raw[..question], raw[question..]);
        var rest = RequestInfoParser.PathAfterSubresource(rawPath, request.Info);
        if (other is null && rest.Length == 0 && request.Method is "GET" or "HEAD" && !UpgradeRelay.IsUpgrade(context))
        {
            // Relative links on the page need the slash.
            context.Response.StatusCode = 301;
            context.Response.Headers.Location = rawPath + "/" + query;
            return;
        }
        var path = (other is not null ? "/" + string.Join('/', other.TrimStart('/').Split('/').Select(Uri.EscapeDataString)) : rest.Length == 0 ? "/" : rest) + query;
        if (UpgradeRelay.IsUpgrade(context)) await upgrades.RunAsync(context, target, path, cancellationToken);
        else await relay.RunAsync(context, target, path, rest.Length == 0 ? rawPath : rawPath[..^rest.Length], cancellationToken);
    }
}
