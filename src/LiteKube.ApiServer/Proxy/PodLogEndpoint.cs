using System.Net.WebSockets;
using System.Text;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Proxy;

/// <summary>pods/log: the kubelet's file as a stream, or as WebSocket frames for clients that ask so.</summary>
internal sealed class PodLogEndpoint(NodeLocator nodes, HttpRelay relay, BackendConnector connector) : ISubresource
{
    private const int FrameBytes = 16 * 1024;

    private static readonly string[] Parameters = ["follow", "previous", "timestamps", "sinceSeconds", "sinceTime", "tailLines", "limitBytes", "stream"];

    public ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var info = request.Info;
        Validate(request);
        var pod = nodes.Pod(info.Namespace, info.Name);
        var container = NodeLocator.Container(pod, request.Query.Get("container"));
        var target = nodes.KubeletOf(pod);
        var path = $"/containerLogs/{info.Namespace}/{info.Name}/{container}{Query(request)}";
        return ValueTask.FromResult<ApiResult>(new ConnectResult(request, (context, cancellation) => UpgradeRelay.IsUpgrade(context)
            ? SendFramesAsync(context, target, path, cancellation)
            : relay.RunAsync(context, target, path, null, cancellation, CheckAsync)));
    }

    private static void Validate(ApiRequest request)
    {
        var errors = new FieldErrors();
        foreach (var name in (ReadOnlySpan<string>)["sinceSeconds", "tailLines", "limitBytes"])
        {
            var least = name == "tailLines" ? 0 : 1;
            if (request.Query.Number(name) is { } number && number < least)
                errors.Invalid(FieldPath.Of(name), number, least == 0 ? "must be greater than or equal to 0" : "must be greater than 0");
        }
        if (request.Query.Has("sinceSeconds") && request.Query.Has("sinceTime"))
            errors.Forbidden(FieldPath.Of("sinceSeconds"), "at most one of `sinceTime` or `sinceSeconds` may be specified");
        if (errors.Count > 0) throw ApiException.Invalid(new("", "v1", "PodLogOptions"), request.Info.Name, errors);
    }

    /// <summary>The kubelet says in plain text why there is no log (the container waits to start, and for what); clients take such words from a Status only.</summary>
    private static async Task CheckAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.IsSuccessStatusCode) return;
        var why = await answer.Content.ReadAsStringAsync(cancellationToken);
        throw (int)answer.StatusCode switch
        {
            400 => ApiException.BadRequest(why),
            404 => new ApiException(404, "NotFound", why),
            503 => new ApiException(503, "ServiceUnavailable", why),
            _ => ApiException.Internal(why),
        };
    }

    private static string Query(ApiRequest request)
    {
        var query = new StringBuilder();
        foreach (var name in Parameters)
        {
            if (request.Query.Get(name) is { } value) query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        }
        return query.ToString();
    }

    /// <summary>binary.k8s.io: the log in binary frames; base64.binary.k8s.io: in text frames.</summary>
    private async Task SendFramesAsync(HttpContext context, ProxyTarget target, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{target}{path}");
        using var answer = await connector.ClientFor(target).SendAsync(request, cancellationToken);
        await CheckAsync(answer, cancellationToken);

        var protocol = WebSocketUpgrade.Protocols(context).FirstOrDefault(p => p is "binary.k8s.io" or "base64.binary.k8s.io");
        using var socket = await WebSocketUpgrade.AcceptAsync(context, protocol);
        var isText = socket.SubProtocol is "base64.binary.k8s.io";
        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[FrameBytes];
        int count;
        while ((count = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            var frame = isText ? Encoding.ASCII.GetBytes(Convert.ToBase64String(buffer, 0, count)) : buffer.AsMemory(0, count);
            await socket.SendAsync(frame, isText ? WebSocketMessageType.Text : WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        }
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
    }
}
