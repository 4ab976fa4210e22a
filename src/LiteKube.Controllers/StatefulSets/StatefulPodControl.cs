using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.StatefulSets;

/// <summary>Carries out the steps of a plan: pods after their claims, and an event for each.</summary>
internal sealed class StatefulPodControl(IKubeClient client, IInformer<V1PersistentVolumeClaim> claims, IEventRecorder events, TimeProvider timeProvider)
{
    public Expectations Expectations { get; } = new(timeProvider);

    public Task RunAsync(V1StatefulSet set, PodStep step, CancellationToken cancellationToken) => step.Action switch
    {
        PodAction.Create => CreateAsync(set, step.Pod, cancellationToken),
        PodAction.Delete => DeleteAsync(set, step.Pod, cancellationToken),
        PodAction.MakeClaims => MakeClaimsAsync(set, step.Pod, cancellationToken),
        _ => ConformAsync(set, step.Pod, cancellationToken),
    };

    public async Task DeleteAsync(V1StatefulSet set, V1Pod pod, CancellationToken cancellationToken)
    {
        var key = ObjectKey.Of(set);
        Expectations.ExpectDeletions(key, [pod.Metadata.Uid]);
        try
        {
            await client.DeleteAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, new DeleteOptions(PreconditionUid: pod.Metadata.Uid), cancellationToken);
        }
        catch (KubeApiException e)
        {
            Expectations.DeletionObserved(key, pod.Metadata.Uid);
            if (e.IsNotFound || e.IsConflict)
                return;
            Record(set, pod, "Delete", e);
            throw;
        }
        Record(set, pod, "Delete", null);
    }

    /// <summary>Gives the pod's claims the owner that the retention policy wants.</summary>
    public Task KeepClaimsAsync(V1StatefulSet set, V1Pod pod, CancellationToken cancellationToken) =>
        KeepClaimsAsync(set, pod, StatefulPods.ClaimNames(set, StatefulPods.Ordinal(pod)).Select(name => claims.Find(set.Metadata.NamespaceProperty, name)), cancellationToken);

    private async Task CreateAsync(V1StatefulSet set, V1Pod pod, CancellationToken cancellationToken)
    {
        var key = ObjectKey.Of(set);
        Expectations.ExpectCreations(key, 1);
        try
        {
            var held = await EnsureClaimsAsync(set, pod, cancellationToken);
            var created = await client.CreateAsync(pod, cancellationToken);
            Record(set, pod, "Create", null);
            await KeepClaimsAsync(set, created, held, cancellationToken);
        }
        catch (Exception e)
        {
            Expectations.CreationObserved(key);
            // A pod of that name is there: seen before long, or another's that is in the way.
            if (e is not OperationCanceledException && e is not KubeApiException { IsAlreadyExists: true })
                Record(set, pod, "Create", e);
            throw;
        }
    }

    private async Task MakeClaimsAsync(V1StatefulSet set, V1Pod pod, CancellationToken cancellationToken) =>
        await KeepClaimsAsync(set, pod, await EnsureClaimsAsync(set, pod, cancellationToken), cancellationToken);

    private async Task ConformAsync(V1StatefulSet set, V1Pod pod, CancellationToken cancellationToken)
    {
        await MakeClaimsAsync(set, pod, cancellationToken);
        var conformed = StatefulPods.Conformed(set, pod);
        if (KubeJson.AreEqual(pod, conformed))
            return;
        try
        {
            await client.UpdateAsync(conformed, cancellationToken);
        }
        catch (KubeApiException e) when (!e.IsConflict)
        {
            Record(set, pod, "Update", e);
            throw;
        }
        Record(set, pod, "Update", null);
    }

    /// <summary>Every claim of the pod, made where it is missing.</summary>
    private async Task<List<V1PersistentVolumeClaim>> EnsureClaimsAsync(V1StatefulSet set, V1Pod pod, CancellationToken cancellationToken)
    {
        var held = new List<V1PersistentVolumeClaim>();
        foreach (var wanted in StatefulPods.Claims(set, StatefulPods.Ordinal(pod)))
        {
            var claim = claims.Find(ObjectKey.Of(wanted)) ?? await CreateClaimAsync(set, pod, wanted, cancellationToken);
            // Its pod would wait for a claim that goes when the pod before it has let go of it.
            if (claim.Metadata.DeletionTimestamp is not null)
                throw new InvalidOperationException($"pvc {claim.Metadata.Name} is being deleted");
            held.Add(claim);
        }
        return held;
    }

    private async Task<V1PersistentVolumeClaim> CreateClaimAsync(V1StatefulSet set, V1Pod pod, V1PersistentVolumeClaim wanted, CancellationToken cancellationToken)
    {
        try
        {
            var created = await client.CreateAsync(wanted, cancellationToken);
            events.Normal(set, "SuccessfulCreate", $"create Claim {wanted.Metadata.Name} Pod {pod.Metadata.Name} in StatefulSet {set.Metadata.Name} success");
            return created;
        }
        catch (KubeApiException e) when (e.IsAlreadyExists)
        {
            return await client.GetAsync<V1PersistentVolumeClaim>(wanted.Metadata.NamespaceProperty, wanted.Metadata.Name, cancellationToken);
        }
        catch (KubeApiException e)
        {
            if (!e.IsNamespaceTerminating())
                events.Warning(set, "FailedCreate", $"create Claim {wanted.Metadata.Name} for Pod {pod.Metadata.Name} in StatefulSet {set.Metadata.Name} failed error: {e.Message}");
            throw new InvalidOperationException($"failed to create PVC {wanted.Metadata.Name}: {e.Message}", e);
        }
    }

    private async Task KeepClaimsAsync(V1StatefulSet set, V1Pod pod, IEnumerable<V1PersistentVolumeClaim?> held, CancellationToken cancellationToken)
    {
        foreach (var claim in held)
        {
            if (claim is not null && !ClaimRetention.IsUpToDate(claim, set, pod))
                await client.UpdateAsync(ClaimRetention.Apply(claim, set, pod), cancellationToken);
        }
    }

    private void Record(V1StatefulSet set, V1Pod pod, string verb, Exception? failure)
    {
        var what = $"{verb.ToLowerInvariant()} Pod {pod.Metadata.Name} in StatefulSet {set.Metadata.Name}";
        if (failure is null)
            events.Normal(set, "Successful" + verb, $"{what} successful");
        else if (failure is not KubeApiException { } refused || !refused.IsNamespaceTerminating())
            events.Warning(set, "Failed" + verb, $"{what} failed error: {failure.Message}");
    }
}
