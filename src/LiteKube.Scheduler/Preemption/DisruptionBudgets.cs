using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Preemption;

/// <summary>How many more pods each PodDisruptionBudget lets go, as far as one node's victims are concerned.</summary>
internal sealed class DisruptionBudgets
{
    private readonly List<Budget> _budgets = [];

    public DisruptionBudgets(IEnumerable<V1PodDisruptionBudget> budgets)
    {
        foreach (var budget in budgets)
        {
            // An empty selector selects no pod here, unlike elsewhere: upstream's choice.
            if (Parse(budget) is { IsEverything: false, IsNothing: false } selector)
                _budgets.Add(new Budget(budget, selector));
        }
    }

    /// <param name="pods">In the order in which they are counted; each list keeps it.</param>
    public (List<PodInfo> Violating, List<PodInfo> Others) Partition(IReadOnlyList<PodInfo> pods)
    {
        var (violating, others) = (new List<PodInfo>(), new List<PodInfo>());
        var allowed = _budgets.Select(budget => budget.Object.Status?.DisruptionsAllowed ?? 0).ToArray();
        foreach (var pod in pods)
            (Violates(pod, allowed) ? violating : others).Add(pod);
        return (violating, others);
    }

    private bool Violates(PodInfo pod, int[] allowed)
    {
        if (pod.Labels is not { Count: > 0 })
            return false;
        var violates = false;
        for (var i = 0; i < _budgets.Count; i++)
        {
            var (budget, selector) = _budgets[i];
            if (budget.Metadata.NamespaceProperty != pod.Namespace || !selector.Matches(pod.Labels))
                continue;
            // The eviction API has let it go already and counted it.
            if (budget.Status?.DisruptedPods?.ContainsKey(pod.Key.Name) == true)
                continue;
            violates |= --allowed[i] < 0;
        }
        return violates;
    }

    /// <summary>One that cannot be read protects nobody.</summary>
    private static LabelSelector? Parse(V1PodDisruptionBudget budget)
    {
        try
        {
            return LabelSelector.From(budget.Spec?.Selector);
        }
        catch (FormatException)
        {
            // The API server admits none such; one from before a rule was made stays as it is.
            return null;
        }
    }

    private sealed record Budget(V1PodDisruptionBudget Object, LabelSelector Selector);
}
