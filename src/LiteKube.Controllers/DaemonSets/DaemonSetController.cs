using System.Buffers;
using System.Text.Json;
using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.DaemonSets;

/// <summary>Keeps one pod of a DaemonSet on each node that fits (https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/).</summary>
internal sealed class DaemonSetController(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider timeProvider) : IReconciler
{
    /// <summary>One reconciliation makes and deletes at most so many pods; the rest follows when they have been seen.</summary>
    private const int Burst = 250;

    private readonly IInformer<V1DaemonSet> _sets = informers.Get<V1DaemonSet>();
    private readonly IInformer<V1Node> _nodes = informers.Get<V1Node>();
    private readonly PodClaims<V1DaemonSet> _pods = new(client, informers.Get<V1DaemonSet>(), OwnedPods.Get(informers), "apps/v1", "DaemonSet", Selector);
    private readonly RevisionHistory<V1DaemonSet> _history = new(client, informers.Get<V1DaemonSet>(), informers, "DaemonSet", DaemonPods.HashLabel, Selector, s => s.Spec.Template, timeProvider);
    private readonly PodControl _control = new(client, events, timeProvider);
    private readonly FailedPodBackoff _backoff = new(timeProvider);

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("daemonset", this, loggers, timeProvider, workers: 2);
        runner.Watch(_sets);
        _pods.Watch(runner, _control.Expectations);
        _history.Watch(runner);
        // Nodes report often; only what changes where a set's pods belong is news.
        runner.Watch(_nodes, new InformerHandler<V1Node>(
            OnAdd: node => Queue(set => DaemonPods.Decide(set, node).ShouldRun),
            OnUpdate: (old, node) =>
            {
                if (!ReferenceEquals(old, node))
                    Queue(set => DaemonPods.Decide(set, old) != DaemonPods.Decide(set, node));
            },
            OnDelete: node => Queue(_ => true)));
        return runner;

        void Queue(Func<V1DaemonSet, bool> isConcerned)
        {
            foreach (var set in _sets.List().Where(isConcerned))
                runner.Queue.Add(ObjectKey.Of(set));
        }
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_sets.Find(key) is not { } set)
        {
            _control.Expectations.Forget(key);
            _history.Forget(key);
            return ReconcileResult.Done;
        }
        if (Selector(set).IsEverything)
        {
            events.Warning(set, "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.");
            return ReconcileResult.Done;
        }
        // Its revisions may be gone before its pods: nothing can be told of it any more.
        if (set.Metadata.DeletionTimestamp is not null)
            return ReconcileResult.Done;

        // Asked before the pods are looked at: one that is seen in between would be counted as come, and be missing among them.
        var isProcessed = _control.Expectations.AreMet(key, out var lapse);
        var pods = await _pods.ClaimAsync(set, mayAdopt: pod => !pod.IsTerminating(), cancellationToken);
        var revisions = await _history.ClaimAsync(set, cancellationToken);
        var (current, collisionCount) = await _history.EnsureAsync(set, revisions, set.Status?.CollisionCount ?? 0, cancellationToken);
        pods = await MergeAsync(set, current, revisions, pods, cancellationToken);
        var state = new DaemonState(set, Hash(current), _nodes.List(), pods, timeProvider.GetUtcNow());

        Exception? failure = null;
        TimeSpan? recheck = null;
        if (isProcessed)
        {
            (failure, recheck) = await ApplyAsync(key, state, cancellationToken);
            if (failure is null)
                await TruncateAsync(state, current, revisions, cancellationToken);
        }
        var status = DaemonSetStatusPlan.Compute(state, collisionCount, isProcessed, out var becoming);
        if (!KubeJson.AreEqual(set.Status, status))
        {
            var written = KubeJson.Clone(set);
            written.Status = status;
            await client.UpdateStatusAsync(written, cancellationToken);
        }
        if (failure is not null)
            throw failure;
        var next = recheck is null || becoming < recheck ? becoming : recheck;
        if (!isProcessed && (next is null || lapse < next))
            next = lapse;
        return next is { } delay ? ReconcileResult.RequeueAfter(delay) : ReconcileResult.Done;
    }

    private async Task<(Exception? Failure, TimeSpan? Recheck)> ApplyAsync(ObjectKey key, DaemonState state, CancellationToken cancellationToken)
    {
        var (set, generation) = (state.Set, state.Set.Status?.ObservedGeneration ?? 0);
        var plan = DaemonPlan.Compute(state, node => _backoff.Remaining(set.Metadata.Uid, generation, node));
        if (plan.IsEmpty)
        {
            var update = DaemonUpdatePlan.Compute(state);
            return (await SyncAsync(key, state, update.CreateOn, update.Delete, cancellationToken), plan.Recheck);
        }
        foreach (var pod in plan.Ended)
        {
            var node = DaemonPods.TargetNode(pod)!;
            if (pod.Status.Phase == "Succeeded")
            {
                events.Normal(set, "SucceededDaemonPod", $"Found succeeded daemon pod {pod.Metadata.NamespaceProperty}/{pod.Metadata.Name} on node {node}, will try to delete it");
                continue;
            }
            _backoff.Next(set.Metadata.Uid, generation, node);
            events.Warning(set, "FailedDaemonPod", $"Found failed daemon pod {pod.Metadata.NamespaceProperty}/{pod.Metadata.Name} on node {node}, will try to kill it");
        }
        return (await SyncAsync(key, state, plan.CreateOn, [.. plan.Ended, .. plan.Delete], cancellationToken), plan.Recheck);
    }

    private async Task<Exception?> SyncAsync(ObjectKey key, DaemonState state, IReadOnlyList<string> createOn, IReadOnlyList<V1Pod> delete, CancellationToken cancellationToken)
    {
        var count = Math.Min(createOn.Count, Burst);
        _control.Expectations.ExpectCreations(key, count);
        var failure = await SlowStart.RunAsync(count, i => _control.CreateAsync(state.Set, DaemonPods.Build(state.Set, state.Hash, createOn[i]), cancellationToken), () => _control.Expectations.CreationObserved(key));
        // The set goes with its namespace; trying again would change nothing.
        if (failure is KubeApiException refused && refused.IsNamespaceTerminating())
            failure = null;
        return failure ?? await _control.DeleteAllAsync(key, state.Set, [.. delete.Take(Burst)], cancellationToken);
    }

    /// <summary>Keeps one of several revisions that hold the same template, and gives the pods of the others its hash.</summary>
    private async Task<List<V1Pod>> MergeAsync(V1DaemonSet set, V1ControllerRevision current, List<V1ControllerRevision> revisions, List<V1Pod> pods, CancellationToken cancellationToken)
    {
        foreach (var same in revisions.Where(r => r.Metadata.Uid != current.Metadata.Uid && RevisionData.AreEqual(r.Data, current.Data)).ToList())
        {
            for (var i = 0; i < pods.Count; i++)
            {
                if (DaemonPods.Label(pods[i], DaemonPods.HashLabel) == Hash(same) && await client.TryPatchAsync(pods[i], Relabel(Hash(current)), cancellationToken) is { } relabelled)
                    pods[i] = relabelled;
            }
            await _history.DeleteAsync(set, same, cancellationToken);
            revisions.Remove(same);
        }
        return pods;
    }

    private Task TruncateAsync(DaemonState state, V1ControllerRevision current, List<V1ControllerRevision> revisions, CancellationToken cancellationToken)
    {
        var hashes = state.Pods.Select(p => DaemonPods.Label(p, DaemonPods.HashLabel)).ToHashSet(StringComparer.Ordinal);
        var old = revisions.Where(r => r.Metadata.Uid != current.Metadata.Uid).ToList();
        // Those that pods still have count towards the limit, but stay.
        var surplus = old.Count - (state.Set.Spec.RevisionHistoryLimit ?? 10);
        return _history.DeleteAllAsync(state.Set, old.Where(r => !hashes.Contains(Hash(r))).Take(Math.Max(0, surplus)), cancellationToken);
    }

    private static KubePatch Relabel(string hash)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("metadata");
            writer.WriteStartObject("labels");
            writer.WriteString(DaemonPods.HashLabel, hash);
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return KubePatch.Merge(buffer.WrittenMemory);
    }

    private static string Hash(V1ControllerRevision revision) =>
        revision.Metadata.Labels?.TryGetValue(DaemonPods.HashLabel, out var hash) == true ? hash : revision.Metadata.Name;

    private static LabelSelector Selector(V1DaemonSet set) => LabelSelector.From(set.Spec.Selector);
}
