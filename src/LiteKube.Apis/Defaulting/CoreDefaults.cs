using System.Text.Json.Nodes;

namespace LiteKube.Apis.Defaulting;

/// <summary>The core group beside pods, storage and discovery.</summary>
internal static class CoreDefaults
{
    private const string Core = "io.k8s.api.core.v1.";
    private const string Storage = "io.k8s.api.storage.v1.";

    public static (string Type, DefaultRule Rule)[] Rules { get; } =
    [
        (Core + "Service", Service),
        (Core + "Secret", t => t.IfEmpty("type", "Opaque")),
        (Core + "Namespace", Namespace),
        (Core + "NamespaceStatus", t => t.IfEmpty("phase", "Active")),
        (Core + "NodeStatus", NodeStatus),
        (Core + "PersistentVolume", PersistentVolume),
        (Core + "PersistentVolumeClaim", t => t.Child("status").IfEmpty("phase", "Pending")),
        (Core + "EndpointPort", t => t.IfEmpty("protocol", "TCP")),
        (Core + "LimitRangeItem", LimitRangeItem),
        (Core + "PodLogOptions", t => t.IfMissing("stream", "All")),
        (Storage + "StorageClass", StorageClass),
        (Storage + "CSIDriver", CsiDriver),
        ("io.k8s.api.discovery.v1.EndpointPort", DiscoveryPort),
    ];

    private static void Service(DefaultTarget service)
    {
        var spec = service.Child("spec");
        Affinity(spec);
        spec.IfEmpty("type", "ClusterIP");
        foreach (var port in spec.Children("ports"))
        {
            port.IfEmpty("protocol", "TCP");
            if (port.Value["port"] is { } number)
                port.IfEmpty("targetPort", number.DeepClone());
        }

        var type = spec.Text("type");
        var isExternal = type is "NodePort" or "LoadBalancer" || (type == "ClusterIP" && !spec.IsEmpty("externalIPs"));
        if (isExternal)
            spec.IfEmpty("externalTrafficPolicy", "Cluster");
        if (type is "ClusterIP" or "NodePort" or "LoadBalancer")
            spec.IfMissing("internalTrafficPolicy", "Cluster");
        if (type != "LoadBalancer")
            return;
        spec.IfMissing("allocateLoadBalancerNodePorts", true);
        foreach (var ingress in service.Child("status").Child("loadBalancer").Children("ingress"))
        {
            if (!ingress.IsEmpty("ip"))
                ingress.IfMissing("ipMode", "VIP");
        }
    }

    private static void Affinity(DefaultTarget spec)
    {
        spec.IfEmpty("sessionAffinity", "None");
        if (spec.Text("sessionAffinity") == "None")
            spec.Value.Remove("sessionAffinityConfig");
        if (spec.Text("sessionAffinity") == "ClientIP")
            spec.Child("sessionAffinityConfig").Child("clientIP").IfMissing("timeoutSeconds", 10800);
    }

    private static void Namespace(DefaultTarget space)
    {
        var metadata = space.Child("metadata");
        var name = metadata.Text("name");
        if (name.Length == 0)
            return;
        metadata.IfMissing("labels", new JsonObject());
        var labels = metadata.Value["labels"]!.AsObject();
        labels.Remove("kubernetes.io/metadata.name");
        PodDefaults.CopyMissing(new JsonObject { ["kubernetes.io/metadata.name"] = name }, labels);
    }

    private static void NodeStatus(DefaultTarget status)
    {
        if (status.Value["capacity"] is { } capacity)
            status.IfMissing("allocatable", capacity.DeepClone());
    }

    private static void PersistentVolume(DefaultTarget volume)
    {
        volume.Child("status").IfEmpty("phase", "Pending");
        var spec = volume.Child("spec");
        spec.IfEmpty("persistentVolumeReclaimPolicy", "Retain");
        spec.IfMissing("volumeMode", "Filesystem");
    }

    private static void LimitRangeItem(DefaultTarget item)
    {
        if (item.Text("type") != "Container")
            return;
        Fill(item, "default", "max");
        Fill(item, "defaultRequest", "default");
        Fill(item, "defaultRequest", "min");
    }

    private static void Fill(DefaultTarget item, string target, string source)
    {
        if (item.Value[source] is not JsonObject { Count: > 0 } amounts)
            return;
        item.IfMissing(target, new JsonObject());
        PodDefaults.CopyMissing(amounts, item.Value[target]!.AsObject());
    }

    private static void StorageClass(DefaultTarget storageClass)
    {
        storageClass.IfMissing("reclaimPolicy", "Delete");
        storageClass.IfMissing("volumeBindingMode", "Immediate");
    }

    private static void CsiDriver(DefaultTarget driver)
    {
        var spec = driver.Child("spec");
        spec.IfMissing("attachRequired", true);
        spec.IfMissing("podInfoOnMount", false);
        spec.IfMissing("storageCapacity", false);
        spec.IfMissing("fsGroupPolicy", "ReadWriteOnceWithFSType");
        spec.IfEmpty("volumeLifecycleModes", new JsonArray("Persistent"));
        spec.IfMissing("requiresRepublish", false);
        spec.IfMissing("seLinuxMount", false);
    }

    private static void DiscoveryPort(DefaultTarget port)
    {
        port.IfMissing("name", "");
        port.IfMissing("protocol", "TCP");
    }
}
