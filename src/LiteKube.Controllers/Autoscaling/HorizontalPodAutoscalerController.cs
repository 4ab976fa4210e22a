using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Apis.Values;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Autoscaling;

/// <summary>Scales workloads by metrics (https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/). Metrics have no watch: each autoscaler looks at its own every 15 seconds.</summary>
internal sealed class HorizontalPodAutoscalerController : IReconciler
{
    private static readonly TimeSpan SyncPeriod = TimeSpan.FromSeconds(15);

    private readonly IKubeClient _client;
    private readonly IEventRecorder _events;
    private readonly TimeProvider _time;
    private readonly IInformer<V2HorizontalPodAutoscaler> _autoscalers;
    private readonly IInformer<V1Pod> _pods;
    private readonly KindResources _kinds;
    private readonly MetricEvaluator _metrics;
    private readonly RecentWrites<V2HorizontalPodAutoscaler> _written;
    private readonly ConcurrentDictionary<ObjectKey, (string Uid, ScaleHistory History)> _histories = new();
    private readonly ConcurrentDictionary<ObjectKey, LabelSelector> _selectors = new();

    public HorizontalPodAutoscalerController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider)
    {
        (_client, _events, _time) = (client, events, timeProvider);
        _autoscalers = informers.Get<V2HorizontalPodAutoscaler>();
        _pods = informers.Get<V1Pod>();
        _kinds = new KindResources(client.Transport);
        _metrics = new MetricEvaluator(new MetricsReader(client.Transport, _kinds, timeProvider));
        _written = new RecentWrites<V2HorizontalPodAutoscaler>(_autoscalers, timeProvider);
    }

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("horizontalpodautoscaler", this, loggers, _time, workers: 5, RateLimiters.Exponential<ObjectKey>(SyncPeriod, SyncPeriod));
        // Its own status writes are no reason to look again.
        runner.Watch(_autoscalers, new InformerHandler<V2HorizontalPodAutoscaler>(
            OnAdd: value => runner.Queue.Add(ObjectKey.Of(value)),
            OnUpdate: (old, value) =>
            {
                if (old.Metadata.Uid != value.Metadata.Uid || !KubeJson.AreEqual(old.Spec, value.Spec))
                    runner.Queue.Add(ObjectKey.Of(value));
            },
            OnDelete: value =>
            {
                _written.Gone(ObjectKey.Of(value), value);
                runner.Queue.Add(ObjectKey.Of(value));
            }));
        runner.Watch(_pods, new InformerHandler<V1Pod>());
        return runner;
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_autoscalers.Find(key) is not { } seen)
        {
            _histories.TryRemove(key, out _);
            _selectors.TryRemove(key, out _);
            _written.Forget(key);
            return ReconcileResult.Done;
        }
        var stored = _written.Over(key, autoscalers => autoscalers.Find(key) is { } now ? [now] : []).FirstOrDefault() ?? seen;
        var autoscaler = KubeJson.Clone(stored);
        autoscaler.Status ??= new V2HorizontalPodAutoscalerStatus();
        autoscaler.Status.ObservedGeneration = autoscaler.Metadata.Generation;
        await LookAsync(key, autoscaler, cancellationToken);
        if (!KubeJson.AreEqual(stored.Status, autoscaler.Status))
            await WriteStatusAsync(key, autoscaler, cancellationToken);
        return ReconcileResult.RequeueAfter(SyncPeriod);
    }

    private async Task LookAsync(ObjectKey key, V2HorizontalPodAutoscaler autoscaler, CancellationToken cancellationToken)
    {
        var reference = autoscaler.Spec.ScaleTargetRef;
        ScaleTarget target;
        try
        {
            var resource = await _kinds.FindAsync(reference.ApiVersion, reference.Kind, cancellationToken);
            target = await ScaleTarget.ReadAsync(_client.Transport, resource.Path(key.Namespace, reference.Name) + "/scale", cancellationToken);
        }
        catch (Exception e) when (e is KubeApiException or MetricException)
        {
            _kinds.Forget(reference.ApiVersion, reference.Kind);
            _events.Warning(autoscaler, "FailedGetScale", e.Message);
            Set(autoscaler, AutoscalerConditions.AbleToScale, false, "FailedGetScale", $"the HPA controller was unable to get the target's current scale: {e.Message}");
            return;
        }
        Set(autoscaler, AutoscalerConditions.AbleToScale, true, "SucceededGetScale", "the HPA controller was able to get the target's current scale");
        var history = _histories.AddOrUpdate(key, _ => (autoscaler.Metadata.Uid, new ScaleHistory()), (_, known) => known.Uid == autoscaler.Metadata.Uid ? known : (autoscaler.Metadata.Uid, new ScaleHistory())).History;
        history.Begin(target.SpecReplicas, _time.GetUtcNow());
        autoscaler.Status.CurrentReplicas = target.SpecReplicas;

        var (current, minimum) = (target.SpecReplicas, autoscaler.Spec.MinReplicas ?? 1);
        if (current == 0 && minimum != 0)
        {
            Set(autoscaler, AutoscalerConditions.ScalingActive, false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero");
            (autoscaler.Status.CurrentMetrics, autoscaler.Status.DesiredReplicas) = (null, 0);
            return;
        }
        int wanted;
        string reason;
        if (current > autoscaler.Spec.MaxReplicas)
            (wanted, reason) = (autoscaler.Spec.MaxReplicas, "Current number of replicas above Spec.MaxReplicas");
        else if (current < minimum)
            (wanted, reason) = (minimum, "Current number of replicas below Spec.MinReplicas");
        else if (await MeasureAsync(key, autoscaler, target, history, cancellationToken) is { } measured)
            (wanted, reason) = measured;
        else
            return;
        await ScaleAsync(autoscaler, target, wanted, reason, history, cancellationToken);
    }

    /// <returns>Null when too little is known to do anything.</returns>
    private async Task<(int Replicas, string Reason)?> MeasureAsync(ObjectKey key, V2HorizontalPodAutoscaler autoscaler, ScaleTarget target, ScaleHistory history, CancellationToken cancellationToken)
    {
        if (ParseSelector(key, autoscaler, target) is not { } selector)
            return null;
        var now = _time.GetUtcNow();
        var pods = _pods.List(key.Namespace).Where(p => selector.Matches(p.Metadata.Labels)).ToList();
        var calculator = new ReplicaCalculator(pods, TolerancesOf(autoscaler.Spec.Behavior), now);
        var results = new List<MetricResult>();
        foreach (var metric in autoscaler.Spec.Metrics ?? [])
            results.Add(await _metrics.EvaluateAsync(metric, key.Namespace, target, selector, calculator, cancellationToken));
        autoscaler.Status.CurrentMetrics = results.Count == 0 ? null : [.. results.Select(r => r.Status)];

        var failed = results.Where(r => r.Replicas is null).ToList();
        foreach (var failure in failed)
            _events.Warning(autoscaler, failure.Reason!, failure.Message!);
        var best = results.Where(r => r.Replicas is not null).MaxBy(r => r.Replicas);
        // What can be known may make the target grow; to shrink it, all has to be known.
        if (best?.Replicas is not { } recommended || (failed.Count > 0 && recommended < target.SpecReplicas))
        {
            if (failed.Count > 0)
            {
                Set(autoscaler, AutoscalerConditions.ScalingActive, false, failed[0].Reason!, $"the HPA was unable to compute the replica count: {failed[0].Message}");
                _events.Warning(autoscaler, "FailedComputeMetricsReplicas", $"invalid metrics ({failed.Count} invalid out of {results.Count}), first error is: {failed[0].Prefix}{failed[0].Message}");
            }
            return null;
        }
        Set(autoscaler, AutoscalerConditions.ScalingActive, true, "ValidMetricFound", $"the HPA was able to successfully calculate a replica count from {best.Name}");
        var reason = recommended > target.SpecReplicas ? $"{best.Name} above target" : "All metrics below target";
        var decision = ScaleLimits.Apply(autoscaler.Spec, history, target.SpecReplicas, recommended, now);
        Set(autoscaler, AutoscalerConditions.AbleToScale, true, decision.Able.Reason, decision.Able.Message);
        Set(autoscaler, AutoscalerConditions.ScalingLimited, decision.Limited.IsLimited, decision.Limited.Reason, decision.Limited.Message);
        return (decision.Replicas, reason);
    }

    private async Task ScaleAsync(V2HorizontalPodAutoscaler autoscaler, ScaleTarget target, int wanted, string reason, ScaleHistory history, CancellationToken cancellationToken)
    {
        if (wanted == target.SpecReplicas)
        {
            autoscaler.Status.DesiredReplicas = wanted;
            return;
        }
        try
        {
            await target.WriteAsync(_client.Transport, wanted, cancellationToken);
        }
        catch (KubeApiException e)
        {
            _events.Warning(autoscaler, "FailedRescale", $"New size: {wanted}; reason: {reason}; error: {e.Message}");
            Set(autoscaler, AutoscalerConditions.AbleToScale, false, "FailedUpdateScale", $"the HPA controller was unable to update the target scale: {e.Message}");
            return;
        }
        var now = _time.GetUtcNow();
        history.Scaled(target.SpecReplicas, wanted, now);
        autoscaler.Status.DesiredReplicas = wanted;
        autoscaler.Status.LastScaleTime = now.UtcDateTime;
        Set(autoscaler, AutoscalerConditions.AbleToScale, true, "SucceededRescale", $"the HPA controller was able to update the target scale to {wanted}");
        _events.Normal(autoscaler, "SuccessfulRescale", $"New size: {wanted}; reason: {reason}");
    }

    private LabelSelector? ParseSelector(ObjectKey key, V2HorizontalPodAutoscaler autoscaler, ScaleTarget target)
    {
        if (target.Selector.Length == 0)
        {
            _events.Warning(autoscaler, "SelectorRequired", "selector is required");
            Set(autoscaler, AutoscalerConditions.ScalingActive, false, "InvalidSelector", "the HPA target's scale is missing a selector");
            return null;
        }
        LabelSelector selector;
        try
        {
            selector = LabelSelector.Parse(target.Selector);
        }
        catch (FormatException e)
        {
            var message = $"couldn't convert selector into a corresponding internal selector object: {e.Message}";
            _events.Warning(autoscaler, "InvalidSelector", message);
            Set(autoscaler, AutoscalerConditions.ScalingActive, false, "InvalidSelector", message);
            return null;
        }
        _selectors[key] = selector;
        var pods = _pods.List(key.Namespace).Where(p => selector.Matches(p.Metadata.Labels)).ToList();
        var others = _selectors.Where(s => s.Key.Namespace == key.Namespace && pods.Exists(p => s.Value.Matches(p.Metadata.Labels))).Select(s => s.Key).OrderBy(k => k.Name, StringComparer.Ordinal).ToList();
        if (others.Count <= 1)
            return selector;
        // Two that scale the same pods would pull at them without end.
        var ambiguous = $"pods by selector {target.Selector} are controlled by multiple HPAs: [{string.Join(' ', others.Select(o => $"{o.Namespace}/{o.Name}"))}]";
        _events.Warning(autoscaler, "AmbiguousSelector", ambiguous);
        Set(autoscaler, AutoscalerConditions.ScalingActive, false, "AmbiguousSelector", ambiguous);
        return null;
    }

    private async Task WriteStatusAsync(ObjectKey key, V2HorizontalPodAutoscaler autoscaler, CancellationToken cancellationToken)
    {
        try
        {
            _written.Written(key, await _client.UpdateStatusAsync(autoscaler, cancellationToken));
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return;
        }
        catch (KubeApiException e)
        {
            _events.Warning(autoscaler, "FailedUpdateStatus", e.Message);
            throw;
        }
    }

    private void Set(V2HorizontalPodAutoscaler autoscaler, string type, bool status, string reason, string message) => AutoscalerConditions.Set(autoscaler, type, status, reason, message, _time.GetUtcNow());

    internal static Tolerances TolerancesOf(V2HorizontalPodAutoscalerBehavior? behavior) => new(
        behavior?.ScaleDown?.Tolerance is { } down ? Quantity.Parse(down.ToString()).ToDouble() : Tolerances.Default.Down,
        behavior?.ScaleUp?.Tolerance is { } up ? Quantity.Parse(up.ToString()).ToDouble() : Tolerances.Default.Up);
}
