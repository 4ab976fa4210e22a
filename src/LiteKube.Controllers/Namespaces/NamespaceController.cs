using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Namespaces;

/// <summary>
/// Empties a namespace that is being deleted, pods first, and lets it go when nothing is left
/// (https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/).
/// </summary>
internal sealed class NamespaceController(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private const string Finalizer = "kubernetes";

    private static readonly TimeSpan FirstRecheck = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestRecheck = TimeSpan.FromSeconds(10);

    private readonly IInformer<V1Namespace> _namespaces = informers.Get<V1Namespace>();
    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>();
    private readonly NamespaceContent _content = new(client.Transport);
    /// <summary>How often content was found remaining, by namespace: the wait before the next look grows with it.</summary>
    private readonly ConcurrentDictionary<ObjectKey, int> _rechecks = new();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("namespace", this, loggers, timeProvider, workers: 5);
        runner.Watch(_namespaces, value => value.Metadata.DeletionTimestamp is null ? [] : [ObjectKey.Of(value)]);
        // The last pod of a dying namespace lets everything else go at once.
        runner.Watch(_pods, new InformerHandler<V1Pod>(OnDelete: pod =>
        {
            var key = new ObjectKey("", pod.Metadata.NamespaceProperty ?? "");
            if (_namespaces.Find(key)?.Metadata.DeletionTimestamp is not null && _pods.List(key.Name).Count == 0)
                runner.Queue.Add(key);
        }));
        return runner;
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_namespaces.Find(key) is null || await FindAsync(key.Name, cancellationToken) is not { Metadata.DeletionTimestamp: not null } value)
        {
            _rechecks.TryRemove(key, out _);
            return ReconcileResult.Done;
        }
        if (value.Spec?.Finalizers?.Contains(Finalizer) != true)
            return ReconcileResult.Done;

        var remaining = new List<RemainingContent>();
        var failures = new List<string>();
        var discovery = await ApiDiscovery.ReadAsync(client.Transport, cancellationToken);
        var resources = discovery.Resources.Where(r => r.Namespaced && (r.Supports("delete") || r.Supports("deletecollection"))).ToList();
        await DeleteAsync(resources.Where(IsPods), key.Name, remaining, failures, cancellationToken);
        // Pods may need what else is in their namespace (secrets, claims, network policies) until their end. Where their
        // own API could not be discovered there may be some.
        if (remaining.Count == 0 && failures.Count == 0 && resources.Any(IsPods))
            await DeleteAsync(resources.Where(r => !IsPods(r)), key.Name, remaining, failures, cancellationToken);

        if (NamespaceConditions.Compute(value.Status, discovery, remaining, failures, timeProvider.GetUtcNow()) is { } status)
        {
            value.Status = status;
            value = await client.UpdateStatusAsync(value, cancellationToken);
        }
        if (remaining.Count > 0 || failures.Count > 0 || discovery.FailedGroupVersions.Count > 0)
            return ReconcileResult.RequeueAfter(NextRecheck(key));
        await FinalizeAsync(value, cancellationToken);
        _rechecks.TryRemove(key, out _);
        return ReconcileResult.Done;
    }

    private static bool IsPods(DiscoveredResource resource) => resource.GroupResource == "pods";

    private async Task DeleteAsync(IEnumerable<DiscoveredResource> resources, string ns, List<RemainingContent> remaining, List<string> failures, CancellationToken cancellationToken)
    {
        foreach (var resource in resources)
        {
            try
            {
                if (await _content.DeleteAsync(resource, ns, cancellationToken) is { } left)
                    remaining.Add(left);
            }
            // One resource that cannot be deleted must not keep the others; the condition names it.
            catch (KubeApiException e)
            {
                failures.Add($"{resource.GroupResource}: {e.Message}");
            }
        }
    }

    private TimeSpan NextRecheck(ObjectKey key)
    {
        var attempt = _rechecks.AddOrUpdate(key, 0, (_, count) => Math.Min(count + 1, 10));
        var wait = FirstRecheck * Math.Pow(2, attempt);
        return wait < LongestRecheck ? wait : LongestRecheck;
    }

    private async Task<V1Namespace?> FindAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetAsync<V1Namespace>(null, name, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private async Task FinalizeAsync(V1Namespace value, CancellationToken cancellationToken)
    {
        value.Spec.Finalizers = [.. value.Spec.Finalizers.Where(f => f != Finalizer)];
        var path = $"/api/v1/namespaces/{Uri.EscapeDataString(value.Metadata.Name)}/finalize";
        var response = await client.Transport.SendAsync(new KubeRequest("PUT", path, KubeJson.Serialize(value), "application/json"), cancellationToken);
        if (response.StatusCode >= 400 && response.StatusCode != 404)
            throw KubeApiException.From(response);
    }
}
