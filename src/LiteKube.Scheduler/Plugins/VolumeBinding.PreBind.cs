using System.Buffers;
using System.Text.Json;
using k8s.Models;
using LiteKube.Apis.Nodes;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Gives the claims their volumes, and waits until they have them.</summary>
internal sealed partial class VolumeBinding
{
    public bool HasWork(CycleState state, PodInfo pod, string nodeName) => state.Find<PodVolumes>() is { Waiting.Count: > 0 };

    public async ValueTask<PluginStatus?> PreBindAsync(CycleState state, PodInfo pod, string nodeName, CancellationToken cancellationToken)
    {
        if (state.Find<PodVolumes>() is not { Waiting.Count: > 0 } volumes || !volumes.ByNode.TryGetValue(nodeName, out var found))
            return null;
        var claims = informers.Get<V1PersistentVolumeClaim>();
        var changed = new SemaphoreSlim(0);
        // Listening before asking, or the answer might be missed.
        using var handler = claims.AddHandler(new InformerHandler<V1PersistentVolumeClaim>(_ => changed.Release(), (_, _) => changed.Release(), _ => changed.Release()));
        using var timeout = new CancellationTokenSource(bindTimeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            foreach (var (claim, volume) in found.Static)
            {
                if (!VolumeMatching.IsMeantFor(volume, claim) || string.IsNullOrEmpty(volume.Spec.ClaimRef.Uid))
                    await client.PatchAsync<V1PersistentVolume>(null, volume.Metadata.Name, KubePatch.Merge(ClaimFor(volume, claim)), null, either.Token);
            }
            foreach (var claim in found.Provisioned)
            {
                if (PodClaims.Annotation(claim, PodClaims.SelectedNode) != nodeName)
                    await client.PatchAsync<V1PersistentVolumeClaim>(pod.Namespace, claim.Metadata.Name, KubePatch.Merge(SelectNode(claim, nodeName)), null, either.Token);
            }
            return await WaitAsync(volumes.Waiting, found, nodeName, claims, changed, either.Token);
        }
        catch (KubeApiException e)
        {
            return PluginStatus.Error($"binding volumes: {e.Message}");
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return PluginStatus.Error("binding volumes: context deadline exceeded");
        }
        finally
        {
            _reservations.Release(found);
        }
    }

    private async Task<PluginStatus?> WaitAsync(List<V1PersistentVolumeClaim> waiting, NodeVolumes found, string nodeName, IInformer<V1PersistentVolumeClaim> claims, SemaphoreSlim changed, CancellationToken cancellationToken)
    {
        var told = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            var all = true;
            foreach (var wanted in waiting)
            {
                if (claims.Find(ObjectKey.Of(wanted)) is not { } claim || claim.Metadata.Uid != wanted.Metadata.Uid)
                    return PluginStatus.Error($"binding volumes: persistentvolumeclaim \"{wanted.Metadata.Name}\" not found");
                if (PodClaims.IsBound(claim))
                {
                    if (WhyOutOfReach(claim, nodeName) is { } reason)
                        return PluginStatus.Error($"binding volumes: {reason}");
                    continue;
                }
                all = false;
                // A provisioner that cannot work there gives the node back; the pod is then to be placed anew.
                var isTold = PodClaims.Annotation(claim, PodClaims.SelectedNode) is not null;
                if (isTold)
                    told.Add(wanted.Metadata.Uid);
                else if (told.Contains(wanted.Metadata.Uid) && found.Provisioned.Any(other => other.Metadata.Uid == wanted.Metadata.Uid))
                    return PluginStatus.Error($"binding volumes: selectedNode annotation reset for PVC \"{wanted.Metadata.Name}\"");
            }
            if (all)
                return null;
            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>A provisioner may not have kept to the node that it was told.</summary>
    private string? WhyOutOfReach(V1PersistentVolumeClaim claim, string nodeName)
    {
        if (informers.Get<V1PersistentVolume>().Find(PodClaims.VolumeKey(claim.Spec.VolumeName))?.Spec.NodeAffinity?.Required is not { } required)
            return null;
        if (informers.Get<V1Node>().Find(new ObjectKey("", nodeName)) is not { } node)
            return $"failed to get node \"{nodeName}\": node \"{nodeName}\" not found";
        return NodeSelectors.Matches(required, node) ? null : $"pv \"{claim.Spec.VolumeName}\" node affinity doesn't match node \"{nodeName}\": no matching NodeSelectorTerms";
    }

    /// <summary>From here on no other claim gets the volume; the claim controller does the rest.</summary>
    private static ReadOnlyMemory<byte> ClaimFor(V1PersistentVolume volume, V1PersistentVolumeClaim claim) => Json(writer =>
    {
        writer.WriteStartObject("metadata");
        writer.WriteString("uid", volume.Metadata.Uid);
        writer.WriteString("resourceVersion", volume.Metadata.ResourceVersion);
        writer.WriteStartObject("annotations");
        writer.WriteString("pv.kubernetes.io/bound-by-controller", "yes");
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteStartObject("spec");
        writer.WriteStartObject("claimRef");
        writer.WriteString("apiVersion", "v1");
        writer.WriteString("kind", "PersistentVolumeClaim");
        writer.WriteString("namespace", claim.Metadata.NamespaceProperty);
        writer.WriteString("name", claim.Metadata.Name);
        writer.WriteString("uid", claim.Metadata.Uid);
        writer.WriteString("resourceVersion", claim.Metadata.ResourceVersion);
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    private static ReadOnlyMemory<byte> SelectNode(V1PersistentVolumeClaim claim, string nodeName) => Json(writer =>
    {
        writer.WriteStartObject("metadata");
        writer.WriteString("uid", claim.Metadata.Uid);
        writer.WriteStartObject("annotations");
        writer.WriteString(PodClaims.SelectedNode, nodeName);
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    private static ReadOnlyMemory<byte> Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        write(writer);
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenMemory;
    }
}
