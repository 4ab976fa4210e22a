using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Proxy;

/// <summary>pods/exec, pods/attach and pods/portforward: relayed to the kubelet of the pod's node.</summary>
internal sealed class PodStreamEndpoint(NodeLocator nodes, UpgradeRelay relay, AdmissionRunner admission, IAuthorizer authorizer) : ISubresource
{
    public async ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var info = request.Info;
        // A WebSocket must come as GET: reading alone does not earn the right to run something.
        if (info.Verb == "get") Require(request.User, info with { Verb = "create" });
        var options = await admission.AdmitAsync(WriteEndpoints.AdmissionFor(request, resource, isConnect: true), AdmissionOperation.Connect, ConnectOptions.Read(request, resource.Info), null, cancellationToken);
        var pod = nodes.Pod(info.Namespace, info.Name);
        var target = nodes.KubeletOf(pod);
        var path = info.Subresource == "portforward"
            ? $"/portForward/{info.Namespace}/{info.Name}{PortsQuery(options)}"
            : $"/{info.Subresource}/{info.Namespace}/{info.Name}/{NodeLocator.Container(pod, options.StrOrNull("container"))}{CommandQuery(options, info)}";
        return new ConnectResult(request, (context, cancellation) =>
        {
            if (!UpgradeRelay.IsUpgrade(context)) throw ApiException.BadRequest("Upgrade request required");
            return relay.RunAsync(context, target, path, cancellation);
        });
    }

    /// <summary>The kubelet has its own names for the streams.</summary>
    private static string CommandQuery(JsonObject options, RequestInfo info)
    {
        var query = new StringBuilder();
        foreach (var (ours, theirs) in (ReadOnlySpan<(string, string)>)[("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty")])
        {
            if (options.Bool(ours)) Append(query, theirs, "1");
        }
        if (query.Length == 0) throw ApiException.BadRequest("you must specify at least one of stdin, stdout, stderr");
        if (info.Subresource == "exec")
        {
            var command = options.Strings("command").ToList();
            if (command.Count == 0) throw ApiException.BadRequest("you must specify at least 1 command for the container");
            foreach (var word in command) Append(query, "command", word);
        }
        return query.ToString();
    }

    private static string PortsQuery(JsonObject options)
    {
        var query = new StringBuilder();
        foreach (var port in options.Strings("ports")) Append(query, "ports", port);
        return query.ToString();
    }

    private static void Append(StringBuilder query, string name, string value) => query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));

    private void Require(UserInfo user, RequestInfo info)
    {
        var decision = authorizer.Authorize(user, info);
        if (!decision.Allowed) throw ForbiddenStatus.For(user, info, decision.Reason);
    }
}
