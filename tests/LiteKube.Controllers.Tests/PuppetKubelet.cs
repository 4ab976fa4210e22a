using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.DaemonSets;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests;

internal enum PodMood
{
    Ready,
    Unready,
    Failed,

    /// <summary>Bound and no more.</summary>
    Idle,
}

/// <summary>Scheduler and kubelet of pods without containers: binds each at once and then shows what the test wants of it.</summary>
internal sealed class PuppetKubelet(IKubeClient admin, ISharedInformers informers) : IReconciler
{
    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>();
    private readonly ConcurrentDictionary<string, PodMood> _moods = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, PodMood> _imageMoods = new(StringComparer.Ordinal);
    private ControllerRunner? _runner;

    /// <summary>Of pods that have no mood of their own.</summary>
    public PodMood Mood { get; set; } = PodMood.Ready;

    /// <summary>Where pods go that do not say it themselves.</summary>
    public string Node { get; set; } = "node-1";

    /// <summary>Pods that are being deleted stay until this is true again and <see cref="Refresh"/> is called.</summary>
    public bool LetsGo { get; set; } = true;

    public ControllerRunner CreateRunner() => _runner = new ControllerRunner("puppet-kubelet", this, NullLoggerFactory.Instance, TimeProvider.System).Watch(_pods);

    /// <summary>Of the pod that has this name now or later.</summary>
    public void Set(string pod, PodMood mood)
    {
        _moods[pod] = mood;
        Refresh();
    }

    /// <summary>Of all pods of an image, but for those that have a mood by name.</summary>
    public void SetImage(string image, PodMood mood)
    {
        _imageMoods[image] = mood;
        Refresh();
    }

    public void Refresh()
    {
        foreach (var pod in _pods.List())
            _runner!.Queue.Add(ObjectKey.Of(pod));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_pods.Find(key) is not { } pod)
            return ReconcileResult.Done;
        try
        {
            await ActAsync(key, pod, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // It changed or went; what it is now comes as an event.
        }
        return ReconcileResult.Done;
    }

    private async Task ActAsync(ObjectKey key, V1Pod pod, CancellationToken cancellationToken)
    {
        if (pod.Metadata.DeletionTimestamp is not null)
        {
            if (LetsGo)
                await admin.DeleteAsync<V1Pod>(key.Namespace, key.Name, new DeleteOptions(GracePeriodSeconds: 0, PreconditionUid: pod.Metadata.Uid), cancellationToken);
            return;
        }
        if (string.IsNullOrEmpty(pod.Spec.NodeName))
        {
            var binding = $$$"""{"apiVersion":"v1","kind":"Binding","metadata":{"name":"{{{key.Name}}}"},"target":{"kind":"Node","name":"{{{DaemonPods.TargetNode(pod) ?? Node}}}"}}""";
            await admin.CreateSubresourceAsync<V1Pod>(key.Namespace, key.Name, "binding", Encoding.UTF8.GetBytes(binding), cancellationToken);
            return;
        }
        var mood = _moods.GetValueOrDefault(key.Name, _imageMoods.GetValueOrDefault(pod.Spec.Containers[0].Image, Mood));
        if (mood == PodMood.Idle || pod.Status?.Phase is "Failed" or "Succeeded")
            return;
        var phase = mood == PodMood.Failed ? "Failed" : "Running";
        var ready = mood == PodMood.Ready ? "True" : "False";
        if (pod.Status?.Phase == phase && pod.Status.Conditions?.Any(c => c.Type == "Ready" && c.Status == ready) == true)
            return;
        var now = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var patch = $$$"""{"metadata":{"uid":"{{{pod.Metadata.Uid}}}"},"status":{"phase":"{{{phase}}}","conditions":[{"type":"Ready","status":"{{{ready}}}","lastTransitionTime":"{{{now}}}"}]}}""";
        await admin.PatchAsync<V1Pod>(key.Namespace, key.Name, KubePatch.StrategicMerge(Encoding.UTF8.GetBytes(patch)), "status", cancellationToken);
    }
}
