using System.Text;
using System.Text.Json;
using k8s.Models;
using LiteKube.Client.Json;

namespace LiteKube.Client;

/// <summary>The API server answered with a Status.</summary>
public sealed class KubeApiException(V1Status status) : Exception(status.Message ?? status.Reason ?? "the API server gave no reason")
{
    public V1Status Status { get; } = status;
    public int Code => Status.Code ?? 500;
    /// <summary>Kubernetes' reason: NotFound, AlreadyExists, Conflict, Invalid, Forbidden, Expired, ...</summary>
    public string Reason => Status.Reason ?? "";

    public bool IsNotFound => Reason == "NotFound";
    public bool IsAlreadyExists => Reason == "AlreadyExists";
    public bool IsConflict => Reason == "Conflict";
    public bool IsInvalid => Reason == "Invalid";
    public bool IsForbidden => Reason == "Forbidden";
    public bool IsGone => Reason is "Expired" or "Gone";

    /// <summary>From an answer of 400 or more; a body that is no Status becomes the message.</summary>
    public static KubeApiException From(KubeResponse response)
    {
        V1Status? status = null;
        try
        {
            status = KubeJson.Deserialize<V1Status>(response.Body.Span);
        }
        catch (JsonException)
        {
            // A proxy or a server that is not Kubernetes answered; what it said is the best message there is.
            status = new V1Status { Message = Encoding.UTF8.GetString(response.Body.Span) };
        }
        status.Code ??= response.StatusCode;
        if (string.IsNullOrEmpty(status.Reason))
            status.Reason = ReasonOf(response.StatusCode);
        if (string.IsNullOrEmpty(status.Message))
            status.Message = $"the server answered with status {response.StatusCode}";
        return new KubeApiException(status);
    }

    private static string ReasonOf(int code) => code switch
    {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        410 => "Gone",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
}
