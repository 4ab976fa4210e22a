using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.Metrics;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.EndpointSlices;

/// <summary>Keeps the EndpointSlices of Services with a selector (https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/).</summary>
internal sealed class EndpointSliceController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider, int maxEndpoints = EndpointSlicePlan.MaxEndpoints, ControllerMetrics? metrics = null) : IReconciler
{
    private const string ServiceIndex = "managed-service";
    private const string ZoneLabel = "topology.kubernetes.io/zone";

    private readonly IInformer<V1Service> _services = informers.Get<V1Service>();
    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>();
    private readonly IInformer<V1Node> _nodes = informers.Get<V1Node>();
    private readonly IInformer<V1EndpointSlice> _slices = WithServiceIndex(informers.Get<V1EndpointSlice>());
    private readonly WrittenSlices _written = new(client, informers.Get<V1EndpointSlice>(), timeProvider);
    private readonly TriggerTimes _triggerTimes = new();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        metrics?.Gauge("endpoint_slice_controller_num_endpoint_slices", "Number of EndpointSlices", () => [([], _slices.List().Count(static slice => ServiceOf(slice) is not null))]);
        var runner = new ControllerRunner("endpointslice", this, loggers, timeProvider, workers: 5);
        runner.Watch(_services).Watch(_pods, ServicePods.Handler(_services, runner.Queue.Add));
        runner.Watch(_slices, new InformerHandler<V1EndpointSlice>(
            OnAdd: slice => Queue(runner, slice),
            OnUpdate: (old, slice) =>
            {
                Queue(runner, old);
                Queue(runner, slice);
            },
            OnDelete: slice =>
            {
                if (ServiceOf(slice) is { } key)
                    _written.Gone(key, slice);
                Queue(runner, slice);
            }));
        // A node's zone hardly ever changes; then the endpoints on it name the new one.
        runner.Watch(_nodes, new InformerHandler<V1Node>(OnAdd: node => QueueZone(runner, node), OnUpdate: (old, node) =>
        {
            if (ZoneOf(old) != ZoneOf(node))
                QueueZone(runner, node, always: true);
        }));
        return runner;
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var existing = _written.Of(key, ServiceIndex);
        EndpointSlicePlan plan;
        if (_services.Find(key) is { } service && service.HasManagedEndpoints())
        {
            if (service.Metadata.DeletionTimestamp is not null)
                return ReconcileResult.Done;
            var pods = _pods.List(key.Namespace).Where(service.Selects).ToList();
            plan = EndpointSlicePlan.Compute(service, pods, node => _nodes.Find("", node) is { } found ? ZoneOf(found) : null, existing, _triggerTimes.Next(service, pods), maxEndpoints);
        }
        else
        {
            service = null;
            _triggerTimes.Forget(key);
            plan = new EndpointSlicePlan([], [], existing);
        }
        try
        {
            await _written.ApplyAsync(key, plan.Create, plan.Update, plan.Delete, cancellationToken);
            metrics?.EndpointSlices.Applied(service, plan, existing);
            metrics?.EndpointSlices.Synced("success");
        }
        catch (KubeApiException e) when (e.IsNamespaceTerminating())
        {
            return ReconcileResult.Done;
        }
        catch (KubeApiException e) when (e.IsConflict)
        {
            metrics?.EndpointSlices.Synced("stale");
            throw;
        }
        catch (KubeApiException e) when (service is not null)
        {
            metrics?.EndpointSlices.Synced("error");
            events.Warning(service, "FailedToUpdateEndpointSlices", $"Error updating Endpoint Slices for Service {key}: {e.Message}");
            throw;
        }
        return ReconcileResult.Done;
    }

    private void QueueZone(ControllerRunner runner, V1Node node, bool always = false)
    {
        if (!always && ZoneOf(node) is null)
            return;
        foreach (var pod in _pods.List().Where(p => p.Spec.NodeName == node.Metadata.Name))
        {
            foreach (var key in ServicePods.Selecting(_services, pod))
                runner.Queue.Add(key);
        }
    }

    private static string? ZoneOf(V1Node node) => node.Metadata.Labels?.TryGetValue(ZoneLabel, out var zone) == true && zone.Length > 0 ? zone : null;

    private static void Queue(ControllerRunner runner, V1EndpointSlice slice)
    {
        if (ServiceOf(slice) is { } key)
            runner.Queue.Add(key);
    }

    private static ObjectKey? ServiceOf(V1EndpointSlice slice) =>
        slice.Metadata.Labels is { } labels && labels.TryGetValue(EndpointSlicePlan.ManagedByLabel, out var controller) && controller == EndpointSlicePlan.Controller
            && labels.TryGetValue(EndpointSlicePlan.ServiceNameLabel, out var service) && service.Length > 0
            ? new ObjectKey(slice.Metadata.NamespaceProperty ?? "", service)
            : null;

    private static IInformer<V1EndpointSlice> WithServiceIndex(IInformer<V1EndpointSlice> slices)
    {
        slices.AddIndex(ServiceIndex, slice => ServiceOf(slice) is { } key ? [key.ToString()] : []);
        return slices;
    }
}
