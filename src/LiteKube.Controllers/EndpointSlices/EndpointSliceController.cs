using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.EndpointSlices;

/// <summary>Keeps the EndpointSlices of Services with a selector (https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/).</summary>
internal sealed class EndpointSliceController(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";
    private const string ManagedByLabel = "endpointslice.kubernetes.io/managed-by";
    private const string Manager = "endpointslice-controller.k8s.io";

    private readonly IInformer<V1Service> _services = informers.Get<V1Service>();
    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>();
    private readonly IInformer<V1EndpointSlice> _slices = informers.Get<V1EndpointSlice>();
    private readonly Expectations _expectations = new(timeProvider);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("endpointslice", this, loggers, timeProvider, workers: 5);
        return runner.Watch(_services).Watch(_pods, Concerned).Watch(_slices, new InformerHandler<V1EndpointSlice>(
            OnAdd: slice =>
            {
                if (OwnerOf(slice) is { } key)
                {
                    _expectations.CreationObserved(key);
                    runner.Queue.Add(key);
                }
            },
            OnUpdate: (_, slice) => Requeue(runner, slice),
            OnDelete: slice => Requeue(runner, slice)));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        // Slices made just now may not have come back: a second look would make them twice.
        if (!_expectations.AreMet(key, out var remaining))
            return ReconcileResult.RequeueAfter(remaining);
        var existing = _slices.List(key.Namespace).Where(s => OwnerOf(s) == key && s.Metadata.DeletionTimestamp is null).OrderBy(s => s.Metadata.Name, StringComparer.Ordinal).ToList();
        if (_services.Find(key) is not { Metadata.DeletionTimestamp: null, Spec.Selector.Count: > 0 } service || service.Spec.Type == "ExternalName")
        {
            foreach (var slice in existing)
                await DeleteAsync(slice, cancellationToken);
            return ReconcileResult.Done;
        }

        var selector = LabelSelector.From(service.Spec.Selector);
        var groups = EndpointSlicePlan.Compute(service, _pods.List(key.Namespace).Where(p => selector.Matches(p.Metadata.Labels)));
        // A Service without pods keeps one empty slice, as upstream's does.
        var wanted = groups.Count == 0
            ? [(Group: new EndpointSlicePlan.Group([], []), Endpoints: (IReadOnlyList<V1Endpoint>)[])]
            : groups.SelectMany(g => g.Endpoints.Chunk(EndpointSlicePlan.MaxEndpoints).Select(chunk => (Group: g, Endpoints: (IReadOnlyList<V1Endpoint>)chunk))).ToList();
        var labels = Labels(service);

        var spare = new Queue<V1EndpointSlice>(existing.Where(s => !wanted.Exists(w => EndpointSlicePlan.Same(s, w.Group, w.Endpoints, labels))));
        foreach (var (group, endpoints) in wanted.Where(w => !existing.Exists(s => EndpointSlicePlan.Same(s, w.Group, w.Endpoints, labels))))
        {
            if (spare.TryDequeue(out var slice))
                await UpdateAsync(slice, group, endpoints, labels, cancellationToken);
            else
                await CreateAsync(key, service, group, endpoints, labels, cancellationToken);
        }
        foreach (var slice in spare)
            await DeleteAsync(slice, cancellationToken);
        return ReconcileResult.Done;
    }

    private async Task CreateAsync(ObjectKey key, V1Service service, EndpointSlicePlan.Group group, IReadOnlyList<V1Endpoint> endpoints, Dictionary<string, string> labels, CancellationToken cancellationToken)
    {
        _expectations.ExpectCreations(key, 1);
        try
        {
            await client.CreateAsync(new V1EndpointSlice
            {
                ApiVersion = "discovery.k8s.io/v1",
                Kind = "EndpointSlice",
                AddressType = "IPv4",
                Metadata = new V1ObjectMeta { GenerateName = PodTemplates.GenerateNamePrefix(key.Name), NamespaceProperty = key.Namespace, Labels = labels, OwnerReferences = [Owners.ReferenceTo(service, "v1", "Service")] },
                Endpoints = [.. endpoints],
                Ports = [.. group.Ports],
            }, cancellationToken);
        }
        catch (KubeApiException)
        {
            _expectations.CreationObserved(key);
            throw;
        }
    }

    private async Task UpdateAsync(V1EndpointSlice slice, EndpointSlicePlan.Group group, IReadOnlyList<V1Endpoint> endpoints, Dictionary<string, string> labels, CancellationToken cancellationToken)
    {
        var written = KubeJson.Clone(slice);
        written.Metadata.Labels = labels;
        written.Endpoints = [.. endpoints];
        written.Ports = [.. group.Ports];
        await client.UpdateAsync(written, cancellationToken);
    }

    private async Task DeleteAsync(V1EndpointSlice slice, CancellationToken cancellationToken)
    {
        try
        {
            await client.DeleteAsync<V1EndpointSlice>(slice.Metadata.NamespaceProperty, slice.Metadata.Name, new DeleteOptions(PreconditionUid: slice.Metadata.Uid), cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            // Gone already, which is what was wanted.
            return;
        }
    }

    private static Dictionary<string, string> Labels(V1Service service)
    {
        var labels = new Dictionary<string, string>(service.Metadata.Labels ?? new Dictionary<string, string>(), StringComparer.Ordinal)
        {
            [ServiceNameLabel] = service.Metadata.Name,
            [ManagedByLabel] = Manager,
        };
        if (service.Spec.ClusterIP == "None")
            labels["service.kubernetes.io/headless"] = "";
        return labels;
    }

    private static void Requeue(ControllerRunner runner, V1EndpointSlice slice)
    {
        if (OwnerOf(slice) is { } key)
            runner.Queue.Add(key);
    }

    private static ObjectKey? OwnerOf(V1EndpointSlice slice) =>
        slice.Metadata.Labels is { } labels && labels.TryGetValue(ManagedByLabel, out var manager) && manager == Manager && labels.TryGetValue(ServiceNameLabel, out var service)
            ? new ObjectKey(slice.Metadata.NamespaceProperty ?? "", service)
            : null;

    private List<ObjectKey> Concerned(V1Pod pod) =>
        [.. _services.List(pod.Metadata.NamespaceProperty).Where(s => s.Spec.Selector is { Count: > 0 } && LabelSelector.From(s.Spec.Selector).Matches(pod.Metadata.Labels)).Select(s => ObjectKey.Of(s))];
}
