using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authorization;

/// <summary>One rule of a Role or ClusterRole (rbac.authorization.k8s.io/v1 PolicyRule).</summary>
internal sealed record PolicyRule(IReadOnlyList<string> Verbs, IReadOnlyList<string> ApiGroups, IReadOnlyList<string> Resources, IReadOnlyList<string> ResourceNames, IReadOnlyList<string> NonResourceUrls)
{
    public static PolicyRule From(JsonObject rule) => new(
        [.. rule.Strings("verbs")], [.. rule.Strings("apiGroups")], [.. rule.Strings("resources")], [.. rule.Strings("resourceNames")], [.. rule.Strings("nonResourceURLs")]);

    public static PolicyRule[] ListFrom(JsonObject? role) => [.. role.Items("rules").Select(From)];

    public static PolicyRule ForResource(string verb, string group, string resource, string? name = null) => new([verb], [group], [resource], name is null ? [] : [name], []);

    public JsonObject ToJson()
    {
        var json = new JsonObject { ["verbs"] = List(Verbs) };
        if (ApiGroups.Count > 0) json["apiGroups"] = List(ApiGroups);
        if (Resources.Count > 0) json["resources"] = List(Resources);
        if (ResourceNames.Count > 0) json["resourceNames"] = List(ResourceNames);
        if (NonResourceUrls.Count > 0) json["nonResourceURLs"] = List(NonResourceUrls);
        return json;
    }

    /// <summary>Verb, group and resource fit; names are left to <see cref="ResourceNames"/>.</summary>
    public bool MatchesResource(string verb, string group, string resource, string subresource) =>
        Resources.Count > 0 && MatchesVerb(verb) && (ApiGroups.Contains("*") || ApiGroups.Contains(group)) && MatchesResourceName(resource, subresource);

    public bool MatchesPath(string verb, string path)
    {
        if (NonResourceUrls.Count == 0 || !MatchesVerb(verb))
            return false;
        foreach (var url in NonResourceUrls)
        {
            if (CoversPath(url, path))
                return true;
        }
        return false;
    }

    public bool Allows(RequestInfo request) => request.IsResourceRequest
        ? MatchesResource(request.Verb, request.Group, request.Resource, request.Subresource) && (ResourceNames.Count == 0 || ResourceNames.Contains(request.Name))
        : MatchesPath(request.Verb, request.Path);

    internal static bool CoversPath(string url, string path) =>
        url == "*" || url == path || (url.EndsWith('*') && path.StartsWith(url.TrimEnd('*'), StringComparison.Ordinal));

    private bool MatchesVerb(string verb) => Verbs.Contains("*") || Verbs.Contains(verb);

    private bool MatchesResourceName(string resource, string subresource)
    {
        foreach (var allowed in Resources)
        {
            if (allowed == "*")
                return true;
            if (subresource.Length == 0)
            {
                if (allowed == resource)
                    return true;
                continue;
            }
            var slash = allowed.IndexOf('/', StringComparison.Ordinal);
            if (slash >= 0 && allowed.AsSpan(slash + 1).SequenceEqual(subresource) && (allowed.AsSpan(0, slash).SequenceEqual("*") || allowed.AsSpan(0, slash).SequenceEqual(resource)))
                return true;
        }
        return false;
    }

    /// <summary>As Kubernetes prints rules in refusals: <c>{APIGroups:[""], Resources:["pods"], Verbs:["get"]}</c>.</summary>
    public override string ToString()
    {
        var parts = new List<string>();
        Add("APIGroups", ApiGroups);
        Add("Resources", Resources);
        Add("NonResourceURLs", NonResourceUrls);
        Add("ResourceNames", ResourceNames);
        Add("Verbs", Verbs);
        return $"{{{string.Join(", ", parts)}}}";

        void Add(string name, IReadOnlyList<string> values)
        {
            if (values.Count > 0)
                parts.Add($"{name}:{GoList(values)}");
        }
    }

    /// <summary>As Go's %q prints a list of strings.</summary>
    internal static string GoList(IEnumerable<string> values) => $"[{string.Join(' ', values.Select(v => $"\"{v}\""))}]";

    private static JsonArray List(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)v)]);
}

/// <summary>Whether a set of rules grants at least what others grant: the heart of the check against escalation.</summary>
internal static class RuleCoverage
{
    /// <summary>The atomic rules in <paramref name="wanted"/> that no rule of <paramref name="held"/> covers.</summary>
    public static List<PolicyRule> Missing(IReadOnlyList<PolicyRule> held, IEnumerable<PolicyRule> wanted) =>
        [.. wanted.SelectMany(Atoms).Where(atom => !held.Any(h => Covers(h, atom)))];

    /// <summary>Atomic rules that differ in their verb only, joined.</summary>
    public static IEnumerable<PolicyRule> Compact(IEnumerable<PolicyRule> atoms) =>
        from atom in atoms
        group atom by (string.Join(',', atom.ApiGroups), string.Join(',', atom.Resources), string.Join(',', atom.ResourceNames), string.Join(',', atom.NonResourceUrls)) into same
        select same.First() with { Verbs = [.. same.SelectMany(r => r.Verbs).Distinct()] };

    private static IEnumerable<PolicyRule> Atoms(PolicyRule rule)
    {
        foreach (var verb in rule.Verbs)
        {
            foreach (var group in rule.ApiGroups)
            {
                foreach (var resource in rule.Resources)
                {
                    if (rule.ResourceNames.Count == 0)
                        yield return PolicyRule.ForResource(verb, group, resource);
                    foreach (var name in rule.ResourceNames)
                        yield return PolicyRule.ForResource(verb, group, resource, name);
                }
            }
            foreach (var url in rule.NonResourceUrls)
                yield return new([verb], [], [], [], [url]);
        }
    }

    private static bool Covers(PolicyRule held, PolicyRule atom)
    {
        if (!held.Verbs.Contains("*") && !held.Verbs.Contains(atom.Verbs[0]))
            return false;
        if (atom.NonResourceUrls.Count > 0)
            return held.NonResourceUrls.Any(url => PolicyRule.CoversPath(url, atom.NonResourceUrls[0]));
        return (held.ApiGroups.Contains("*") || held.ApiGroups.Contains(atom.ApiGroups[0]))
            && CoversResource(held.Resources, atom.Resources[0])
            && (held.ResourceNames.Count == 0 || (atom.ResourceNames.Count > 0 && held.ResourceNames.Contains(atom.ResourceNames[0])));
    }

    private static bool CoversResource(IReadOnlyList<string> held, string wanted)
    {
        if (held.Contains("*") || held.Contains(wanted))
            return true;
        var slash = wanted.IndexOf('/', StringComparison.Ordinal);
        return slash >= 0 && held.Contains("*" + wanted[slash..]);
    }
}
