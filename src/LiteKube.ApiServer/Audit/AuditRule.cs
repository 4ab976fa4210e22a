using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Audit;

/// <summary>One rule of a policy; what it does not name it does not ask for.</summary>
internal sealed class AuditRule
{
    private IReadOnlySet<string> _users = new HashSet<string>();
    private IReadOnlySet<string> _groups = new HashSet<string>();
    private IReadOnlySet<string> _verbs = new HashSet<string>();
    private IReadOnlySet<string> _namespaces = new HashSet<string>();
    private IReadOnlyList<string> _paths = [];
    private IReadOnlyList<ResourceRule> _resources = [];

    private sealed record ResourceRule(string Group, IReadOnlyList<string> Resources, IReadOnlySet<string> Names);

    public AuditLevel Level { get; private init; }
    public AuditStages Omitted { get; private init; }
    public bool? OmitsManagedFields { get; private init; }

    /// <exception cref="InvalidDataException">The rule is not valid.</exception>
    public static AuditRule Read(JsonObject rule, int index)
    {
        var at = $"rules[{index}]";
        AuditPolicy.CheckFields(rule, at + ".", "level", "users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs", "omitStages", "omitManagedFields");
        var read = new AuditRule
        {
            Level = rule.Str("level") switch
            {
                "None" => AuditLevel.None,
                "Metadata" => AuditLevel.Metadata,
                "Request" => AuditLevel.Request,
                "RequestResponse" => AuditLevel.RequestResponse,
                var other => throw new InvalidDataException($"{at}.level: unsupported value \"{other}\": supported values: \"Metadata\", \"None\", \"Request\", \"RequestResponse\""),
            },
            Omitted = AuditPolicy.ReadStages(rule, at + ".omitStages"),
            OmitsManagedFields = rule.BoolOrNull("omitManagedFields"),
            _users = Set(rule, "users"),
            _groups = Set(rule, "userGroups"),
            _verbs = Set(rule, "verbs"),
            _namespaces = Set(rule, "namespaces"),
            _paths = [.. rule.Strings("nonResourceURLs")],
            _resources = [.. rule.Items("resources").Select((r, i) => ReadResource(r, $"{at}.resources[{i}]"))],
        };
        if (read._paths.Count > 0 && (read._resources.Count > 0 || read._namespaces.Count > 0))
            throw new InvalidDataException($"{at}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs");
        foreach (var path in read._paths)
        {
            if (path != "*" && !path.StartsWith('/'))
                throw new InvalidDataException($"{at}.nonResourceURLs: invalid value \"{path}\": non-resource URL rules must begin with a '/' character");
            if (path.Length > 1 && path.AsSpan(0, path.Length - 1).Contains('*'))
                throw new InvalidDataException($"{at}.nonResourceURLs: invalid value \"{path}\": non-resource URL wildcards '*' must be the final character of the rule");
        }
        return read;
    }

    public bool Matches(UserInfo? user, RequestInfo request)
    {
        if (_users.Count > 0 && (user is null || !_users.Contains(user.Name)))
            return false;
        if (_groups.Count > 0 && (user is null || !user.Groups.Any(_groups.Contains)))
            return false;
        if (_verbs.Count > 0 && !_verbs.Contains(request.Verb))
            return false;
        if (_namespaces.Count > 0 || _resources.Count > 0)
            return request.IsResourceRequest && MatchesResource(request);
        return _paths.Count == 0 || (!request.IsResourceRequest && _paths.Any(p => MatchesPath(p, request.Path)));
    }

    private bool MatchesResource(RequestInfo request)
    {
        if (_namespaces.Count > 0 && !_namespaces.Contains(request.Namespace))
            return false;
        return _resources.Count == 0 || _resources.Any(r => r.Group == request.Group
            && (r.Resources.Count == 0 || ((r.Names.Count == 0 || r.Names.Contains(request.Name)) && r.Resources.Any(name => Names(name, request)))));
    }

    /// <summary>"pods" (without its subresources), "pods/log", "pods/*", "*/status", "*".</summary>
    private static bool Names(string pattern, RequestInfo request)
    {
        var slash = pattern.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return pattern == "*" || (request.Subresource.Length == 0 && pattern == request.Resource);
        var resource = pattern.AsSpan(0, slash);
        var subresource = pattern.AsSpan(slash + 1);
        if (subresource is "*")
            return resource.SequenceEqual(request.Resource);
        return request.Subresource.Length > 0 && subresource.SequenceEqual(request.Subresource) && (resource is "*" || resource.SequenceEqual(request.Resource));
    }

    private static bool MatchesPath(string pattern, string path) =>
        pattern == path || (pattern.EndsWith('*') && path.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal));

    private static ResourceRule ReadResource(JsonObject resource, string at)
    {
        AuditPolicy.CheckFields(resource, at + ".", "group", "resources", "resourceNames");
        var read = new ResourceRule(resource.Str("group"), [.. resource.Strings("resources")], Set(resource, "resourceNames"));
        if (read.Group.Contains('/', StringComparison.Ordinal))
            throw new InvalidDataException($"{at}.group: invalid value \"{read.Group}\": a group is named without its version");
        if (read.Names.Count > 0 && read.Resources.Count == 0)
            throw new InvalidDataException($"{at}.resourceNames: using resourceNames requires at least one resource");
        return read;
    }

    private static HashSet<string> Set(JsonObject value, string field) => value.Strings(field).ToHashSet(StringComparer.Ordinal);
}
