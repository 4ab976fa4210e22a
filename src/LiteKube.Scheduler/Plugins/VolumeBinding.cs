using System.Buffers;
using System.Text.Json;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>
/// A pod's claims are bound, to volumes that its node can reach. Claims of a class that waits for the first consumer
/// are handed to their provisioner with the chosen node, and the pod is bound once they are.
/// </summary>
internal sealed class VolumeBinding(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider)
    : IPreFilterPlugin, IFilterPlugin, IPreBindPlugin, IEnqueueExtensions
{
    private const string BindCompleted = "pv.kubernetes.io/bind-completed";
    private const string SelectedNode = "volume.kubernetes.io/selected-node";
    private const string NoProvisioner = "kubernetes.io/no-provisioner";
    private static readonly TimeSpan BindTimeout = TimeSpan.FromMinutes(10);
    private static readonly PluginStatus Unbound = PluginStatus.Unresolvable("pod has unbound immediate PersistentVolumeClaims");
    private static readonly PluginStatus OutOfReach = PluginStatus.Unresolvable("node(s) didn't match PersistentVolume's node affinity");
    private static readonly PluginStatus NoVolume = PluginStatus.Unresolvable("node(s) didn't find available persistent volumes to bind");

    public string Name => "VolumeBinding";

    public ClusterEvent Events => ClusterEvent.PersistentVolumeClaim | ClusterEvent.PersistentVolume | ClusterEvent.StorageClass | ClusterEvent.NodeAdd | ClusterEvent.NodeLabel;

    public PluginStatus? PreFilter(CycleState state, PodInfo pod, Snapshot snapshot, out IReadOnlySet<string>? nodeNames)
    {
        nodeNames = null;
        var volumes = new PodVolumes();
        foreach (var (claimName, isEphemeral) in Claims(pod.Pod))
        {
            if (Add(pod, claimName, isEphemeral, volumes) is { } status)
                return status;
        }
        if (volumes.Bound.Count == 0 && volumes.Waiting.Count == 0)
            return PluginStatus.Skip;
        state.Set(volumes);
        return null;
    }

    public PluginStatus? Filter(CycleState state, PodInfo pod, NodeInfo node)
    {
        var volumes = state.Get<PodVolumes>();
        foreach (var volume in volumes.Bound)
        {
            if (volume.Spec.NodeAffinity?.Required is { } required && !NodeSelectors.Matches(required, node.Node!))
                return OutOfReach;
        }
        foreach (var (claim, storageClass) in volumes.Waiting)
        {
            // A provisioner that has begun on another node keeps the pod there.
            if (Annotation(claim, SelectedNode) is { } selected && selected != node.Name)
                return OutOfReach;
            if (storageClass.Provisioner == NoProvisioner)
                return NoVolume;
            if (storageClass.AllowedTopologies is { Count: > 0 } topologies && !topologies.Any(term => Allows(term, node)))
                return NoVolume;
        }
        return null;
    }

    public async ValueTask<PluginStatus?> PreBindAsync(CycleState state, PodInfo pod, string nodeName, CancellationToken cancellationToken)
    {
        if (state.Find<PodVolumes>() is not { Waiting.Count: > 0 } volumes)
            return null;
        var claims = informers.Get<V1PersistentVolumeClaim>();
        var changed = new SemaphoreSlim(0);
        using var handler = claims.AddHandler(new InformerHandler<V1PersistentVolumeClaim>(_ => changed.Release(), (_, _) => changed.Release(), _ => changed.Release()));
        foreach (var (claim, _) in volumes.Waiting)
        {
            if (Annotation(claim, SelectedNode) != nodeName)
                await client.PatchAsync<V1PersistentVolumeClaim>(pod.Namespace, claim.Metadata.Name, KubePatch.Merge(SelectNode(claim, nodeName)), null, cancellationToken);
        }
        using var timeout = new CancellationTokenSource(BindTimeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            while (!volumes.Waiting.All(entry => claims.Find(ObjectKey.Of(entry.Claim)) is { } claim && IsBound(claim)))
            {
                await changed.WaitAsync(either.Token);
                // A provisioner that cannot work there gives the node back; the pod is then to be placed anew.
                if (volumes.Waiting.Any(entry => claims.Find(ObjectKey.Of(entry.Claim)) is not { } claim || (!IsBound(claim) && IsGivenBack(claim, entry.Claim))))
                    return PluginStatus.Error("provisioning failed for the selected node; the pod is placed anew");
            }
            return null;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return PluginStatus.Error($"binding volumes: no volume within {BindTimeout.TotalMinutes} minutes; see the events of the pod's PersistentVolumeClaims");
        }
    }

    private PluginStatus? Add(PodInfo pod, string claimName, bool isEphemeral, PodVolumes volumes)
    {
        var claim = informers.Get<V1PersistentVolumeClaim>().Find(new ObjectKey(pod.Namespace, claimName));
        if (claim is null)
            return PluginStatus.Unresolvable(isEphemeral ? $"waiting for ephemeral volume controller to create the persistentvolumeclaim \"{claimName}\"" : $"persistentvolumeclaim \"{claimName}\" not found");
        if (isEphemeral && claim.Metadata.OwnerReferences?.Any(owner => owner.Controller == true && owner.Uid == pod.Uid) != true)
            return PluginStatus.Unresolvable($"PVC {pod.Namespace}/{claimName} was not created for pod {pod.Key} (pod is not owner)");
        if (claim.Status?.Phase == "Lost")
            return PluginStatus.Unresolvable($"persistentvolumeclaim \"{claimName}\" bound to non-existent persistentvolume \"{claim.Spec.VolumeName}\"");
        if (claim.Metadata.DeletionTimestamp is not null)
            return PluginStatus.Unresolvable($"persistentvolumeclaim \"{claimName}\" is being deleted");
        if (IsBound(claim))
        {
            if (informers.Get<V1PersistentVolume>().Find(new ObjectKey("", claim.Spec.VolumeName)) is not { } volume)
                return PluginStatus.Unresolvable($"persistentvolume \"{claim.Spec.VolumeName}\" not found");
            volumes.Bound.Add(volume);
            return null;
        }
        var storageClass = string.IsNullOrEmpty(claim.Spec.StorageClassName) ? null : informers.Get<V1StorageClass>().Find(new ObjectKey("", claim.Spec.StorageClassName));
        // With a volume named the claim controller is about to bind it; any mode waits for that.
        if (!string.IsNullOrEmpty(claim.Spec.VolumeName) || storageClass?.VolumeBindingMode != "WaitForFirstConsumer")
            return Unbound;
        volumes.Waiting.Add((claim, storageClass));
        return null;
    }

    private static IEnumerable<(string Name, bool IsEphemeral)> Claims(V1Pod pod)
    {
        foreach (var volume in pod.Spec.Volumes ?? [])
        {
            if (volume.PersistentVolumeClaim is { } claim)
                yield return (claim.ClaimName, false);
            else if (volume.Ephemeral is not null)
                yield return ($"{pod.Metadata.Name}-{volume.Name}", true);
        }
    }

    private static bool IsBound(V1PersistentVolumeClaim claim) => !string.IsNullOrEmpty(claim.Spec.VolumeName) && Annotation(claim, BindCompleted) is not null;

    private static bool IsGivenBack(V1PersistentVolumeClaim now, V1PersistentVolumeClaim before) =>
        now.Metadata.ResourceVersion != before.Metadata.ResourceVersion && Annotation(now, SelectedNode) is null;

    private static string? Annotation(V1PersistentVolumeClaim claim, string name) =>
        claim.Metadata.Annotations is { } annotations && annotations.TryGetValue(name, out var value) ? value : null;

    private static bool Allows(V1TopologySelectorTerm term, NodeInfo node) =>
        (term.MatchLabelExpressions ?? []).All(requirement => node.Label(requirement.Key) is { } value && requirement.Values.Contains(value));

    private static ReadOnlyMemory<byte> SelectNode(V1PersistentVolumeClaim claim, string nodeName)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        writer.WriteStartObject("metadata");
        writer.WriteString("uid", claim.Metadata.Uid);
        writer.WriteStartObject("annotations");
        writer.WriteString(SelectedNode, nodeName);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenMemory;
    }

    private sealed class PodVolumes
    {
        public List<V1PersistentVolume> Bound { get; } = [];
        public List<(V1PersistentVolumeClaim Claim, V1StorageClass Class)> Waiting { get; } = [];
    }
}
