using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Volumes;

/// <summary>Makes the claims of pods' ephemeral volumes (https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes). Keyed by pod.</summary>
internal sealed class EphemeralVolumeController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider) : IReconciler
{
    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>();
    private readonly IInformer<V1PersistentVolumeClaim> _claims = informers.Get<V1PersistentVolumeClaim>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("ephemeral-volume", this, loggers, timeProvider, workers: 5);
        runner.Watch(_pods, pod => pod.Spec?.Volumes?.Any(v => v.Ephemeral is not null) == true ? [ObjectKey.Of(pod)] : []);
        // One that was deleted is made anew.
        return runner.Watch(_claims, new InformerHandler<V1PersistentVolumeClaim>(OnDelete: claim =>
        {
            if (claim.Controller() is { Kind: "Pod" } owner)
                runner.Queue.Add(new ObjectKey(claim.Metadata.NamespaceProperty, owner.Name));
        }));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_pods.Find(key) is not { } pod || pod.IsTerminating())
            return ReconcileResult.Done;
        foreach (var volume in pod.Spec.Volumes?.Where(v => v.Ephemeral is not null) ?? [])
        {
            try
            {
                await EnsureAsync(pod, volume, cancellationToken);
            }
            catch (KubeApiException e) when (!e.IsNamespaceTerminating())
            {
                events.Warning(pod, "FailedBinding", $"ephemeral volume {volume.Name}: {e.Message}");
                throw;
            }
        }
        return ReconcileResult.Done;
    }

    private async Task EnsureAsync(V1Pod pod, V1Volume volume, CancellationToken cancellationToken)
    {
        var name = ClaimUsers.EphemeralClaimName(pod, volume);
        if (_claims.Find(pod.Metadata.NamespaceProperty, name) is { } known)
        {
            RequireOwner(pod, volume, known);
            return;
        }
        var template = KubeJson.Clone(volume.Ephemeral.VolumeClaimTemplate);
        var claim = new V1PersistentVolumeClaim
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = pod.Metadata.NamespaceProperty,
                Labels = template.Metadata?.Labels,
                Annotations = template.Metadata?.Annotations,
                OwnerReferences = [Owners.ReferenceTo(pod, "v1", "Pod")],
            },
            Spec = template.Spec,
        };
        try
        {
            await client.CreateAsync(claim, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsAlreadyExists)
        {
            RequireOwner(pod, volume, await client.GetAsync<V1PersistentVolumeClaim>(pod.Metadata.NamespaceProperty, name, cancellationToken));
        }
    }

    /// <summary>A claim of that name which somebody else made is not the pod's to use.</summary>
    private void RequireOwner(V1Pod pod, V1Volume volume, V1PersistentVolumeClaim claim)
    {
        if (!claim.IsControlledBy(pod))
            events.Warning(pod, "FailedBinding", $"ephemeral volume {volume.Name}: PVC {ObjectKey.Of(claim)} was not created for pod {ObjectKey.Of(pod)} (pod is not owner)");
    }
}
