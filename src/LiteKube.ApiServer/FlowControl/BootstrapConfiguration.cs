using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>
/// The FlowSchemas and PriorityLevelConfigurations that every server has (mandatory), and those that it suggests
/// (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#defaults).
/// </summary>
internal static class BootstrapConfiguration
{
    public const string AutoUpdateAnnotation = "apf.kubernetes.io/autoupdate-spec";
    public const string ApiVersion = "flowcontrol.apiserver.k8s.io/v1";

    private static readonly string[] Everybody = ["system:unauthenticated", "system:authenticated"];

    public static IReadOnlyList<JsonObject> MandatoryLevels { get; } =
    [
        Level("exempt", new JsonObject { ["type"] = "Exempt", ["exempt"] = new JsonObject { ["nominalConcurrencyShares"] = 0, ["lendablePercent"] = 0 } }),
        Limited("catch-all", 5, 0, new JsonObject { ["type"] = "Reject" }),
    ];

    public static IReadOnlyList<JsonObject> SuggestedLevels { get; } =
    [
        Queued("system", shares: 30, lendable: 33, queues: 64, handSize: 6),
        Queued("node-high", shares: 40, lendable: 25, queues: 64, handSize: 6),
        Queued("leader-election", shares: 10, lendable: 0, queues: 16, handSize: 4),
        Queued("workload-high", shares: 40, lendable: 50, queues: 128, handSize: 6),
        Queued("workload-low", shares: 100, lendable: 90, queues: 128, handSize: 6),
        Queued("global-default", shares: 20, lendable: 50, queues: 128, handSize: 6),
    ];

    public static IReadOnlyList<JsonObject> MandatorySchemas { get; } =
    [
        Schema("exempt", "exempt", 1, null, Groups("system:masters"), [Everything()], AllPaths()),
        Schema("catch-all", "catch-all", 10000, "ByUser", Groups(Everybody), [Everything()], AllPaths()),
    ];

    public static IReadOnlyList<JsonObject> SuggestedSchemas { get; } =
    [
        Schema("system-nodes", "system", 500, "ByUser", Groups("system:nodes"), [Everything()], AllPaths()),
        Schema("system-node-high", "node-high", 400, "ByUser", Groups("system:nodes"),
            [Resources(["*"], "", ["nodes", "nodes/status"], clusterScope: true), Resources(["*"], "coordination.k8s.io", ["leases"], clusterScope: false)], null),
        Schema("probes", "exempt", 2, null, Groups(Everybody), null, Paths(["get"], ["/healthz", "/readyz", "/livez"])),
        Schema("system-leader-election", "leader-election", 100, "ByUser", [.. Users("system:kube-controller-manager", "system:kube-scheduler"), KubeSystemAccounts()],
            [Resources(["get", "create", "update"], "coordination.k8s.io", ["leases"], clusterScope: false)], null),
        Schema("kube-controller-manager", "workload-high", 800, "ByNamespace", Users("system:kube-controller-manager"), [Everything()], AllPaths()),
        Schema("kube-scheduler", "workload-high", 800, "ByNamespace", Users("system:kube-scheduler"), [Everything()], AllPaths()),
        Schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", [KubeSystemAccounts()], [Everything()], AllPaths()),
        Schema("service-accounts", "workload-low", 9000, "ByUser", Groups("system:serviceaccounts"), [Everything()], AllPaths()),
        Schema("global-default", "global-default", 9900, "ByUser", Groups(Everybody), [Everything()], AllPaths()),
    ];

    private static JsonObject Queued(string name, int shares, int lendable, int queues, int handSize) => Limited(name, shares, lendable, new JsonObject
    {
        ["type"] = "Queue",
        ["queuing"] = new JsonObject { ["queues"] = queues, ["handSize"] = handSize, ["queueLengthLimit"] = 50 },
    });

    private static JsonObject Limited(string name, int shares, int lendable, JsonObject response) => Level(name, new JsonObject
    {
        ["type"] = "Limited",
        ["limited"] = new JsonObject { ["nominalConcurrencyShares"] = shares, ["limitResponse"] = response, ["lendablePercent"] = lendable },
    });

    private static JsonObject Level(string name, JsonObject spec) => Object("PriorityLevelConfiguration", name, spec);

    private static JsonObject Schema(string name, string level, int precedence, string? distinguisher, JsonNode[] subjects, JsonNode[]? resources, JsonObject? paths)
    {
        var rule = new JsonObject { ["subjects"] = new JsonArray(subjects) };
        if (resources is not null) rule["resourceRules"] = new JsonArray(resources);
        if (paths is not null) rule["nonResourceRules"] = new JsonArray(paths);
        var spec = new JsonObject { ["priorityLevelConfiguration"] = new JsonObject { ["name"] = level }, ["matchingPrecedence"] = precedence };
        if (distinguisher is not null) spec["distinguisherMethod"] = new JsonObject { ["type"] = distinguisher };
        spec["rules"] = new JsonArray(rule);
        return Object("FlowSchema", name, spec);
    }

    private static JsonObject Object(string kind, string name, JsonObject spec) => new()
    {
        ["kind"] = kind,
        ["apiVersion"] = ApiVersion,
        ["metadata"] = new JsonObject { ["name"] = name, ["annotations"] = new JsonObject { [AutoUpdateAnnotation] = "true" } },
        ["spec"] = spec,
    };

    private static JsonNode[] Groups(params string[] names) => [.. names.Select(n => new JsonObject { ["kind"] = "Group", ["group"] = new JsonObject { ["name"] = n } })];

    private static JsonNode[] Users(params string[] names) => [.. names.Select(n => new JsonObject { ["kind"] = "User", ["user"] = new JsonObject { ["name"] = n } })];

    private static JsonObject KubeSystemAccounts() =>
        new() { ["kind"] = "ServiceAccount", ["serviceAccount"] = new JsonObject { ["namespace"] = "kube-system", ["name"] = "*" } };

    private static JsonObject Everything() => Resources(["*"], "*", ["*"], clusterScope: true);

    private static JsonObject Resources(string[] verbs, string group, string[] resources, bool clusterScope)
    {
        var rule = new JsonObject { ["verbs"] = Texts(verbs), ["apiGroups"] = Texts(group), ["resources"] = Texts(resources) };
        if (clusterScope) rule["clusterScope"] = true;
        rule["namespaces"] = Texts("*");
        return rule;
    }

    private static JsonObject AllPaths() => Paths(["*"], ["*"]);

    private static JsonObject Paths(string[] verbs, string[] paths) => new() { ["verbs"] = Texts(verbs), ["nonResourceURLs"] = Texts(paths) };

    private static JsonArray Texts(params string[] texts) => new([.. texts.Select(t => (JsonNode)t)]);
}
