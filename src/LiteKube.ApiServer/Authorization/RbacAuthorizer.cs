using System.Collections.Concurrent;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authorization;

/// <summary>Role-based access control (https://kubernetes.io/docs/reference/access-authn-authz/rbac/). A decision is looked up once per user and kind of request until a role or binding changes.</summary>
public sealed class RbacAuthorizer : IAuthorizer, IDisposable
{
    private const int MaxCached = 20_000;

    private readonly RbacIndex _index;
    private readonly Lock _cacheLock = new();
    private volatile ConcurrentDictionary<CacheKey, Verdict> _cache = new();

    public RbacAuthorizer(IObjectReader objects)
    {
        _index = new RbacIndex(objects);
        _index.Changed += Forget;
    }

    public AuthorizationDecision Authorize(UserInfo user, RequestInfo request)
    {
        var key = request.IsResourceRequest
            ? new CacheKey(user, request.Verb, request.Group, request.Resource, request.Subresource, request.Namespace)
            : new CacheKey(user, request.Verb, "/", request.Path, "", "");
        // The verdict goes into the cache that was there before the index was read: when a change came between, that cache is no longer in use.
        var cache = _cache;
        if (!cache.TryGetValue(key, out var verdict))
        {
            verdict = request.IsResourceRequest ? JudgeResource(user, request) : JudgePath(user, request);
            if (cache.Count >= MaxCached)
                Forget();
            cache[key] = verdict;
        }
        if (verdict.AnyName is { } reason)
            return new(true, reason);
        if (verdict.ByName is { } names && names.TryGetValue(request.Name, out var nameReason))
            return new(true, nameReason);
        return AuthorizationDecision.Deny(verdict.Problem);
    }

    /// <summary>All rules that the user holds in the namespace.</summary>
    internal IReadOnlyList<PolicyRule> RulesFor(UserInfo user, string ns, List<string> problems) => [.. _index.GrantsFor(user, ns, problems).SelectMany(g => g.Rules)];

    /// <summary>Null when there is no such role.</summary>
    internal IReadOnlyList<PolicyRule>? RulesOf(RoleReference role) => _index.RulesOf(role);

    public void Dispose() => _index.Dispose();

    private void Forget()
    {
        lock (_cacheLock)
            _cache = new();
    }

    private Verdict JudgeResource(UserInfo user, RequestInfo request)
    {
        var problems = new List<string>();
        Dictionary<string, string>? byName = null;
        foreach (var (rules, description) in _index.GrantsFor(user, request.Namespace, problems))
        {
            foreach (var rule in rules)
            {
                if (!rule.MatchesResource(request.Verb, request.Group, request.Resource, request.Subresource))
                    continue;
                if (rule.ResourceNames.Count == 0)
                    return new(description, null, "");
                byName ??= new(StringComparer.Ordinal);
                foreach (var name in rule.ResourceNames)
                    byName.TryAdd(name, description);
            }
        }
        return new(null, byName, Problem(problems));
    }

    private Verdict JudgePath(UserInfo user, RequestInfo request)
    {
        var problems = new List<string>();
        foreach (var (rules, description) in _index.GrantsFor(user, "", problems))
        {
            if (rules.Any(r => r.MatchesPath(request.Verb, request.Path)))
                return new(description, null, "");
        }
        return new(null, null, Problem(problems));
    }

    private static string Problem(List<string> problems) => problems.Count switch
    {
        0 => "",
        1 => $"RBAC: {problems[0]}",
        _ => $"RBAC: [{string.Join(", ", problems.Distinct())}]",
    };

    /// <param name="AnyName">Allowed whatever the name: why.</param>
    /// <param name="ByName">Allowed for these names only: why.</param>
    private sealed record Verdict(string? AnyName, Dictionary<string, string>? ByName, string Problem);

    private readonly struct CacheKey(UserInfo user, string verb, string group, string resource, string subresource, string ns) : IEquatable<CacheKey>
    {
        private readonly UserInfo _user = user;
        private readonly (string, string, string, string, string) _request = (verb, group, resource, subresource, ns);

        public bool Equals(CacheKey other) =>
            _request == other._request && (ReferenceEquals(_user, other._user) || (_user.Name == other._user.Name && _user.Groups.SequenceEqual(other._user.Groups)));

        public override bool Equals(object? obj) => obj is CacheKey key && Equals(key);
        public override int GetHashCode() => HashCode.Combine(_request, _user.Name);
    }
}
