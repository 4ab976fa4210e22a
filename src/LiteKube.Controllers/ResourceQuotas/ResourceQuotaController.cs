using k8s.Models;
using LiteKube.Apis.Values;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.ResourceQuotas;

/// <summary>
/// Shows in a quota's status what its namespace uses (https://kubernetes.io/docs/concepts/policy/resource-quotas/).
/// Admission counts for itself; this is what people and programs read.
/// </summary>
internal sealed class ResourceQuotaController(IKubeClient client, ISharedInformers informers, IObjectCounts counts, TimeProvider timeProvider) : IReconciler
{
    private readonly IInformer<V1ResourceQuota> _quotas = informers.Get<V1ResourceQuota>();
    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>();
    private readonly IInformer<V1Service> _services = informers.Get<V1Service>();
    private readonly IInformer<V1PersistentVolumeClaim> _claims = informers.Get<V1PersistentVolumeClaim>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("resourcequota", this, loggers, timeProvider, workers: 2);
        runner.Watch(_quotas);
        runner.Watch(_pods, new InformerHandler<V1Pod>(
            OnAdd: pod => EnqueueNamespace(runner, pod.Metadata.NamespaceProperty),
            // Readiness, addresses and the like cost nothing; only finishing or another size does.
            OnUpdate: (old, pod) =>
            {
                if (old.Status?.Phase != pod.Status?.Phase || old.Metadata.Generation != pod.Metadata.Generation || old.Metadata.Uid != pod.Metadata.Uid)
                    EnqueueNamespace(runner, pod.Metadata.NamespaceProperty);
            },
            OnDelete: pod => EnqueueNamespace(runner, pod.Metadata.NamespaceProperty)));
        runner.Watch(_services, service => KeysOf(service.Metadata.NamespaceProperty));
        runner.Watch(_claims, claim => KeysOf(claim.Metadata.NamespaceProperty));
        counts.CountChanged += (resource, ns) =>
        {
            foreach (var quota in _quotas.List(ns))
            {
                if (quota.Spec?.Hard?.Keys.Any(name => QuotaUsage.CountedResource(name) == resource) == true)
                    runner.Queue.Add(ObjectKey.Of(quota));
            }
        };
        return runner;
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_quotas.Find(key) is not { } quota)
            return ReconcileResult.Done;
        await counts.WaitForSyncAsync(cancellationToken);
        var hard = quota.Spec?.Hard ?? new Dictionary<string, ResourceQuantity>();
        var used = await UsedAsync(quota, hard.Keys, cancellationToken);
        if (quota.Status is { } status && AreEqual(status.Hard, PodResources.Read(hard)) && AreEqual(status.Used, used))
            return ReconcileResult.Done;
        var written = KubeJson.Clone(quota);
        written.Status = new V1ResourceQuotaStatus
        {
            Hard = new Dictionary<string, ResourceQuantity>(hard),
            Used = used.ToDictionary(u => u.Key, u => new ResourceQuantity(u.Value.ToString())),
        };
        await client.UpdateStatusAsync(written, cancellationToken);
        return ReconcileResult.Done;
    }

    private async Task<Dictionary<string, Quantity>> UsedAsync(V1ResourceQuota quota, ICollection<string> names, CancellationToken cancellationToken)
    {
        var (ns, hasScopes) = (quota.Metadata.NamespaceProperty, QuotaScopes.HasScopes(quota));
        var usage = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var pod in _pods.List(ns).Where(p => QuotaScopes.Matches(quota, p)))
            QuotaUsage.AddPod(usage, pod);
        if (!hasScopes)
        {
            foreach (var service in _services.List(ns))
                QuotaUsage.AddService(usage, service);
            foreach (var claim in _claims.List(ns))
                QuotaUsage.AddClaim(usage, claim);
            // Few clusters have claims of devices, and what one asks for does not change: they are worth no informer.
            if (names.Any(QuotaUsage.IsDevices))
            {
                foreach (var claim in (await client.ListAsync<Resourcev1ResourceClaim>(ns, new ListOptions(), cancellationToken)).Items)
                    QuotaUsage.AddDevices(usage, claim);
            }
        }
        var used = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (usage.TryGetValue(name, out var quantity))
                used[name] = quantity;
            else if (!hasScopes && QuotaUsage.CountedResource(name) is { } resource and not ("pods" or "services" or "persistentvolumeclaims") && !QuotaUsage.IsDevices(name))
                used[name] = Quantity.FromLong(counts.Count(resource, ns));
            else
                used[name] = Quantity.Zero;
        }
        return used;
    }

    private static bool AreEqual(IDictionary<string, ResourceQuantity>? written, Dictionary<string, Quantity> wanted)
    {
        var known = PodResources.Read(written);
        return known.Count == wanted.Count && wanted.All(w => known.TryGetValue(w.Key, out var quantity) && quantity == w.Value);
    }

    private IEnumerable<ObjectKey> KeysOf(string? ns) => _quotas.List(ns ?? "").Select(q => ObjectKey.Of(q));

    private void EnqueueNamespace(ControllerRunner runner, string? ns)
    {
        foreach (var key in KeysOf(ns))
            runner.Queue.Add(key);
    }
}
