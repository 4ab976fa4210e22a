using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authorization;

/// <param name="Description">Who grants it, as SubjectAccessReview tells it.</param>
internal readonly record struct Grant(IReadOnlyList<PolicyRule> Rules, string Description);

internal readonly record struct RoleReference(string Kind, string Namespace, string Name)
{
    public GroupResource Resource => Kind == "Role" ? CoreResources.Roles : CoreResources.ClusterRoles;
}

/// <summary>Roles and bindings in memory, by subject, kept in step with the store. Aggregated ClusterRoles are put together here, so that a new part counts at once.</summary>
internal sealed class RbacIndex : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<RoleReference, RoleEntry> _roles = [];
    /// <summary>By binding, to take back what an older version of it said.</summary>
    private readonly Dictionary<(string Namespace, string Name), Binding> _bindings = [];
    /// <summary>"u:NAME" or "g:NAME" within a namespace ("" for cluster bindings).</summary>
    private readonly Dictionary<(string Namespace, string Subject), List<Binding>> _bySubject = [];
    private readonly List<IDisposable> _subscriptions = [];

    public RbacIndex(IObjectReader objects)
    {
        _subscriptions.Add(objects.Subscribe(CoreResources.ClusterRoles, (now, old) => OnRole("ClusterRole", now, old)));
        _subscriptions.Add(objects.Subscribe(CoreResources.Roles, (now, old) => OnRole("Role", now, old)));
        _subscriptions.Add(objects.Subscribe(CoreResources.ClusterRoleBindings, OnBinding));
        _subscriptions.Add(objects.Subscribe(CoreResources.RoleBindings, OnBinding));
    }

    /// <summary>After every change; runs under the index's lock.</summary>
    public event Action? Changed;

    public void Dispose() => _subscriptions.ForEach(s => s.Dispose());

    /// <summary>Every grant to the user in the namespace, cluster-wide ones included. Missing roles are named in <paramref name="problems"/>.</summary>
    public List<Grant> GrantsFor(UserInfo user, string ns, List<string> problems)
    {
        var grants = new List<Grant>();
        lock (_lock)
        {
            Collect("", user, grants, problems);
            if (ns.Length > 0)
                Collect(ns, user, grants, problems);
        }
        return grants;
    }

    /// <summary>Null when there is no such role.</summary>
    public IReadOnlyList<PolicyRule>? RulesOf(RoleReference role)
    {
        lock (_lock)
            return Resolve(role);
    }

    private void Collect(string ns, UserInfo user, List<Grant> grants, List<string> problems)
    {
        CollectSubject(ns, "u:" + user.Name, grants, problems);
        foreach (var group in user.Groups)
            CollectSubject(ns, "g:" + group, grants, problems);
    }

    private void CollectSubject(string ns, string subject, List<Grant> grants, List<string> problems)
    {
        if (!_bySubject.TryGetValue((ns, subject), out var bindings))
            return;
        foreach (var binding in bindings)
        {
            if (Resolve(binding.Role) is { } rules)
                grants.Add(new(rules, binding.Describe(subject)));
            else
                problems.Add($"{binding.Role.Kind.ToLowerInvariant()}.{CoreResources.RbacGroup} \"{binding.Role.Name}\" not found");
        }
    }

    private IReadOnlyList<PolicyRule>? Resolve(RoleReference role)
    {
        if (!_roles.TryGetValue(role, out var entry))
            return null;
        return entry.Selectors is null ? entry.Rules : entry.Aggregated ??= AggregatedRules.Of(entry.Selectors, ClusterRoleParts(), role.Name);
    }

    private IEnumerable<(string Name, IReadOnlyDictionary<string, string> Labels, IReadOnlyList<PolicyRule> Rules)> ClusterRoleParts()
    {
        foreach (var (role, entry) in _roles)
        {
            if (role.Kind == "ClusterRole")
                yield return (role.Name, entry.Labels, entry.Selectors is null ? entry.Rules : AggregatedRules.Of(entry.Selectors, LeafParts(), role.Name));
        }
    }

    /// <summary>Aggregated roles may select each other (admin selects edit selects view); two levels are followed through their leaves.</summary>
    private IEnumerable<(string Name, IReadOnlyDictionary<string, string> Labels, IReadOnlyList<PolicyRule> Rules)> LeafParts()
    {
        foreach (var (role, entry) in _roles)
        {
            if (role.Kind != "ClusterRole")
                continue;
            var rules = entry.Selectors is null ? entry.Rules
                : AggregatedRules.Of(entry.Selectors, _roles.Where(r => r.Key.Kind == "ClusterRole").Select(r => (r.Key.Name, (IReadOnlyDictionary<string, string>)r.Value.Labels, r.Value.Rules)), role.Name);
            yield return (role.Name, entry.Labels, rules);
        }
    }

    private void OnRole(string kind, JsonObject? now, JsonObject? old)
    {
        lock (_lock)
        {
            var role = (now ?? old)!;
            var reference = new RoleReference(kind, role.MetaNamespace(), role.MetaName());
            if (now is null)
                _roles.Remove(reference);
            else
                _roles[reference] = new(PolicyRule.ListFrom(now), now.Labels(), AggregatedRules.SelectorsOf(now));
            foreach (var entry in _roles.Values)
                entry.Aggregated = null;
            Changed?.Invoke();
        }
    }

    private void OnBinding(JsonObject? now, JsonObject? old)
    {
        lock (_lock)
        {
            var key = ((now ?? old)!.MetaNamespace(), (now ?? old)!.MetaName());
            if (_bindings.Remove(key, out var before))
            {
                foreach (var subject in before.Subjects)
                {
                    if (_bySubject.TryGetValue((key.Item1, subject), out var list) && list.Remove(before) && list.Count == 0)
                        _bySubject.Remove((key.Item1, subject));
                }
            }
            if (now is not null)
            {
                var binding = Binding.From(now);
                _bindings[key] = binding;
                foreach (var subject in binding.Subjects)
                {
                    if (!_bySubject.TryGetValue((key.Item1, subject), out var list))
                        _bySubject[(key.Item1, subject)] = list = [];
                    list.Add(binding);
                }
            }
            Changed?.Invoke();
        }
    }

    private sealed class RoleEntry(IReadOnlyList<PolicyRule> rules, Dictionary<string, string> labels, IReadOnlyList<JsonObject>? selectors)
    {
        public IReadOnlyList<PolicyRule> Rules => rules;
        public Dictionary<string, string> Labels => labels;
        public IReadOnlyList<JsonObject>? Selectors => selectors;
        public IReadOnlyList<PolicyRule>? Aggregated { get; set; }
    }

    private sealed record Binding(string Namespace, string Name, RoleReference Role, HashSet<string> Subjects)
    {
        public static Binding From(JsonObject binding)
        {
            var (ns, reference) = (binding.MetaNamespace(), binding.Obj("roleRef"));
            var subjects = new HashSet<string>(StringComparer.Ordinal);
            foreach (var subject in binding.Items("subjects"))
            {
                var name = subject.Str("name");
                switch (subject.Str("kind"))
                {
                    case "User": subjects.Add("u:" + name); break;
                    case "Group": subjects.Add("g:" + name); break;
                    case "ServiceAccount":
                        // A RoleBinding's account is in its own namespace unless it says otherwise.
                        var accountNs = subject.Str("namespace") is { Length: > 0 } given ? given : ns;
                        if (accountNs.Length > 0)
                            subjects.Add("u:" + ServiceAccountNames.User(accountNs, name));
                        break;
                }
            }
            var kind = reference.Str("kind");
            return new(ns, binding.MetaName(), new(kind, kind == "Role" ? ns : "", reference.Str("name")), subjects);
        }

        public string Describe(string subject)
        {
            var who = subject.StartsWith("g:", StringComparison.Ordinal) ? $"Group \"{subject[2..]}\""
                : ServiceAccountNames.TryParse(subject[2..], out var ns, out var account) ? $"ServiceAccount \"{account}/{ns}\"" : $"User \"{subject[2..]}\"";
            return Namespace.Length == 0
                ? $"RBAC: allowed by ClusterRoleBinding \"{Name}\" of {Role.Kind} \"{Role.Name}\" to {who}"
                : $"RBAC: allowed by RoleBinding \"{Name}/{Namespace}\" of {Role.Kind} \"{Role.Name}\" to {who}";
        }
    }
}
