using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Deployments;

/// <summary>How a Deployment moves replicas from its old ReplicaSets to its new one. Pure.</summary>
internal static class RollingPlan
{
    public readonly record struct Bounds(int MaxSurge, int MaxUnavailable)
    {
        public static Bounds Of(V1Deployment deployment)
        {
            if (deployment.Spec.Strategy?.Type == "Recreate")
                return new Bounds(0, 0);
            var desired = Desired(deployment);
            var surge = IntOrPercent.Scale(deployment.Spec.Strategy?.RollingUpdate?.MaxSurge, desired, roundUp: true);
            var unavailable = Math.Min(desired, IntOrPercent.Scale(deployment.Spec.Strategy?.RollingUpdate?.MaxUnavailable, desired, roundUp: false));
            // Both can round to nothing; then one pod at a time must still be replaceable.
            return surge == 0 && unavailable == 0 ? new Bounds(0, Math.Min(1, desired)) : new Bounds(surge, unavailable);
        }
    }

    public static int Desired(V1Deployment deployment) => deployment.Spec.Replicas ?? 1;

    /// <summary>Replicas of the new set in a rolling update: as many as the surge allows beside the old ones.</summary>
    public static int NewReplicas(V1Deployment deployment, V1ReplicaSet newSet, IReadOnlyList<V1ReplicaSet> all)
    {
        var desired = Desired(deployment);
        var current = Replicas(newSet);
        if (current >= desired)
            return desired;
        if (deployment.Spec.Strategy?.Type == "Recreate")
            return desired;
        var room = desired + Bounds.Of(deployment).MaxSurge - all.Sum(Replicas);
        return room <= 0 ? current : current + Math.Min(room, desired - current);
    }

    /// <summary>New sizes of old sets: unhealthy pods first, then as many as may be unavailable.</summary>
    /// <param name="counted">Pods that a set has available; by default what its status says.</param>
    public static IReadOnlyList<(V1ReplicaSet Set, int Replicas)> ShrinkOld(V1Deployment deployment, V1ReplicaSet? newSet, IReadOnlyList<V1ReplicaSet> old, Func<V1ReplicaSet, int>? counted = null)
    {
        // A set that was just made smaller still reports the pods that are about to go: they count no more.
        int Available(V1ReplicaSet set) => Math.Min(Replicas(set), counted is null ? set.Status?.AvailableReplicas ?? 0 : counted(set));

        var live = old.Where(r => Replicas(r) > 0).OrderBy(r => r.Metadata.CreationTimestamp).ThenBy(r => r.Metadata.Name, StringComparer.Ordinal).ToList();
        // A set that was just resized still counts the pods that it had before, and may be about to end some: nothing is taken elsewhere on their word.
        if (live.Count == 0 || live.Append(newSet).Any(s => s?.Status?.ObservedGeneration < s?.Metadata.Generation))
            return [];
        var minAvailable = Desired(deployment) - Bounds.Of(deployment).MaxUnavailable;
        var total = live.Sum(Replicas) + (newSet is null ? 0 : Replicas(newSet));
        var newUnavailable = newSet is null ? 0 : Replicas(newSet) - Available(newSet);
        var budget = total - minAvailable - newUnavailable;
        if (budget <= 0)
            return [];

        var sizes = live.ToDictionary(r => r.Metadata.Uid, Replicas);
        // Pods that serve nobody anyway cost no availability.
        foreach (var set in live)
        {
            var drop = Math.Min(budget, Replicas(set) - Available(set));
            sizes[set.Metadata.Uid] -= drop;
            budget -= drop;
        }
        var healthyBudget = live.Concat(newSet is null ? [] : [newSet]).Sum(Available) - minAvailable;
        foreach (var set in live)
        {
            if (healthyBudget <= 0)
                break;
            var drop = Math.Min(healthyBudget, sizes[set.Metadata.Uid]);
            sizes[set.Metadata.Uid] -= drop;
            healthyBudget -= drop;
        }
        return [.. live.Where(r => sizes[r.Metadata.Uid] != Replicas(r)).Select(r => (r, sizes[r.Metadata.Uid]))];
    }

    /// <summary>
    /// Sizes after the Deployment was scaled in the middle of a rollout (or while paused): each set takes its share of
    /// the difference, the largest first, what rounding leaves going to the first.
    /// </summary>
    /// <param name="previousMax">The most replicas that were allowed in all when the set was last sized.</param>
    public static IReadOnlyList<(V1ReplicaSet Set, int Replicas)> Proportional(V1Deployment deployment, IReadOnlyList<V1ReplicaSet> live, Func<V1ReplicaSet, int> previousMax)
    {
        var total = live.Sum(Replicas);
        var desired = Desired(deployment);
        var allowed = desired > 0 ? desired + Bounds.Of(deployment).MaxSurge : 0;
        var toAdd = allowed - total;
        if (toAdd == 0)
            return [];
        // When growing, newer sets win ties; when shrinking, older ones lose first.
        var ordered = (toAdd > 0
            ? live.OrderByDescending(Replicas).ThenByDescending(r => r.Metadata.CreationTimestamp)
            : live.OrderByDescending(Replicas).ThenBy(r => r.Metadata.CreationTimestamp)).ToList();
        var sizes = ordered.Select(Replicas).ToArray();
        var added = 0;
        for (var i = 0; i < ordered.Count; i++)
        {
            var share = sizes[i] == 0 ? 0 : (int)Math.Round((double)sizes[i] * allowed / Math.Max(1, previousMax(ordered[i])), MidpointRounding.AwayFromZero) - sizes[i];
            var remaining = toAdd - added;
            share = toAdd > 0 ? Math.Min(Math.Max(share, 0), remaining) : Math.Max(Math.Min(share, 0), remaining);
            sizes[i] += share;
            added += share;
        }
        if (ordered.Count > 0)
            sizes[0] = Math.Max(0, sizes[0] + toAdd - added);
        return [.. ordered.Select((set, i) => (set, sizes[i])).Where(r => Replicas(r.set) != r.Item2)];
    }

    /// <summary>The Deployment's replicas were changed since its sets were last sized: what a rollout has reached so far is scaled as it stands.</summary>
    public static bool IsScaledMidway(V1Deployment deployment, IReadOnlyList<V1ReplicaSet> sets) =>
        // Recreate knows no shares: with several sets alive it only has old ones to empty, at whatever size.
        (deployment.Spec.Strategy?.Type != "Recreate" || sets.Count(s => Replicas(s) > 0) == 1) &&
        sets.Any(s => Replicas(s) > 0 && Revisions.Size(s, Revisions.DesiredAnnotation) is { } sized && sized != Desired(deployment));

    /// <summary>Sizes of the sets of a Deployment that is paused or was scaled midway; a set that keeps its size may be among them.</summary>
    public static IReadOnlyList<(V1ReplicaSet Set, int Replicas)> Rescale(V1Deployment deployment, V1ReplicaSet? newSet, IReadOnlyList<V1ReplicaSet> sets)
    {
        var live = sets.Where(s => Replicas(s) > 0).ToList();
        var desired = Desired(deployment);
        // With one set, or none but the newest, there are no shares to keep.
        var single = live.Count switch { 0 => newSet ?? sets.OrderBy(s => s.Metadata.CreationTimestamp).LastOrDefault(), 1 => live[0], _ => null };
        if (single is not null)
            return [(single, desired)];
        // The new set is saturated: the old ones have no claim any more.
        if (newSet is { Status: not null } && Replicas(newSet) == desired && newSet.Status.AvailableReplicas == desired)
            return [.. live.Where(s => s.Metadata.Uid != newSet.Metadata.Uid).Select(s => (s, 0))];
        if (live.Count == 0 || deployment.Spec.Strategy?.Type == "Recreate")
            return [];
        var plan = Proportional(deployment, live, s => Revisions.Size(s, Revisions.MaxAnnotation) ?? deployment.Status?.Replicas ?? desired).ToDictionary(p => p.Set.Metadata.Uid, p => p.Replicas);
        return [.. live.Select(s => (s, plan.GetValueOrDefault(s.Metadata.Uid, Replicas(s))))];
    }

    public static int Replicas(V1ReplicaSet set) => set.Spec.Replicas ?? 1;

    /// <summary>Some of the set's pods serve nobody, by its status.</summary>
    public static bool IsShort(V1ReplicaSet set) => (set.Status?.AvailableReplicas ?? 0) < Replicas(set);
}
