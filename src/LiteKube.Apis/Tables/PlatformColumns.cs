using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

/// <summary>Columns of what a cluster is configured with: access, volumes, traffic, admission.</summary>
internal static class PlatformColumns
{
    private static readonly (string Mode, string Short)[] ModeNames = [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];

    private static readonly TableColumn[] Webhooks = [Name, new("Webhooks", "integer", 0, (o, _) => Size(o["webhooks"])), Age];

    private static readonly TableColumn[] Bindings =
    [
        Name, Column("Role", o => $"{Text(o, "roleRef", "kind")}/{Text(o, "roleRef", "name")}"), Age,
        Wide("Users", o => Subjects(o, "User", s => Text(s, "name"))), Wide("Groups", o => Subjects(o, "Group", s => Text(s, "name"))), Wide("ServiceAccounts", o => Subjects(o, "ServiceAccount", s => $"{Text(s, "namespace")}/{Text(s, "name")}")),
    ];

    private static readonly TableColumn[] PolicyBindings = [Name, Column("PolicyName", o => Text(o, "spec", "policyName")), Column("ParamRef", PolicyParameter), Age];

    public static readonly Dictionary<GroupResource, TableColumn[]> ByResource = new()
    {
        [new("", "componentstatuses")] = [Name, Column("Status", o => Healthy(o) switch { null => "Unknown", var c => Text(c, "status") == "True" ? "Healthy" : "Unhealthy" }), Column("Message", o => Text(Healthy(o), "message")), Column("Error", o => Text(Healthy(o), "error"))],
        [new("", "resourcequotas")] = [Name, Column("Request", o => Quota(o, isLimit: false)), Column("Limit", o => Quota(o, isLimit: true)), Age],
        [new("", "persistentvolumes")] =
        [
            Name, Column("Capacity", o => Text(o, "spec", "capacity", "storage") is { Length: > 0 } size ? size : "0"), Column("Access Modes", o => AccessModes(o["spec"]?["accessModes"])), Column("Reclaim Policy", o => Text(o, "spec", "persistentVolumeReclaimPolicy")),
            Column("Status", Phase), Column("Claim", o => o["spec"]?["claimRef"] is { } claim ? $"{Text(claim, "namespace")}/{Text(claim, "name")}" : ""), Column("StorageClass", StorageClass),
            Column("VolumeAttributesClass", o => Unset(Text(o, "spec", "volumeAttributesClassName"))), Column("Reason", o => Text(o, "status", "reason")), Age, Wide("VolumeMode", o => Unset(Text(o, "spec", "volumeMode"))),
        ],
        [new("", "persistentvolumeclaims")] =
        [
            Name, Column("Status", Phase), Column("Volume", o => Text(o, "spec", "volumeName")), Column("Capacity", o => !IsBound(o) ? "" : Text(o, "status", "capacity", "storage") is { Length: > 0 } size ? size : "0"),
            Column("Access Modes", o => IsBound(o) ? AccessModes(o["status"]?["accessModes"]) : ""), Column("StorageClass", StorageClass), Column("VolumeAttributesClass", o => Unset(Text(o, "spec", "volumeAttributesClassName"))), Age,
            Wide("VolumeMode", o => Unset(Text(o, "spec", "volumeMode"))),
        ],
        [new("networking.k8s.io", "ingresses")] =
        [
            Name, Column("Class", o => Or(Text(o, "spec", "ingressClassName"))), Column("Hosts", Hosts), Column("Address", IngressAddress), Column("Ports", o => Size(o["spec"]?["tls"]) > 0 ? "80, 443" : "80"), Age,
        ],
        [new("networking.k8s.io", "ingressclasses")] = [Name, Column("Controller", o => Text(o, "spec", "controller")), Column("Parameters", ClassParameters), Age],
        [new("networking.k8s.io", "networkpolicies")] = [Name, Column("Pod-Selector", o => SelectorCells.Format(o["spec"]?["podSelector"])), Age],
        [new("networking.k8s.io", "servicecidrs")] = [Name, Column("CIDRs", o => string.Join(',', (o["spec"]?["cidrs"] as JsonArray ?? []).Select(c => Text(c)))), Age],
        [new("networking.k8s.io", "ipaddresses")] = [Name, Column("ParentRef", Parent)],
        [new("rbac.authorization.k8s.io", "rolebindings")] = Bindings,
        [new("rbac.authorization.k8s.io", "clusterrolebindings")] = Bindings,
        [new("certificates.k8s.io", "certificatesigningrequests")] =
        [
            Name, Age, Column("SignerName", o => Or(Text(o, "spec", "signerName"))), Column("Requestor", o => Text(o, "spec", "username")),
            Column("RequestedDuration", o => Number(o, "spec", "expirationSeconds") is > 0 and var seconds ? Ages.Format(TimeSpan.FromSeconds(seconds)) : "<none>"), Column("Condition", RequestCondition),
        ],
        [new("scheduling.k8s.io", "priorityclasses")] =
        [
            Name, Count("Value", "value"), Flag("Global-Default", false, "globalDefault"), Age, Column("PreemptionPolicy", o => Text(o, "preemptionPolicy")),
        ],
        [new("node.k8s.io", "runtimeclasses")] = [Name, Column("Handler", o => Text(o, "handler")), Age],
        [new("storage.k8s.io", "volumeattachments")] =
        [
            Name, Column("Attacher", o => Text(o, "spec", "attacher")) with { Format = "name" }, Column("PV", o => Text(o, "spec", "source", "persistentVolumeName")), Column("Node", o => Text(o, "spec", "nodeName")), Flag("Attached", false, "status", "attached"), Age,
        ],
        [new("storage.k8s.io", "csinodes")] = [Name, new("Drivers", "integer", 0, (o, _) => Size(o["spec"]?["drivers"])), Age],
        [new("storage.k8s.io", "csidrivers")] =
        [
            Name, Flag("AttachRequired", true, "spec", "attachRequired"), Flag("PodInfoOnMount", false, "spec", "podInfoOnMount"), Flag("StorageCapacity", false, "spec", "storageCapacity"),
            Column("TokenRequests", o => o["spec"]?["tokenRequests"] is JsonArray requests ? string.Join(',', requests.Select(r => Text(r, "audience"))) : "<unset>"), Flag("RequiresRepublish", false, "spec", "requiresRepublish"),
            Column("Modes", o => Or(string.Join(',', (o["spec"]?["volumeLifecycleModes"] as JsonArray ?? []).Select(m => Text(m))))), Age,
        ],
        [new("storage.k8s.io", "csistoragecapacities")] = [Name, Column("StorageClassName", o => Text(o, "storageClassName")), Column("Capacity", o => Unset(Text(o, "capacity")))],
        [new("storage.k8s.io", "volumeattributesclasses")] =
        [
            NameOf(o => Text(o, "metadata", "name") + (Text(o, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class") == "true" ? " (default)" : "")), Column("DriverName", o => Text(o, "driverName")), Age,
        ],
        [new("admissionregistration.k8s.io", "mutatingwebhookconfigurations")] = Webhooks,
        [new("admissionregistration.k8s.io", "validatingwebhookconfigurations")] = Webhooks,
        [new("admissionregistration.k8s.io", "validatingadmissionpolicies")] = Policies("Validations", "validations"),
        [new("admissionregistration.k8s.io", "mutatingadmissionpolicies")] = Policies("Mutations", "mutations"),
        [new("admissionregistration.k8s.io", "validatingadmissionpolicybindings")] = PolicyBindings,
        [new("admissionregistration.k8s.io", "mutatingadmissionpolicybindings")] = PolicyBindings,
        [new("certificates.k8s.io", "clustertrustbundles")] = [Name, Column("SignerName", o => Or(Text(o, "spec", "signerName")))],
        [new("flowcontrol.apiserver.k8s.io", "flowschemas")] =
        [
            Name, Column("PriorityLevel", o => Text(o, "spec", "priorityLevelConfiguration", "name")), Amount("MatchingPrecedence", "spec", "matchingPrecedence"), Column("DistinguisherMethod", o => Or(Text(o, "spec", "distinguisherMethod", "type"))), Age,
            Column("MissingPL", o => Items(o["status"]?["conditions"]).FirstOrDefault(c => Text(c, "type") == "Dangling") is { } dangling ? Text(dangling, "status") : "?"),
        ],
        [new("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations")] =
        [
            Name, Column("Type", o => Text(o, "spec", "type")), NumberOrNone("NominalConcurrencyShares", o => o["spec"]?["limited"]?["nominalConcurrencyShares"]), NumberOrNone("Queues", o => Queuing(o, "queues")),
            NumberOrNone("HandSize", o => Queuing(o, "handSize")), NumberOrNone("QueueLengthLimit", o => Queuing(o, "queueLengthLimit")), Age,
        ],
        [new("apiregistration.k8s.io", "apiservices")] =
        [
            Name, Column("Service", o => o["spec"]?["service"] is { } service ? $"{Text(service, "namespace")}/{Text(service, "name")}" : "Local"), Column("Available", Available), Age,
        ],
    };

    private static TableColumn[] Policies(string column, string rules) =>
        [Name, new(column, "integer", 0, (o, _) => Size(o["spec"]?[rules])), Column("ParamKind", o => o["spec"]?["paramKind"] is { } kind ? $"{Text(kind, "apiVersion")}/{Text(kind, "kind")}" : "<unset>"), Age];

    private static TableColumn Flag(string name, bool absent, params string[] path) => new(name, "boolean", 0, (o, _) => Text(o, path) is { Length: > 0 } value ? value == "true" : absent);

    private static JsonObject? Healthy(JsonObject component) => Items(component["conditions"]).FirstOrDefault(c => Text(c, "type") == "Healthy");

    private static TableColumn NumberOrNone(string name, Func<JsonObject, JsonNode?> value) => new(name, "string", 0, (o, _) => value(o)?.DeepClone() ?? "<none>");

    private static JsonNode? Queuing(JsonObject level, string field) => level["spec"]?["limited"]?["limitResponse"]?["queuing"]?[field];

    private static string Phase(JsonObject volume) => Text(volume, "metadata", "deletionTimestamp").Length > 0 ? "Terminating" : Text(volume, "status", "phase");

    private static bool IsBound(JsonObject claim) => Text(claim, "spec", "volumeName").Length > 0;

    private static string StorageClass(JsonObject volume) => Text(volume, "metadata", "annotations", "volume.beta.kubernetes.io/storage-class") is { Length: > 0 } old ? old : Text(volume, "spec", "storageClassName");

    private static string AccessModes(JsonNode? modes)
    {
        var given = (modes as JsonArray ?? []).Select(m => Text(m)).ToHashSet(StringComparer.Ordinal);
        return string.Join(',', ModeNames.Where(m => given.Contains(m.Mode)).Select(m => m.Short));
    }

    private static string Quota(JsonObject quota, bool isLimit)
    {
        var hard = quota["status"]?["hard"] as JsonObject ?? [];
        var ofColumn = hard.Where(h => h.Key.StartsWith("limits.", StringComparison.Ordinal) == isLimit).OrderBy(h => h.Key, StringComparer.Ordinal);
        return string.Join(", ", ofColumn.Select(h => $"{h.Key}: {(Text(quota, "status", "used", h.Key) is { Length: > 0 } used ? used : "0")}/{Text(h.Value)}"));
    }

    private static string Hosts(JsonObject ingress)
    {
        const int most = 3;
        var rules = Items(ingress["spec"]?["rules"]).ToList();
        var hosts = new List<string>();
        var isCut = false;
        foreach (var rule in rules)
        {
            isCut |= hosts.Count == most;
            if (!isCut && Text(rule, "host") is { Length: > 0 } host)
                hosts.Add(host);
        }
        return hosts.Count == 0 ? "*" : string.Join(',', hosts) + (isCut ? $" + {rules.Count - most} more..." : "");
    }

    private static string IngressAddress(JsonObject ingress) => string.Join(',', Items(ingress["status"]?["loadBalancer"]?["ingress"])
        .Select(i => Text(i, "ip") is { Length: > 0 } ip ? ip : Text(i, "hostname")).Where(a => a.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    private static string ClassParameters(JsonObject ingressClass)
    {
        if (ingressClass["spec"]?["parameters"] is not { } parameters)
            return "<none>";
        var group = Text(parameters, "apiGroup");
        return $"{Text(parameters, "kind")}{(group.Length > 0 ? "." + group : "")}/{Text(parameters, "name")}";
    }

    private static string Parent(JsonObject address)
    {
        if (address["spec"]?["parentRef"] is not { } parent)
            return "<none>";
        var ns = Text(parent, "namespace");
        return $"{new GroupResource(Text(parent, "group"), Text(parent, "resource")).ToString().ToLowerInvariant()}/{(ns.Length > 0 ? ns + "/" : "")}{Text(parent, "name")}";
    }

    private static string Subjects(JsonObject binding, string kind, Func<JsonObject, string> name) => string.Join(", ", Items(binding["subjects"]).Where(s => Text(s, "kind") == kind).Select(name));

    private static string RequestCondition(JsonObject request)
    {
        var types = Items(request["status"]?["conditions"]).Select(c => Text(c, "type")).ToHashSet(StringComparer.Ordinal);
        var decision = types.Contains("Denied") ? "Denied" : types.Contains("Approved") ? "Approved" : "Pending";
        return decision + (types.Contains("Failed") ? ",Failed" : "") + (Text(request, "status", "certificate").Length > 0 ? ",Issued" : "");
    }

    private static string PolicyParameter(JsonObject binding)
    {
        var parameter = binding["spec"]?["paramRef"];
        if (Text(parameter, "name") is { Length: > 0 } name)
            return Text(parameter, "namespace") is { Length: > 0 } ns ? $"{ns}/{name}" : $"*/{name}";
        return parameter?["selector"] is { } selector ? SelectorCells.Format(selector) : "<unset>";
    }

    private static string Available(JsonObject service)
    {
        if (Items(service["status"]?["conditions"]).FirstOrDefault(c => Text(c, "type") == "Available") is not { } condition)
            return "Unknown";
        var status = Text(condition, "status");
        return status == "True" ? status : $"{status} ({Text(condition, "reason")})";
    }
}
