using System.Globalization;
using k8s.Models;

namespace LiteKube.Apis.Nodes;

/// <summary>Which nodes a nodeSelector and node affinity select (https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/). Pure.</summary>
public static class NodeSelectors
{
    /// <summary>The pod's selector and required affinity.</summary>
    public static bool Matches(V1PodSpec spec, V1Node node)
    {
        if (spec.NodeSelector is { Count: > 0 } selector)
        {
            foreach (var (key, value) in selector)
            {
                if (node.Metadata.Labels is not { } labels || !labels.TryGetValue(key, out var actual) || actual != value)
                    return false;
            }
        }
        return MatchesAffinity(spec, node);
    }

    /// <summary>The pod's required affinity alone.</summary>
    public static bool MatchesAffinity(V1PodSpec spec, V1Node node) =>
        spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution is not { } required || Matches(required, node);

    /// <summary>Any of the terms; none of none.</summary>
    public static bool Matches(V1NodeSelector selector, V1Node node)
    {
        foreach (var term in selector.NodeSelectorTerms ?? [])
        {
            if (MatchesTerm(term, node))
                return true;
        }
        return false;
    }

    /// <summary>All of the term's requirements; an empty term matches nothing.</summary>
    public static bool MatchesTerm(V1NodeSelectorTerm term, V1Node node)
    {
        if (term.MatchExpressions is not { Count: > 0 } && term.MatchFields is not { Count: > 0 })
            return false;
        foreach (var requirement in term.MatchExpressions ?? [])
        {
            string? value = null;
            node.Metadata.Labels?.TryGetValue(requirement.Key, out value);
            if (!Matches(requirement, value))
                return false;
        }
        foreach (var requirement in term.MatchFields ?? [])
        {
            if (!Matches(requirement, requirement.Key == "metadata.name" ? node.Metadata.Name : null))
                return false;
        }
        return true;
    }

    private static bool Matches(V1NodeSelectorRequirement requirement, string? value) => requirement.OperatorProperty switch
    {
        "In" => value is not null && requirement.Values?.Contains(value) == true,
        "NotIn" => value is null || requirement.Values?.Contains(value) != true,
        "Exists" => value is not null,
        "DoesNotExist" => value is null,
        "Gt" => Number(value) > Number(requirement.Values?.FirstOrDefault()),
        "Lt" => Number(value) < Number(requirement.Values?.FirstOrDefault()),
        _ => false,
    };

    /// <summary>What is no whole number is neither more nor less than another value: null.</summary>
    internal static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
