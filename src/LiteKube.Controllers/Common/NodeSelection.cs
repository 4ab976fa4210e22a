using System.Globalization;
using k8s.Models;

namespace LiteKube.Controllers.Common;

/// <summary>nodeSelector and required node affinity (https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/). Pure.</summary>
internal static class NodeSelection
{
    public static bool Selects(V1PodSpec spec, V1Node node)
    {
        foreach (var (key, value) in spec.NodeSelector ?? new Dictionary<string, string>())
        {
            if (node.Metadata.Labels?.TryGetValue(key, out var actual) != true || actual != value)
                return false;
        }
        return spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution is not { } required || (required.NodeSelectorTerms ?? []).Any(term => Matches(term, node));
    }

    /// <summary>All of the term's requirements; an empty term matches nothing.</summary>
    private static bool Matches(V1NodeSelectorTerm term, V1Node node)
    {
        var (expressions, fields) = (term.MatchExpressions ?? [], term.MatchFields ?? []);
        return expressions.Count + fields.Count > 0
            && expressions.All(e => Matches(e, node.Metadata.Labels?.TryGetValue(e.Key, out var value) == true ? value : null))
            && fields.All(f => Matches(f, f.Key == "metadata.name" ? node.Metadata.Name : null));
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

    private static long? Number(string? text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
