using k8s;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Queues;

namespace LiteKube.Controllers.Common;

/// <summary>Creates and deletes the pods of an owner, tells of it in events, and keeps the expectations right when it fails.</summary>
internal sealed class PodControl(IKubeClient client, IEventRecorder events, TimeProvider timeProvider)
{
    /// <summary>Of the owners' keys: what was done to their pods and has not come back yet.</summary>
    public Expectations Expectations { get; } = new(timeProvider);

    public static V1Pod FromTemplate(V1PodTemplateSpec template, IKubernetesObject<V1ObjectMeta> owner, string apiVersion, string kind) => new()
    {
        ApiVersion = "v1",
        Kind = "Pod",
        Metadata = new V1ObjectMeta
        {
            GenerateName = PodTemplates.GenerateNamePrefix(owner.Metadata.Name),
            NamespaceProperty = owner.Metadata.NamespaceProperty,
            Labels = template.Metadata?.Labels is { } labels ? new Dictionary<string, string>(labels) : null,
            Annotations = template.Metadata?.Annotations,
            Finalizers = template.Metadata?.Finalizers,
            OwnerReferences = [Owners.ReferenceTo(owner, apiVersion, kind)],
        },
        Spec = template.Spec,
    };

    public async Task CreateAsync(IKubernetesObject<V1ObjectMeta> owner, V1Pod pod, CancellationToken cancellationToken)
    {
        try
        {
            var created = await client.CreateAsync(pod, cancellationToken);
            events.Normal(owner, "SuccessfulCreate", $"Created pod: {created.Metadata.Name}");
        }
        catch (KubeApiException e)
        {
            // A namespace that is going away refuses its pods; that is no event worth having.
            if (!e.IsNamespaceTerminating())
                events.Warning(owner, "FailedCreate", $"Error creating: {e.Message}");
            throw;
        }
    }

    /// <returns>Why it failed; a pod that is gone already is no failure.</returns>
    public async Task<Exception?> DeleteAsync(ObjectKey key, IKubernetesObject<V1ObjectMeta> owner, V1Pod pod, CancellationToken cancellationToken)
    {
        try
        {
            await client.DeleteAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, new DeleteOptions(PreconditionUid: pod.Metadata.Uid), cancellationToken);
            events.Normal(owner, "SuccessfulDelete", $"Deleted pod: {pod.Metadata.Name}");
            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Expectations.DeletionObserved(key, pod.Metadata.Uid);
            if (e is KubeApiException { IsNotFound: true } or KubeApiException { IsConflict: true })
                return null;
            events.Warning(owner, "FailedDelete", $"Error deleting: {e.Message}");
            return e;
        }
    }

    /// <summary>Deletes all of them at once, expected.</summary>
    /// <returns>The first failure.</returns>
    public async Task<Exception?> DeleteAllAsync(ObjectKey key, IKubernetesObject<V1ObjectMeta> owner, IReadOnlyList<V1Pod> pods, CancellationToken cancellationToken)
    {
        Expectations.ExpectDeletions(key, pods.Select(p => p.Metadata.Uid));
        Exception? first = null;
        foreach (var failure in await Task.WhenAll(pods.Select(pod => DeleteAsync(key, owner, pod, cancellationToken))))
            first ??= failure;
        return first;
    }
}
