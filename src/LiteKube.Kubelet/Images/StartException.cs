namespace LiteKube.Kubelet.Images;

/// <summary>A container cannot start now. It waits with this reason and message, and is tried again.</summary>
/// <param name="reason">As in the container's state: ErrImagePull, ImagePullBackOff, CreateContainerError, CrashLoopBackOff, ...</param>
/// <param name="retryAfter">When the next try makes sense; null leaves it to the worker.</param>
internal sealed class StartException(string reason, string message, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(message, inner)
{
    public string Reason { get; } = reason;
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
