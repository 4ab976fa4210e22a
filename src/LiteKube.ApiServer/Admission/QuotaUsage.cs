using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Admission;

/// <summary>What one object counts for in quotas (https://kubernetes.io/docs/concepts/policy/resource-quotas/).</summary>
internal static class QuotaUsage
{
    /// <summary>What a request for all devices may get at the most: a claim holds no more.</summary>
    private const long MaxDevices = 32;

    private static readonly string[] CountedByName = ["configmaps", "secrets", "replicationcontrollers", "resourcequotas", "services", "persistentvolumeclaims", "pods"];

    public static Dictionary<string, Quantity> Of(GroupResource resource, JsonObject value)
    {
        var usage = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        var one = Quantity.FromLong(1);
        usage[$"count/{resource}"] = one;
        if (resource == CoreResources.Pods)
            AddPod(usage, value);
        if (resource.Group.Length == 0 && CountedByName.Contains(resource.Resource) && (resource != CoreResources.Pods || !IsFinished(value)))
            usage[resource.Resource] = one;
        if (resource == CoreResources.Services)
            AddService(usage, value.Obj("spec"));
        else if (resource == CoreResources.PersistentVolumeClaims)
            AddClaim(usage, value);
        else if (resource == CoreResources.ResourceClaims)
            AddDevices(usage, value.Obj("spec", "devices"));
        return usage;
    }

    public static bool MatchesScopes(JsonObject quota, GroupResource resource, JsonObject value)
    {
        var spec = quota.Obj("spec");
        foreach (var scope in spec.Strings("scopes"))
        {
            if (!MatchesScope(resource, value, scope, "Exists", []))
                return false;
        }
        foreach (var selector in spec.Obj("scopeSelector").Items("matchExpressions"))
        {
            if (!MatchesScope(resource, value, selector.Str("scopeName"), selector.Str("operator"), [.. selector.Strings("values")]))
                return false;
        }
        return true;
    }

    private static bool MatchesScope(GroupResource resource, JsonObject value, string scope, string op, string[] values)
    {
        var spec = value.Obj("spec");
        if (resource == CoreResources.PersistentVolumeClaims)
            return scope == "VolumeAttributesClass" && IsSelected(op, values, VolumeAttributesClasses(value));
        // The other scopes speak of pods; a quota with a scope counts nothing else.
        if (resource != CoreResources.Pods)
            return false;
        switch (scope)
        {
            case "Terminating": return spec.Has("activeDeadlineSeconds");
            case "NotTerminating": return !spec.Has("activeDeadlineSeconds");
            case "BestEffort": return QualityOfService.Of(spec) == "BestEffort";
            case "NotBestEffort": return QualityOfService.Of(spec) != "BestEffort";
            case "PriorityClass":
                return IsSelected(op, values, spec.Str("priorityClassName") is { Length: > 0 } name ? [name] : []);
            case "CrossNamespacePodAffinity":
                return ((string[])["podAffinity", "podAntiAffinity"]).SelectMany(k => spec.Obj("affinity", k).Items("requiredDuringSchedulingIgnoredDuringExecution").Concat(spec.Obj("affinity", k).Items("preferredDuringSchedulingIgnoredDuringExecution").Select(p => p.Obj("podAffinityTerm") ?? [])))
                    .Any(t => t.Strings("namespaces").Any() || t.Has("namespaceSelector"));
            default: return false;
        }
    }

    private static bool IsSelected(string op, string[] values, List<string> names) => op switch
    {
        "In" => names.Any(values.Contains),
        "NotIn" => !names.Any(values.Contains),
        "DoesNotExist" => names.Count == 0,
        _ => names.Count > 0,
    };

    /// <summary>A claim counts for the class that it asks for and for the one that it has, while the volume is being changed.</summary>
    private static List<string> VolumeAttributesClasses(JsonObject claim) =>
        [.. ((string[])[claim.Obj("spec").Str("volumeAttributesClassName"), claim.Obj("status").Str("currentVolumeAttributesClassName"), claim.Obj("status", "modifyVolumeStatus").Str("targetVolumeAttributesClassName")]).Where(n => n.Length > 0)];

    public static bool IsFinished(JsonObject pod) => pod.Obj("status").Str("phase") is "Succeeded" or "Failed";

    private static void AddPod(Dictionary<string, Quantity> usage, JsonObject pod)
    {
        if (IsFinished(pod))
            return;
        foreach (var (name, quantity) in PodResources.Total(pod.Obj("spec"), "requests"))
        {
            usage["requests." + name] = quantity;
            if (name is "cpu" or "memory" or "ephemeral-storage" || name.StartsWith("hugepages-", StringComparison.Ordinal))
                usage[name] = quantity;
        }
        foreach (var (name, quantity) in PodResources.Total(pod.Obj("spec"), "limits"))
            usage["limits." + name] = quantity;
    }

    private static void AddService(Dictionary<string, Quantity> usage, JsonObject? spec)
    {
        var ports = Quantity.FromLong(spec.Items("ports").Count());
        switch (spec.Str("type"))
        {
            case "NodePort":
                usage["services.nodeports"] = ports;
                break;
            case "LoadBalancer":
                usage["services.loadbalancers"] = Quantity.FromLong(1);
                if (spec.BoolOrNull("allocateLoadBalancerNodePorts") != false)
                    usage["services.nodeports"] = ports;
                break;
        }
    }

    private static void AddClaim(Dictionary<string, Quantity> usage, JsonObject claim)
    {
        var name = claim.Obj("spec").Str("storageClassName");
        var suffix = ".storageclass.storage.k8s.io/";
        if (name.Length > 0)
            usage[name + suffix + "persistentvolumeclaims"] = Quantity.FromLong(1);
        if (!Quantity.TryParse(claim.Obj("spec").Obj("resources", "requests").Str("storage"), out var storage))
            return;
        usage["requests.storage"] = storage;
        if (name.Length > 0)
            usage[name + suffix + "requests.storage"] = storage;
    }

    /// <summary>Devices by their class. Of several subrequests one is granted, so that each class counts the most that one of them asks for.</summary>
    private static void AddDevices(Dictionary<string, Quantity> usage, JsonObject? devices)
    {
        foreach (var request in devices.Items("requests"))
        {
            var most = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var one in request.Obj("exactly") is { } exactly ? [exactly] : request.Items("firstAvailable"))
                most[one.Str("deviceClassName")] = Math.Max(most.GetValueOrDefault(one.Str("deviceClassName")), DeviceCount(one));
            foreach (var (name, count) in most)
            {
                var counted = name + ".deviceclass.resource.k8s.io/devices";
                usage[counted] = usage.GetValueOrDefault(counted, Quantity.Zero) + Quantity.FromLong(count);
            }
        }
    }

    private static long DeviceCount(JsonObject request) => request.Str("allocationMode") switch
    {
        "ExactCount" => request.Long("count"),
        "All" => MaxDevices,
        _ => 0,
    };
}
