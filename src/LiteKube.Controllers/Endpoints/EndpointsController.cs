using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Endpoints;

/// <summary>Keeps the Endpoints object of each Service with a selector, for clients older than EndpointSlices.</summary>
internal sealed class EndpointsController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider) : IReconciler
{
    private readonly IInformer<V1Service> _services = informers.Get<V1Service>();
    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>();
    private readonly IInformer<V1Endpoints> _endpoints = informers.Get<V1Endpoints>();
    private readonly RecentWrites<V1Endpoints> _written = new(informers.Get<V1Endpoints>(), timeProvider);
    private readonly TriggerTimes _triggerTimes = new();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("endpoint", this, loggers, timeProvider, workers: 5);
        return runner.Watch(_services).Watch(_pods, ServicePods.Handler(_services, runner.Queue.Add)).Watch(_endpoints, new InformerHandler<V1Endpoints>(
            OnAdd: value => Queue(runner, value),
            OnUpdate: (old, value) =>
            {
                Queue(runner, old);
                Queue(runner, value);
            },
            OnDelete: value =>
            {
                _written.Gone(ObjectKey.Of(value), value);
                runner.Queue.Add(ObjectKey.Of(value));
            }));
    }

    private static void Queue(ControllerRunner runner, V1Endpoints value)
    {
        if (EndpointsPlan.IsManaged(value))
            runner.Queue.Add(ObjectKey.Of(value));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var current = _written.Over(key, endpoints => endpoints.Find(key) is { } seen ? [seen] : []).FirstOrDefault();
        if (_services.Find(key) is not { } service)
        {
            _triggerTimes.Forget(key);
            if (current is not null && EndpointsPlan.IsManaged(current))
                await DeleteAsync(key, current, cancellationToken);
            return ReconcileResult.Done;
        }
        // Without a selector the object belongs to whoever writes it.
        if (!service.HasManagedEndpoints() || service.Metadata.DeletionTimestamp is not null)
            return ReconcileResult.Done;
        var pods = _pods.List(key.Namespace).Where(service.Selects).ToList();
        if (EndpointsPlan.Compute(service, pods, current, _triggerTimes.Next(service, pods)) is not { } wanted)
            return ReconcileResult.Done;
        try
        {
            _written.Written(key, current is null ? await client.CreateAsync(wanted, cancellationToken) : await client.UpdateAsync(wanted, cancellationToken));
        }
        catch (KubeApiException e) when (e.IsNamespaceTerminating())
        {
            return ReconcileResult.Done;
        }
        catch (KubeApiException e)
        {
            if (current is not null)
                _written.Gone(key, current);
            if (!e.IsConflict && !e.IsAlreadyExists)
                events.Warning(service, current is null ? "FailedToCreateEndpoint" : "FailedToUpdateEndpoint", $"Failed to {(current is null ? "create endpoint for service" : "update endpoint")} {key}: {e.Message}");
            throw;
        }
        return ReconcileResult.Done;
    }

    private async Task DeleteAsync(ObjectKey key, V1Endpoints current, CancellationToken cancellationToken)
    {
        try
        {
            await client.DeleteAsync<V1Endpoints>(key.Namespace, key.Name, new DeleteOptions(PreconditionUid: current.Metadata.Uid), cancellationToken);
            _written.Deleted(key, current);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone, or already another object: nothing of that Service is left.
            _written.Gone(key, current);
        }
    }
}
