using System.Text.Json.Nodes;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>A new node takes no pods until its controller has seen it ready.</summary>
internal sealed class TaintNodesByCondition : AdmissionPlugin
{
    private const string NotReady = "node.kubernetes.io/not-ready";

    public override string Name => "TaintNodesByCondition";

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, CoreResources.Nodes) || attributes.Object is not { } node)
            return;
        if (!node.Obj("spec").Items("taints").Any(t => t.Str("key") == NotReady && t.Str("effect") == "NoSchedule"))
            node.GetOrAdd("spec").GetOrAddArray("taints").Add((JsonNode)new JsonObject { ["key"] = NotReady, ["effect"] = "NoSchedule" });
    }
}

/// <summary>A claim that names no class gets the default one.</summary>
internal sealed class DefaultStorageClass(IObjectReader objects) : AdmissionPlugin
{
    public override string Name => "DefaultStorageClass";

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, CoreResources.PersistentVolumeClaims) || attributes.Object.Obj("spec") is not { } spec || spec.Has("storageClassName"))
            return;
        if (attributes.Object.Annotations().ContainsKey("volume.beta.kubernetes.io/storage-class"))
            return;
        var found = DefaultClasses.Find(objects.List(CoreResources.StorageClasses), "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class");
        if (found.Count > 0)
            spec["storageClassName"] = found[0].MetaName();
    }
}

/// <summary>An Ingress that names no class gets the default one.</summary>
internal sealed class DefaultIngressClass(IObjectReader objects) : AdmissionPlugin
{
    public override string Name => "DefaultIngressClass";

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (attributes.Resource.GroupResource != new Apis.GroupResource("networking.k8s.io", "ingresses") || attributes.Request.Subresource.Length > 0 || attributes.Object is not { } ingress)
            return;
        if (ingress.Obj("spec").Has("ingressClassName") || ingress.Annotations().ContainsKey("kubernetes.io/ingress.class"))
            return;
        var found = DefaultClasses.Find(objects.List(CoreResources.IngressClasses), "ingressclass.kubernetes.io/is-default-class");
        if (found.Count > 0)
            ingress.GetOrAdd("spec")["ingressClassName"] = found[0].MetaName();
    }
}

internal static class DefaultClasses
{
    /// <summary>Those marked as default; the newest first, then by name.</summary>
    public static IReadOnlyList<JsonObject> Find(IReadOnlyList<JsonObject> classes, params string[] annotations) =>
    [
        .. classes.Where(c => annotations.Any(a => c.Annotations().GetValueOrDefault(a) == "true"))
            .OrderByDescending(c => c.Meta().Str("creationTimestamp"), StringComparer.Ordinal).ThenBy(c => c.MetaName(), StringComparer.Ordinal),
    ];
}

/// <summary>Volumes and claims in use are not removed: a controller takes the finalizer away when they are free.</summary>
internal sealed class StorageObjectInUseProtection : AdmissionPlugin
{
    public override string Name => "StorageObjectInUseProtection";

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (attributes.Object is not { } value || attributes.Request.Subresource.Length > 0)
            return;
        var finalizer = attributes.Resource.GroupResource == CoreResources.PersistentVolumeClaims ? "kubernetes.io/pvc-protection"
            : attributes.Resource.GroupResource == CoreResources.PersistentVolumes ? "kubernetes.io/pv-protection" : null;
        if (finalizer is not null && !value.Meta().Strings("finalizers").Contains(finalizer))
            value.GetOrAdd("metadata").GetOrAddArray("finalizers").Add((JsonNode)finalizer);
    }
}

/// <summary>A claim grows only when it is bound and its class says that volumes may be expanded (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims).</summary>
internal sealed class PersistentVolumeClaimResize(IObjectReader objects) : AdmissionPlugin
{
    public override string Name => "PersistentVolumeClaimResize";

    public override bool Handles(AdmissionOperation operation) => operation == AdmissionOperation.Update;

    protected override void Validate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, CoreResources.PersistentVolumeClaims) || attributes is not { Object: { } value, OldObject: { } old })
            return;
        if (Size(value) is not { } size || (Size(old) is { } before && size <= before))
            return;
        if (old.Obj("status").Str("phase") != "Bound")
            throw Forbidden(attributes, "Only bound persistent volume claims can be expanded");
        var (name, oldName) = (ClassOf(value), ClassOf(old));
        if (name.Length == 0 || name != oldName || !objects.Get(CoreResources.StorageClasses, "", name).Bool("allowVolumeExpansion"))
            throw Forbidden(attributes, "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize");
    }

    private static Quantity? Size(JsonObject claim) =>
        Quantity.TryParse(claim.Obj("spec").Obj("resources", "requests").Str("storage"), out var size) ? size : null;

    private static string ClassOf(JsonObject claim) =>
        claim.Annotations().GetValueOrDefault("volume.beta.kubernetes.io/storage-class") ?? claim.Obj("spec").Str("storageClassName");
}

/// <summary>A pod that is bound carries the zone and region of its node, so that it can learn of them by the downward API (KEP-4742).</summary>
internal sealed class PodTopologyLabels(IObjectReader objects) : AdmissionPlugin
{
    private static readonly string[] Copied = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

    public override string Name => "PodTopologyLabels";

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (attributes.Object is not { } value)
            return;
        var node = IsFor(attributes, CoreResources.Pods) ? value.Obj("spec").Str("nodeName")
            : IsFor(attributes, CoreResources.Pods, "binding") && value.Obj("target").Str("kind") == "Node" ? value.Obj("target").Str("name") : "";
        if (node.Length == 0 || objects.Get(CoreResources.Nodes, "", node).Meta().Obj("labels") is not { } labels)
            return;
        foreach (var key in Copied)
        {
            // What the pod says of itself stands.
            if (labels.StrOrNull(key) is { } label && !value.Meta().Obj("labels").Has(key))
                value.GetOrAdd("metadata").GetOrAdd("labels")[key] = label;
        }
    }
}
