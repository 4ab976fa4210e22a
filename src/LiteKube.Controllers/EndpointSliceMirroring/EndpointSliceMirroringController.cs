using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.EndpointSlices;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.EndpointSliceMirroring;

/// <summary>Mirrors Endpoints that somebody keeps by hand into slices (https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors). Keyed by Endpoints.</summary>
internal sealed class EndpointSliceMirroringController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider) : IReconciler
{
    private const string Index = "mirrored-endpoints";

    private readonly IInformer<V1Endpoints> _endpoints = informers.Get<V1Endpoints>();
    private readonly IInformer<V1Service> _services = informers.Get<V1Service>();
    private readonly IInformer<V1EndpointSlice> _slices = WithIndex(informers.Get<V1EndpointSlice>());
    private readonly WrittenSlices _written = new(client, informers.Get<V1EndpointSlice>(), timeProvider);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("endpointslicemirroring", this, loggers, timeProvider, workers: 5);
        runner.Watch(_endpoints).Watch(_services);
        return runner.Watch(_slices, new InformerHandler<V1EndpointSlice>(
            OnAdd: slice => Queue(runner, slice),
            OnUpdate: (old, slice) =>
            {
                Queue(runner, old);
                Queue(runner, slice);
            },
            OnDelete: slice =>
            {
                if (KeyOf(slice) is { } key)
                    _written.Gone(key, slice);
                Queue(runner, slice);
            }));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var existing = _written.Of(key, Index);
        if (_endpoints.Find(key) is not { } endpoints || !MirrorPlan.ShouldMirror(endpoints, _services.Find(key)))
        {
            await _written.ApplyAsync(key, [], [], existing, cancellationToken);
            return ReconcileResult.Done;
        }
        var plan = MirrorPlan.Compute(endpoints, existing);
        if (plan.InvalidAddresses > 0)
            events.Warning(endpoints, "InvalidIPAddress", $"Skipped {plan.InvalidAddresses} invalid IP addresses when mirroring to EndpointSlices");
        if (plan.TooMany > 0)
            events.Warning(endpoints, "TooManyAddressesToMirror", $"A max of {MirrorPlan.MaxAddresses} addresses can be mirrored to EndpointSlices per Endpoints subset. {plan.TooMany} addresses were skipped");
        try
        {
            await _written.ApplyAsync(key, plan.Create, plan.Update, plan.Delete, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNamespaceTerminating())
        {
            return ReconcileResult.Done;
        }
        catch (KubeApiException e) when (!e.IsConflict)
        {
            events.Warning(endpoints, "FailedToUpdateEndpointSlices", $"Error updating Endpoint Slices for Endpoints {key}: {e.Message}");
            throw;
        }
        return ReconcileResult.Done;
    }

    private static void Queue(ControllerRunner runner, V1EndpointSlice slice)
    {
        if (KeyOf(slice) is { } key)
            runner.Queue.Add(key);
    }

    private static ObjectKey? KeyOf(V1EndpointSlice slice) =>
        slice.Metadata.Labels is { } labels && labels.TryGetValue(EndpointSlicePlan.ManagedByLabel, out var controller) && controller == MirrorPlan.Controller
            && labels.TryGetValue(EndpointSlicePlan.ServiceNameLabel, out var name) && name.Length > 0
            ? new ObjectKey(slice.Metadata.NamespaceProperty ?? "", name)
            : null;

    private static IInformer<V1EndpointSlice> WithIndex(IInformer<V1EndpointSlice> slices)
    {
        slices.AddIndex(Index, slice => KeyOf(slice) is { } key ? [key.ToString()] : []);
        return slices;
    }
}
