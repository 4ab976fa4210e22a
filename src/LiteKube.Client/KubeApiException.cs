using k8s.Models;

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
}
