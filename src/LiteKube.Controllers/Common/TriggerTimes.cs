using System.Collections.Concurrent;
using System.Globalization;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Controllers.Common;

/// <summary>
/// When that happened which the next write of a Service's endpoints tells of: the earliest change of a pod's readiness
/// or of the Service since the last look. Published by annotation, it measures how long programming the network takes.
/// </summary>
internal sealed class TriggerTimes
{
    private readonly ConcurrentDictionary<ObjectKey, State> _services = new();

    /// <returns>RFC 3339, or null when nothing that has a time changed.</returns>
    public string? Next(V1Service service, IEnumerable<V1Pod> pods)
    {
        var key = ObjectKey.Of(service);
        var now = new State(service.Metadata.CreationTimestamp, pods.Where(p => ReadySince(p) is not null).ToDictionary(p => p.Metadata.Uid, p => ReadySince(p)!.Value, StringComparer.Ordinal));
        _services.TryGetValue(key, out var before);
        _services[key] = now;
        var changes = now.Pods.Where(pair => before is null || !before.Pods.TryGetValue(pair.Key, out var old) || old < pair.Value).Select(pair => pair.Value);
        if (now.Created is { } created && before?.Created != created)
            changes = changes.Append(created.ToUniversalTime());
        return changes.Order().Select(time => (DateTime?)time).FirstOrDefault()?.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
    }

    public void Forget(ObjectKey service) => _services.TryRemove(service, out _);

    private static DateTime? ReadySince(V1Pod pod) => pod.ReadyCondition()?.LastTransitionTime?.ToUniversalTime();

    private sealed record State(DateTime? Created, Dictionary<string, DateTime> Pods);
}
