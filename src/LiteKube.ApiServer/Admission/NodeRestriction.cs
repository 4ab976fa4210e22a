using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>A kubelet writes only what is its own: its node, its lease, mirror pods and the status of pods bound to it (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction).</summary>
internal sealed class NodeRestriction(IObjectReader objects) : AdmissionPlugin
{
    private const string MirrorAnnotation = "kubernetes.io/config.mirror";
    private static readonly string[] OwnLabels =
    [
        "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/region", "topology.kubernetes.io/zone", "node.kubernetes.io/windows-build",
    ];

    public override string Name => "NodeRestriction";

    public override bool Handles(AdmissionOperation operation) => operation != AdmissionOperation.Connect;

    protected override void Validate(AdmissionAttributes attributes)
    {
        if (NodeAuthorizer.NodeNameOf(attributes.User) is not { } node)
            return;
        switch (attributes.Resource.Kind)
        {
            case "Pod":
                CheckPod(attributes, node);
                break;
            case "Node":
                CheckNode(attributes, node);
                break;
            case "ServiceAccount" when attributes.Request.Subresource == "token":
                CheckToken(attributes, node);
                break;
            case "Lease" or "CSINode":
                var name = attributes.Object?.MetaName() is { Length: > 0 } own ? own : attributes.Request.Name;
                if (name != node)
                    throw Forbidden(attributes, attributes.Resource.Kind == "Lease" ? "can only access node lease with the same name as the requesting node" : "can only access CSINode with the same name as the requesting node");
                break;
        }
    }

    private void CheckPod(AdmissionAttributes attributes, string node)
    {
        switch (attributes.Request.Subresource, attributes.Operation)
        {
            case ("", AdmissionOperation.Create):
                CheckMirrorPod(attributes, node);
                break;
            case ("", AdmissionOperation.Delete):
                var existing = objects.Get(CoreResources.Pods, attributes.Request.Namespace, attributes.Request.Name);
                if (existing is not null && existing.Obj("spec").Str("nodeName") != node)
                    throw Forbidden(attributes, $"node \"{node}\" can only delete pods with spec.nodeName set to itself");
                break;
            case ("status", AdmissionOperation.Update):
                if (attributes.OldObject.Obj("spec").Str("nodeName") != node)
                    throw Forbidden(attributes, $"node \"{node}\" can only update pod status for pods with spec.nodeName set to itself");
                if (!(attributes.Object.Meta()?["labels"]).SemanticallySameAs(attributes.OldObject.Meta()?["labels"]))
                    throw Forbidden(attributes, $"node \"{node}\" cannot update labels through pod status");
                break;
            case ("eviction", AdmissionOperation.Create):
                var evicted = objects.Get(CoreResources.Pods, attributes.Request.Namespace, attributes.Request.Name);
                if (evicted is not null && evicted.Obj("spec").Str("nodeName") != node)
                    throw Forbidden(attributes, $"node \"{node}\" can only evict pods with spec.nodeName set to itself");
                break;
            default:
                throw Forbidden(attributes, $"unexpected operation \"{attributes.Operation.ToString().ToUpperInvariant()}\"");
        }
    }

    private static void CheckMirrorPod(AdmissionAttributes attributes, string node)
    {
        var pod = attributes.Object!;
        if (!pod.Annotations().ContainsKey(MirrorAnnotation))
            throw Forbidden(attributes, $"pod does not have \"{MirrorAnnotation}\" annotation, node \"{node}\" can only create mirror pods");
        if (pod.Obj("spec").Str("nodeName") != node)
            throw Forbidden(attributes, $"node \"{node}\" can only create pods with spec.nodeName set to itself");
        if (pod.Meta().Items("ownerReferences").Any(o => o.Str("kind") != "Node" || o.Str("name") != node))
            throw Forbidden(attributes, $"node \"{node}\" can only create pods with an owner reference set to itself");
        foreach (var reference in PodReferences.Of(pod))
        {
            var what = reference.Kind switch
            {
                PodReferenceKind.ServiceAccount => "a service account",
                PodReferenceKind.Secret => "secrets",
                PodReferenceKind.ConfigMap => "configmaps",
                _ => "a persistentvolumeclaim",
            };
            throw Forbidden(attributes, $"node \"{node}\" can not create pods that reference {what}");
        }
    }

    private static void CheckNode(AdmissionAttributes attributes, string node)
    {
        var name = attributes.Object?.MetaName() is { Length: > 0 } own ? own : attributes.Request.Name;
        if (name != node)
            throw Forbidden(attributes, $"node \"{node}\" is not allowed to modify node \"{name}\"");
        var (value, old) = (attributes.Object, attributes.OldObject);
        if (value is null)
            return;
        if (old is not null && !(value.Obj("spec")?["taints"]).SemanticallySameAs(old.Obj("spec")?["taints"]))
            throw Forbidden(attributes, $"node \"{node}\" is not allowed to modify taints");
        var (now, before) = (value.Labels(), old.Labels());
        var changed = now.Keys.Union(before.Keys, StringComparer.Ordinal).Where(k => now.GetValueOrDefault(k) != before.GetValueOrDefault(k) && !MayLabel(k)).Order(StringComparer.Ordinal).ToList();
        if (changed.Count > 0)
            throw Forbidden(attributes, $"is not allowed to modify labels: {string.Join(", ", changed)}");
    }

    /// <summary>Labels that steer pods to nodes are not the node's to give, apart from what it reports about itself.</summary>
    private static bool MayLabel(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        var prefix = slash < 0 ? "" : key[..slash];
        var isKubernetes = IsWithin(prefix, "kubernetes.io") || IsWithin(prefix, "k8s.io");
        return !isKubernetes || OwnLabels.Contains(key) || IsWithin(prefix, "kubelet.kubernetes.io") || (IsWithin(prefix, "node.kubernetes.io") && !IsWithin(prefix, "node-restriction.kubernetes.io"));
    }

    private static bool IsWithin(string prefix, string domain) => prefix == domain || prefix.EndsWith("." + domain, StringComparison.Ordinal);

    private void CheckToken(AdmissionAttributes attributes, string node)
    {
        var reference = attributes.Object.Obj("spec", "boundObjectRef");
        if (reference is null || reference.Str("kind") != "Pod" || reference.Str("apiVersion") != "v1" || reference.Str("name").Length == 0)
            throw Forbidden(attributes, "node requested token not bound to a pod");
        if (reference.Str("uid").Length == 0)
            throw Forbidden(attributes, "node requested token with a pod binding without a uid");
        var pod = objects.Get(CoreResources.Pods, attributes.Request.Namespace, reference.Str("name")) ?? throw ApiException.NotFound(CoreResources.Pods, reference.Str("name"));
        if (pod.MetaUid() != reference.Str("uid"))
            throw Forbidden(attributes, $"the UID in the bound object reference ({reference.Str("uid")}) does not match the UID in record ({pod.MetaUid()}). The object might have been deleted and then recreated");
        if (pod.Obj("spec").Str("nodeName") != node)
            throw Forbidden(attributes, "node requested token bound to a pod scheduled on a different node");
    }
}
