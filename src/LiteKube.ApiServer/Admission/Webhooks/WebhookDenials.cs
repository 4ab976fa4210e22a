using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>A call of a webhook that failed: whether the request fails with it is its failure policy's to say.</summary>
/// <param name="code">The status that metrics count it under.</param>
internal sealed class WebhookFailure(string webhook, string reason, int code, Exception? innerException = null) : Exception($"failed calling webhook \"{webhook}\": {reason}", innerException)
{
    public int Code => code;
}

/// <summary>What clients are told of webhooks that refuse or fail.</summary>
internal static class WebhookDenials
{
    /// <summary>The webhook's own Status, its message marked as such. Codes that are no errors become 400.</summary>
    public static ApiException Denied(string webhook, JsonObject? status)
    {
        var deniedBy = $"admission webhook \"{webhook}\" denied the request";
        var (code, reason) = ((int)status.Long("code"), status.Str("reason"));
        var message = status.Str("message") is { Length: > 0 } said ? $"{deniedBy}: {said}" : reason.Length > 0 ? $"{deniedBy}: {reason}" : $"{deniedBy} without explanation";
        return new(code is < 400 or > 999 ? 400 : code, reason, message, status.Obj("details")?.DeepClone() as JsonObject);
    }

    public static ApiException DryRunUnsupported(string webhook) => ApiException.BadRequest($"admission webhook \"{webhook}\" does not support dry run");

    public static ApiException Internal(string message) =>
        new(500, "InternalError", $"Internal error occurred: {message}", new JsonObject { ["causes"] = new JsonArray(new JsonObject { ["message"] = message }) });
}
