using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Client.Events;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.PodWorkers;
using LiteKube.Kubelet.Runtime;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Images;

/// <summary>Brings a container's image onto the node by its pull policy (https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy).</summary>
internal sealed class ImagePuller(IRuntime runtime, PullSecrets secrets, IEventRecorder events, TimeProvider timeProvider, ILogger<ImagePuller> logger)
{
    private const int ParallelPulls = 4;

    /// <summary>How long the error itself is the container's reason, before it says that it is backed off.</summary>
    private static readonly TimeSpan ErrorShown = TimeSpan.FromSeconds(3);

    private readonly RestartBackoff _backoff = new();
    private readonly ConcurrentDictionary<string, string> _lastErrors = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _parallel = new(ParallelPulls);

    /// <summary>The image, once it is there.</summary>
    /// <param name="aboutToPull">Called before a pull, which may take long.</param>
    /// <exception cref="StartException">ErrImagePull, ImagePullBackOff, ErrImageNeverPull, InvalidImageName or ImageInspectError.</exception>
    public async Task<Image> EnsureAsync(V1Pod pod, V1Container container, PodSandboxConfig sandbox, Action aboutToPull, CancellationToken cancellationToken)
    {
        var about = ContainerEvents.Reference(pod, container.Name);
        if (!ImageReference.TryWithDefaultTag(container.Image ?? "", out var name, out var error))
        {
            var message = $"Failed to apply default image tag \"{container.Image}\": couldn't parse image name \"{container.Image}\": {error}";
            events.Record(about, EventTypes.Warning, "InspectFailed", message);
            throw new StartException("InvalidImageName", message);
        }

        var image = await InspectAsync(about, container, name, cancellationToken);
        var always = container.ImagePullPolicy == "Always" || (string.IsNullOrEmpty(container.ImagePullPolicy) && name.EndsWith(":latest", StringComparison.Ordinal));
        if (image is not null && !always)
        {
            events.Record(about, EventTypes.Normal, "Pulled", $"Container image \"{container.Image}\" already present on machine and can be accessed by the pod");
            return image;
        }
        if (container.ImagePullPolicy == "Never")
        {
            var message = $"Container image \"{container.Image}\" is not present with pull policy of Never";
            events.Record(about, EventTypes.Warning, "ErrImageNeverPull", message);
            throw new StartException("ErrImageNeverPull", message);
        }
        return await PullAsync(pod, container, name, sandbox, aboutToPull, cancellationToken);
    }

    public void Forget(string podUid)
    {
        _backoff.Forget(podUid + "_");
        foreach (var key in _lastErrors.Keys.Where(k => k.StartsWith(podUid + "_", StringComparison.Ordinal)))
            _lastErrors.TryRemove(key, out _);
    }

    private async Task<Image?> InspectAsync(V1ObjectReference about, V1Container container, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await runtime.ImageStatusAsync(name, cancellationToken);
        }
        catch (RuntimeException exception) when (exception.Error != RuntimeError.Unavailable)
        {
            var message = $"Failed to inspect image \"{container.Image}\": {exception.RpcText}";
            events.Record(about, EventTypes.Warning, "InspectFailed", message);
            throw new StartException("ImageInspectError", message, inner: exception);
        }
    }

    private async Task<Image> PullAsync(V1Pod pod, V1Container container, string name, PodSandboxConfig sandbox, Action aboutToPull, CancellationToken cancellationToken)
    {
        var about = ContainerEvents.Reference(pod, container.Name);
        var key = $"{pod.Metadata.Uid}_{container.Image}";
        if (_backoff.WaitFor(key, null, timeProvider.GetUtcNow()) is { } wait)
        {
            var backOff = $"Back-off pulling image \"{container.Image}\"";
            events.Record(about, EventTypes.Normal, "BackOff", backOff);
            throw new StartException("ImagePullBackOff", _lastErrors.TryGetValue(key, out var last) ? $"{backOff}: {last}" : backOff, wait.Remaining);
        }

        aboutToPull();
        events.Record(about, EventTypes.Normal, "Pulling", $"Pulling image \"{container.Image}\"");
        var queued = timeProvider.GetTimestamp();
        await _parallel.WaitAsync(cancellationToken);
        try
        {
            var started = timeProvider.GetTimestamp();
            var reference = await PullWithSecretsAsync(pod, name, sandbox, cancellationToken);
            var took = timeProvider.GetElapsedTime(started);
            var image = await runtime.ImageStatusAsync(name, cancellationToken) ?? new Image { Id = reference };
            _lastErrors.TryRemove(key, out _);
            events.Record(about, EventTypes.Normal, "Pulled",
                $"Successfully pulled image \"{container.Image}\" in {GoText.Duration(took)} ({GoText.Duration(timeProvider.GetElapsedTime(queued))} including waiting). Image size: {image.Size} bytes.");
            return image;
        }
        catch (RuntimeException exception)
        {
            var now = timeProvider.GetUtcNow();
            _backoff.Next(key, now, now);
            _lastErrors[key] = $"ErrImagePull: {exception.RpcText}";
            PullLog.PullFailed(logger, name, PodSpecs.Describe(pod), exception.Message);
            events.Record(about, EventTypes.Warning, "Failed", $"Failed to pull image \"{container.Image}\": {exception.RpcText}");
            throw new StartException("ErrImagePull", exception.RpcText, ErrorShown, exception);
        }
        finally
        {
            _parallel.Release();
        }
    }

    private async Task<string> PullWithSecretsAsync(V1Pod pod, string name, PodSandboxConfig sandbox, CancellationToken cancellationToken)
    {
        var candidates = await secrets.FindAsync(pod, name, cancellationToken);
        for (var i = 0; i < candidates.Count; i++)
        {
            try
            {
                return await runtime.PullImageAsync(name, candidates[i], sandbox, cancellationToken);
            }
            catch (RuntimeException exception) when (i + 1 < candidates.Count)
            {
                PullLog.SecretRefused(logger, name, exception.Message);
            }
        }
        return await runtime.PullImageAsync(name, null, sandbox, cancellationToken);
    }
}

internal static partial class PullLog
{
    [LoggerMessage(EventId = 3101, Level = LogLevel.Warning, Message = "Pulling {Image} for {Pod} failed: {Reason}")]
    public static partial void PullFailed(ILogger logger, string image, string pod, string reason);

    [LoggerMessage(EventId = 3102, Level = LogLevel.Information, Message = "Pulling {Image} with one of its pull secrets failed, the next is tried: {Reason}")]
    public static partial void SecretRefused(ILogger logger, string image, string reason);

    [LoggerMessage(EventId = 3103, Level = LogLevel.Information, Message = "Image pull secret {Namespace}/{Name} is not there")]
    public static partial void SecretMissing(ILogger logger, string @namespace, string name);

    [LoggerMessage(EventId = 3104, Level = LogLevel.Warning, Message = "Image pull secret {Namespace}/{Name} cannot be read: {Reason}")]
    public static partial void SecretUnreadable(ILogger logger, string @namespace, string name, string reason);
}
