using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Bootstrap;

/// <summary>The default roles and bindings as objects, read from <see cref="BootstrapPolicyText"/>.</summary>
internal static class BootstrapPolicy
{
    public const string AutoUpdateAnnotation = "rbac.authorization.kubernetes.io/autoupdate";
    private const string ApiVersion = "rbac.authorization.k8s.io/v1";
    private const string ControllerPrefix = "system:controller:";
    private const string AggregatePrefix = "rbac.authorization.k8s.io/";

    private static readonly string[] Read = ["get", "list", "watch"];
    private static readonly string[] Write = ["create", "update", "patch", "delete", "deletecollection"];

    /// <summary>Every role, then every binding.</summary>
    public static IReadOnlyList<JsonObject> Build()
    {
        var (roles, bindings) = (new List<JsonObject>(), new List<JsonObject>());
        AddRoles(BootstrapPolicyText.Roles, roles, bindings);
        AddRoles(BootstrapPolicyText.Controllers, roles, bindings);
        foreach (var line in BootstrapPolicyText.Bindings.Split('\n'))
            bindings.Add(Binding(line));
        FillAggregated(roles);
        return [.. roles, .. bindings];
    }

    public static PolicyRule[] RulesOfClusterRole(string name)
    {
        var rules = new List<PolicyRule>();
        var isInside = false;
        foreach (var line in BootstrapPolicyText.Roles.Split('\n'))
        {
            if (line[0] != ' ')
                isInside = line == $"clusterrole {name}" || line.StartsWith($"clusterrole {name} ", StringComparison.Ordinal);
            else if (isInside)
                rules.Add(Rule(line.Trim()));
        }
        return [.. rules];
    }

    private static void AddRoles(string text, List<JsonObject> roles, List<JsonObject> bindings)
    {
        JsonArray? rules = null;
        foreach (var line in text.Split('\n'))
        {
            if (line[0] == ' ')
            {
                rules!.Add((JsonNode)Rule(line.Trim()).ToJson());
                continue;
            }
            var words = line.Split(' ');
            rules = [];
            if (words[0] == "controller")
            {
                roles.Add(Role("ClusterRole", "", ControllerPrefix + words[1], [], rules));
                bindings.Add(Binding($"bind {ControllerPrefix}{words[1]} to ServiceAccount:kube-system/{words[1]}"));
            }
            else
            {
                var (ns, name) = words[0] == "role" ? (words[1].Split('/')[0], words[1].Split('/')[1]) : ("", words[1]);
                roles.Add(Role(words[0] == "role" ? "Role" : "ClusterRole", ns, name, words[2..], rules));
            }
        }
    }

    private static JsonObject Role(string kind, string ns, string name, string[] options, JsonArray rules)
    {
        var role = Start(kind, ns, name);
        foreach (var option in options)
        {
            if (option.StartsWith("aggregate=", StringComparison.Ordinal))
            {
                role["aggregationRule"] = new JsonObject
                {
                    ["clusterRoleSelectors"] = new JsonArray(new JsonObject { ["matchLabels"] = new JsonObject { [AggregatePrefix + option["aggregate=".Length..]] = "true" } }),
                };
            }
            else
            {
                role.Obj("metadata", "labels")![AggregatePrefix + option] = "true";
            }
        }
        role["rules"] = rules;
        return role;
    }

    private static PolicyRule Rule(string line)
    {
        if (line == "EVENTS")
            return new(["create", "update", "patch"], ["", "events.k8s.io"], ["events"], [], []);
        var words = line.Split(' ');
        string[] verbs = words[0] switch
        {
            "READ" => Read,
            "WRITE" => Write,
            "ALL" => [.. Read, .. Write],
            _ => words[0].Split(','),
        };
        if (words.Length == 2)
            return new(verbs, [], [], [], words[1].Split(','));
        var groups = words[1].Split(',').Select(g => g == "core" ? "" : g).ToArray();
        return new(verbs, groups, words[2].Split(','), words.Length > 3 ? words[3][1..].Split(',') : [], []);
    }

    private static JsonObject Binding(string line)
    {
        var words = line.Split(' ');
        var (ns, name) = words[1].Contains('/', StringComparison.Ordinal) ? (words[1].Split('/')[0], words[1].Split('/')[1]) : ("", words[1]);
        var equals = name.IndexOf('=', StringComparison.Ordinal);
        var role = equals < 0 ? name : name[(equals + 1)..];
        var binding = Start(ns.Length == 0 ? "ClusterRoleBinding" : "RoleBinding", ns, equals < 0 ? name : name[..equals]);
        var subjects = new JsonArray();
        foreach (var subject in words.Skip(3).Where(w => w.Length > 0))
        {
            var colon = subject.IndexOf(':', StringComparison.Ordinal);
            var (kind, who) = (subject[..colon], subject[(colon + 1)..]);
            subjects.Add((JsonNode)(kind == "ServiceAccount"
                ? new JsonObject { ["kind"] = kind, ["name"] = who.Split('/')[1], ["namespace"] = who.Split('/')[0] }
                : new JsonObject { ["kind"] = kind, ["apiGroup"] = CoreResources.RbacGroup, ["name"] = who }));
        }
        if (subjects.Count > 0)
            binding["subjects"] = subjects;
        binding["roleRef"] = new JsonObject { ["apiGroup"] = CoreResources.RbacGroup, ["kind"] = ns.Length == 0 ? "ClusterRole" : "Role", ["name"] = role };
        return binding;
    }

    private static JsonObject Start(string kind, string ns, string name)
    {
        var metadata = new JsonObject { ["name"] = name };
        if (ns.Length > 0)
            metadata["namespace"] = ns;
        metadata["labels"] = new JsonObject { ["kubernetes.io/bootstrapping"] = "rbac-defaults" };
        metadata["annotations"] = new JsonObject { [AutoUpdateAnnotation] = "true" };
        return new JsonObject { ["kind"] = kind, ["apiVersion"] = ApiVersion, ["metadata"] = metadata };
    }

    /// <summary>The rules of admin, edit and view as the aggregation makes them; in the order view, edit, admin because each holds the one before.</summary>
    private static void FillAggregated(List<JsonObject> roles)
    {
        foreach (var name in (string[])["view", "edit", "admin"])
        {
            var role = roles.Single(r => r.MetaName() == name);
            var parts = roles.Where(r => r.Str("kind") == "ClusterRole").Select(r => (r.MetaName(), (IReadOnlyDictionary<string, string>)r.Labels(), (IReadOnlyList<PolicyRule>)PolicyRule.ListFrom(r)));
            role["rules"] = new JsonArray([.. AggregatedRules.Of(AggregatedRules.SelectorsOf(role)!, parts, name).Select(r => (JsonNode)r.ToJson())]);
        }
    }
}
