using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>By what the requests of one FlowSchema are told apart into flows, among which its priority level is fair.</summary>
internal enum FlowDistinguisher
{
    None,
    ByUser,
    ByNamespace,
}

/// <summary>
/// A FlowSchema in the form in which requests are held against it. Matching allocates nothing
/// (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/).
/// </summary>
internal sealed class FlowSchema
{
    public const string Exempt = "exempt";
    public const string CatchAll = "catch-all";

    private readonly Rule[] _rules;

    private FlowSchema(JsonObject value)
    {
        var spec = value.Obj("spec");
        (Name, Uid) = (value.MetaName(), value.Obj("metadata").Str("uid"));
        LevelName = spec.Obj("priorityLevelConfiguration").Str("name");
        Precedence = spec.Long("matchingPrecedence");
        Distinguisher = spec.Obj("distinguisherMethod").Str("type") switch
        {
            "ByUser" => FlowDistinguisher.ByUser,
            "ByNamespace" => FlowDistinguisher.ByNamespace,
            _ => FlowDistinguisher.None,
        };
        _rules = [.. spec.Items("rules").Select(r => new Rule(r))];
    }

    public string Name { get; }
    public string Uid { get; }
    /// <summary>The PriorityLevelConfiguration that it leads to.</summary>
    public string LevelName { get; }
    /// <summary>The lowest goes first.</summary>
    public long Precedence { get; }
    public FlowDistinguisher Distinguisher { get; }

    public static FlowSchema From(JsonObject value) => new(value);

    public bool Matches(UserInfo user, RequestInfo info)
    {
        foreach (var rule in _rules)
        {
            if (rule.Matches(user, info)) return true;
        }
        return false;
    }

    private sealed class Rule(JsonObject value)
    {
        private readonly Subject[] _subjects = [.. value.Items("subjects").Select(s => new Subject(s))];
        private readonly ResourceRule[] _resources = [.. value.Items("resourceRules").Select(r => new ResourceRule(r))];
        private readonly PathRule[] _paths = [.. value.Items("nonResourceRules").Select(r => new PathRule(r))];

        public bool Matches(UserInfo user, RequestInfo info)
        {
            // The request's side first: it is cheaper to compare than a user's groups.
            return info.IsResourceRequest ? MatchesResource(info) && MatchesSubject(user) : MatchesPath(info) && MatchesSubject(user);
        }

        private bool MatchesSubject(UserInfo user)
        {
            foreach (var subject in _subjects)
            {
                if (subject.Matches(user)) return true;
            }
            return false;
        }

        private bool MatchesResource(RequestInfo info)
        {
            foreach (var rule in _resources)
            {
                if (rule.Matches(info)) return true;
            }
            return false;
        }

        private bool MatchesPath(RequestInfo info)
        {
            foreach (var rule in _paths)
            {
                if (rule.Matches(info)) return true;
            }
            return false;
        }
    }

    private sealed class Subject
    {
        private readonly string _kind;
        private readonly string _name;

        public Subject(JsonObject value)
        {
            _kind = value.Str("kind");
            _name = _kind switch
            {
                "User" => value.Obj("user").Str("name"),
                "Group" => value.Obj("group").Str("name"),
                "ServiceAccount" => ServiceAccountNames.User(value.Obj("serviceAccount").Str("namespace"), value.Obj("serviceAccount").Str("name")),
                _ => "",
            };
        }

        public bool Matches(UserInfo user) => _kind switch
        {
            "User" => _name == "*" || _name == user.Name,
            "Group" => _name == "*" || IsIn(user.Groups),
            // Of "system:serviceaccount:NAMESPACE:*" all but the star must match.
            "ServiceAccount" => _name[^1] == '*' ? user.Name.AsSpan().StartsWith(_name.AsSpan(0, _name.Length - 1)) : _name == user.Name,
            _ => false,
        };

        private bool IsIn(IReadOnlyList<string> groups)
        {
            for (var i = 0; i < groups.Count; i++)
            {
                if (groups[i] == _name) return true;
            }
            return false;
        }
    }

    private sealed class ResourceRule(JsonObject value)
    {
        private readonly Names _verbs = new(value, "verbs");
        private readonly Names _groups = new(value, "apiGroups");
        private readonly Names _resources = new(value, "resources");
        private readonly Names _namespaces = new(value, "namespaces");
        private readonly bool _clusterScope = value.Flag("clusterScope");

        public bool Matches(RequestInfo info) =>
            _verbs.Holds(info.Verb) && _resources.Holds(info.Resource, info.Subresource) && _groups.Holds(info.Group)
            && (info.Namespace.Length == 0 ? _clusterScope : _namespaces.Holds(info.Namespace));
    }

    private sealed class PathRule(JsonObject value)
    {
        private readonly Names _verbs = new(value, "verbs");
        private readonly string[] _paths = [.. value.Strings("nonResourceURLs")];

        public bool Matches(RequestInfo info)
        {
            if (!_verbs.Holds(info.Verb)) return false;
            foreach (var path in _paths)
            {
                // As upstream: a path stands for what lies below it, with or without a star.
                if (path == "*" || path == info.Path) return true;
                var prefix = path.AsSpan().TrimEnd('*').TrimEnd('/');
                if (info.Path.AsSpan().StartsWith(prefix) && info.Path.Length > prefix.Length && info.Path[prefix.Length] == '/') return true;
            }
            return false;
        }
    }

    /// <summary>A list of names, or all of them: a star stands alone, which validation sees to.</summary>
    private sealed class Names
    {
        private readonly string[] _names;
        private readonly bool _isEverything;

        public Names(JsonObject value, string field)
        {
            _names = [.. value.Strings(field)];
            _isEverything = _names is ["*"];
        }

        public bool Holds(string name)
        {
            if (_isEverything) return true;
            foreach (var own in _names)
            {
                if (own == name) return true;
            }
            return false;
        }

        /// <summary>Whether it holds "resource/subresource", without putting that together.</summary>
        public bool Holds(string resource, string subresource)
        {
            if (_isEverything) return true;
            if (subresource.Length == 0) return Holds(resource);
            foreach (var own in _names)
            {
                if (own.Length == resource.Length + 1 + subresource.Length && own[resource.Length] == '/'
                    && own.StartsWith(resource, StringComparison.Ordinal) && own.EndsWith(subresource, StringComparison.Ordinal)) return true;
            }
            return false;
        }
    }
}
