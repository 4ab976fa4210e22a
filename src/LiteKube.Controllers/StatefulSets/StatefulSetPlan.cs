using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.StatefulSets;

internal enum PodAction
{
    /// <summary>Its claims first.</summary>
    Create,
    Delete,

    /// <summary>The claims that a pending pod lacks.</summary>
    MakeClaims,

    /// <summary>Labels, volumes and owners of claims are not as they should be.</summary>
    Conform,
}

internal readonly record struct PodStep(PodAction Action, V1Pod Pod);

/// <summary>A revision of the set's template.</summary>
/// <param name="Name">Of its ControllerRevision.</param>
internal sealed record TemplateRevision(string Name, V1PodTemplateSpec Template);

/// <summary>
/// The next step of a StatefulSet (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/). Its three
/// parts are carried out one after the other, and the next one only when nothing of the one before has failed. With
/// OrderedReady a plan changes one pod, and none while a pod before it is not available. Pure.
/// </summary>
/// <param name="IsOrdered">The steps of a part go one by one.</param>
/// <param name="Replicas">What the pods that should be there need.</param>
/// <param name="Condemned">Every pod beyond the wanted ones, the highest first: their claims get the owner that they are to go with before any of these pods goes.</param>
/// <param name="ScaleDown">Pods to delete because they are too many.</param>
/// <param name="Outdated">Pods to delete so that they come back with the new template.</param>
/// <param name="Recheck">When the next pod becomes available by time alone.</param>
internal sealed record StatefulSetPlan(bool IsOrdered, IReadOnlyList<PodStep> Replicas, IReadOnlyList<V1Pod> Condemned, IReadOnlyList<V1Pod> ScaleDown, IReadOnlyList<V1Pod> Outdated, TimeSpan? Recheck)
{
    /// <param name="pods">All that the set controls.</param>
    /// <param name="current">The revision that pods below the partition have.</param>
    /// <param name="findClaim">By name, in the set's namespace.</param>
    public static StatefulSetPlan Compute(V1StatefulSet set, IReadOnlyList<V1Pod> pods, TemplateRevision current, TemplateRevision update, Func<string, V1PersistentVolumeClaim?> findClaim, DateTimeOffset now) =>
        new Planning(set, pods, current, update, findClaim, now).Compute();

    private sealed class Planning
    {
        private readonly V1StatefulSet _set;
        private readonly TemplateRevision _current;
        private readonly TemplateRevision _update;
        private readonly Func<string, V1PersistentVolumeClaim?> _findClaim;
        private readonly DateTimeOffset _now;
        private readonly bool _isOrdered;
        private readonly V1Pod[] _replicas;
        private readonly List<V1Pod> _condemned;

        public Planning(V1StatefulSet set, IReadOnlyList<V1Pod> pods, TemplateRevision current, TemplateRevision update, Func<string, V1PersistentVolumeClaim?> findClaim, DateTimeOffset now)
        {
            (_set, _current, _update, _findClaim, _now) = (set, current, update, findClaim, now);
            _isOrdered = set.Spec.PodManagementPolicy != "Parallel";
            var start = StatefulPods.Start(set);
            _replicas = new V1Pod[StatefulPods.Replicas(set)];
            _condemned = [.. pods.Where(p => StatefulPods.Ordinal(p) >= 0 && !StatefulPods.IsInRange(set, p)).OrderByDescending(StatefulPods.Ordinal)];
            foreach (var pod in pods.Where(p => StatefulPods.IsInRange(set, p)))
                _replicas[StatefulPods.Ordinal(pod) - start] = pod;
            for (var i = 0; i < _replicas.Length; i++)
                _replicas[i] ??= New(start + i);
        }

        public StatefulSetPlan Compute()
        {
            var steps = new List<PodStep>();
            var isBlocked = false;
            for (var i = 0; i < _replicas.Length && !isBlocked; i++)
                isBlocked = Process(_replicas[i], steps) && _isOrdered;
            var plan = new StatefulSetPlan(_isOrdered, steps, [], [], [], Recheck());
            if (isBlocked)
                return plan;
            plan = plan with { Condemned = _condemned, ScaleDown = ScaleDown() };
            // An ordered set scales before it updates, and does one thing at a time.
            return _isOrdered && _condemned.Count > 0 ? plan : plan with { Outdated = Outdated() };
        }

        /// <returns>Whether an ordered set has to wait for this pod.</returns>
        private bool Process(V1Pod pod, List<PodStep> steps)
        {
            // Whatever its exit code: it may have been ended from outside (eviction, a restart of the node).
            if (pod.Status?.Phase is "Failed" or "Succeeded")
            {
                if (!pod.IsTerminating())
                    steps.Add(new PodStep(PodAction.Delete, pod));
                return true;
            }
            var ordinal = StatefulPods.Ordinal(pod);
            var claims = StatefulPods.ClaimNames(_set, ordinal).Select(_findClaim).ToList();
            if (!StatefulPods.IsCreated(pod))
            {
                if (!claims.Exists(c => c is not null && ClaimRetention.IsStale(c, _set, pod)))
                    steps.Add(new PodStep(PodAction.Create, pod));
                return true;
            }
            var areOwned = claims.TrueForAll(c => c is null || ClaimRetention.IsUpToDate(c, _set, pod));
            if (pod.Status?.Phase == "Pending" && (claims.Contains(null) || !areOwned))
                steps.Add(new PodStep(PodAction.MakeClaims, pod));
            if (_isOrdered && (pod.IsTerminating() || !StatefulPods.IsRunningAndReady(pod) || !IsAvailable(pod)))
                return true;
            if (!StatefulPods.HasIdentity(pod) || !StatefulPods.HasStorage(_set, pod) || !areOwned)
                steps.Add(new PodStep(PodAction.Conform, pod));
            return false;
        }

        private List<V1Pod> ScaleDown()
        {
            if (!_isOrdered)
                return [.. _condemned.Where(p => !p.IsTerminating())];
            if (_condemned.Count == 0)
                return [];
            var last = _condemned[0];
            var firstUnavailable = _replicas.Concat(Enumerable.Reverse(_condemned)).FirstOrDefault(IsUnavailable);
            var mayGo = !last.IsTerminating() && (ReferenceEquals(last, firstUnavailable) || (StatefulPods.IsRunningAndReady(last) && IsAvailable(last)));
            return mayGo ? [last] : [];
        }

        /// <summary>From the highest ordinal down to the partition, as many as may be unavailable at a time (KEP-961).</summary>
        private List<V1Pod> Outdated()
        {
            if (_set.Spec.UpdateStrategy?.Type == "OnDelete")
                return [];
            var rolling = _set.Spec.UpdateStrategy?.RollingUpdate;
            var maxUnavailable = rolling?.MaxUnavailable is { } max ? Math.Max(1, IntOrPercent.Scale(max, _replicas.Length, roundUp: false)) : 1;
            var budget = maxUnavailable - _replicas.Count(IsUnavailable);
            var candidates = _replicas.Skip(rolling?.Partition ?? 0).Reverse().Where(p => StatefulPods.IsCreated(p) && StatefulPods.Revision(p) != _update.Name && !p.IsTerminating()).ToList();
            if (_isOrdered)
                return [.. candidates.Take(Math.Max(0, budget))];
            // One that is unavailable anyway costs nothing, and may never become available with the old template.
            var outdated = candidates.Where(p => !IsAvailable(p)).ToList();
            outdated.AddRange(candidates.Where(IsAvailable).Take(Math.Max(0, budget)));
            return outdated;
        }

        private V1Pod New(int ordinal)
        {
            var start = StatefulPods.Start(_set);
            var strategy = _set.Spec.UpdateStrategy;
            // Below the partition a pod comes back as it was; without one as many as were not updated yet.
            var isCurrent = strategy?.RollingUpdate is { } rolling
                ? ordinal < start + (rolling.Partition ?? 0)
                : strategy?.Type == "RollingUpdate" && ordinal < start + (_set.Status?.CurrentReplicas ?? 0);
            var revision = isCurrent ? _current : _update;
            return StatefulPods.Build(_set, revision.Template, revision.Name, ordinal);
        }

        private bool IsAvailable(V1Pod pod) => pod.IsAvailable(_set.Spec.MinReadySeconds ?? 0, _now, out _);

        private bool IsUnavailable(V1Pod pod) => pod.IsTerminating() || !StatefulPods.IsRunningAndReady(pod) || !IsAvailable(pod);

        private TimeSpan? Recheck()
        {
            TimeSpan? recheck = null;
            foreach (var pod in _replicas.Concat(_condemned))
            {
                if (!pod.IsTerminating() && !pod.IsAvailable(_set.Spec.MinReadySeconds ?? 0, _now, out var wait) && wait > TimeSpan.Zero && (recheck is null || wait < recheck))
                    recheck = wait;
            }
            return recheck;
        }
    }
}
