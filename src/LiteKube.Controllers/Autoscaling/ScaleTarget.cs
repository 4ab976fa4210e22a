using System.Text.Json.Nodes;
using LiteKube.Client;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Autoscaling;

/// <summary>The scale subresource of what a HorizontalPodAutoscaler scales.</summary>
/// <param name="Path">Of the scale.</param>
/// <param name="SpecReplicas">As wanted.</param>
/// <param name="StatusReplicas">As seen.</param>
/// <param name="Selector">Of its pods, as text; "" when it has none.</param>
internal sealed record ScaleTarget(string Path, JsonObject Body, int SpecReplicas, int StatusReplicas, string Selector)
{
    /// <exception cref="KubeApiException">There is no such object, or it cannot be scaled.</exception>
    public static async Task<ScaleTarget> ReadAsync(IKubeTransport transport, string path, CancellationToken cancellationToken)
    {
        var body = JsonNode.Parse((await transport.GetAsync(path, cancellationToken)).Span)!.AsObject();
        return new ScaleTarget(path, body, (int?)body["spec"]?["replicas"] ?? 0, (int?)body["status"]?["replicas"] ?? 0, (string?)body["status"]?["selector"] ?? "");
    }

    /// <summary>Conflicts when somebody else has scaled it since it was read.</summary>
    public Task WriteAsync(IKubeTransport transport, int replicas, CancellationToken cancellationToken)
    {
        var body = (JsonObject)Body.DeepClone();
        if (body["spec"] is not JsonObject spec)
            body["spec"] = spec = [];
        spec["replicas"] = replicas;
        return transport.RequestAsync(new KubeRequest("PUT", Path, System.Text.Encoding.UTF8.GetBytes(body.ToJsonString()), "application/json"), cancellationToken);
    }
}
