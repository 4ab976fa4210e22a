using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Disruption;

/// <summary>Takes the condition DisruptionTarget back from pods that were to go and did not (https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions).</summary>
internal sealed class StaleDisruptionCleaner(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    public static readonly TimeSpan Timeout = TimeSpan.FromMinutes(2);

    private readonly IInformer<V1Pod> _pods = informers.Get<V1Pod>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("disruption-stale-pods", this, loggers, timeProvider);
        runner.Watch(_pods, new InformerHandler<V1Pod>(OnAdd: Queue, OnUpdate: (_, pod) => Queue(pod)));
        return runner;

        void Queue(V1Pod pod)
        {
            if (WaitFor(pod, timeProvider.GetUtcNow()) is not null)
                runner.Queue.Add(ObjectKey.Of(pod));
        }
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_pods.Find(key) is not { } pod || WaitFor(pod, timeProvider.GetUtcNow()) is not { } wait)
            return ReconcileResult.Done;
        if (wait > TimeSpan.Zero)
            return ReconcileResult.RequeueAfter(wait);
        try
        {
            await client.PatchAsync<V1Pod>(key.Namespace, key.Name, PodStatusPatches.NotDisrupted(pod, timeProvider.GetUtcNow()), "status", cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return ReconcileResult.Done;
        }
        return ReconcileResult.Done;
    }

    /// <returns>How long the condition may still stand; null when it is none that could be stale. What its kubelet announces may take as long as it likes.</returns>
    public static TimeSpan? WaitFor(V1Pod pod, DateTimeOffset now)
    {
        if (pod.IsTerminating() || pod.Status?.Phase is "Succeeded" or "Failed")
            return null;
        var condition = pod.Status?.Conditions?.FirstOrDefault(c => c.Type == "DisruptionTarget");
        if (condition is not { Status: "True", Reason: not "TerminationByKubelet" })
            return null;
        var wait = Timeout - (now.UtcDateTime - (condition.LastTransitionTime ?? default).ToUniversalTime());
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }
}
