using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Bootstrap;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authorization;

/// <summary>
/// What a kubelet may do (https://kubernetes.io/docs/reference/access-authn-authz/node/): read what the pods on its node
/// refer to, and its own node, lease and pods. Writes are narrowed further by the NodeRestriction admission plugin.
/// </summary>
public sealed class NodeAuthorizer : IAuthorizer, IDisposable
{
    public const string UserPrefix = "system:node:";
    private const string LeaseNamespace = "kube-node-lease";

    private readonly IObjectReader _objects;
    private readonly NodePodGraph _graph;
    private readonly PolicyRule[] _nodeRules = BootstrapPolicy.RulesOfClusterRole("system:node");

    public NodeAuthorizer(IObjectReader objects)
    {
        _objects = objects;
        _graph = new NodePodGraph(objects);
    }

    public void Dispose() => _graph.Dispose();

    /// <summary>The node's name when the user is a kubelet, else null.</summary>
    public static string? NodeNameOf(UserInfo user) =>
        user.Name.StartsWith(UserPrefix, StringComparison.Ordinal) && user.Name.Length > UserPrefix.Length && user.IsInGroup(UserInfo.NodesGroup) ? user.Name[UserPrefix.Length..] : null;

    public AuthorizationDecision Authorize(UserInfo user, RequestInfo request)
    {
        if (NodeNameOf(user) is not { } node)
            return AuthorizationDecision.Deny();
        if (!request.IsResourceRequest)
            return ByRules(request);
        return (request.Group, request.Resource) switch
        {
            ("", "secrets") => ReadOne(node, request, PodReferenceKind.Secret),
            ("", "configmaps") => ReadOne(node, request, PodReferenceKind.ConfigMap),
            ("", "persistentvolumeclaims") when request.Subresource == "status" => request.Verb is "get" or "update" or "patch"
                ? Related(node, request, PodReferenceKind.PersistentVolumeClaim) : AuthorizationDecision.Deny("can only get/update/patch this type"),
            ("", "persistentvolumeclaims") => GetOne(request) ?? Related(node, request, PodReferenceKind.PersistentVolumeClaim),
            ("", "persistentvolumes") => GetOne(request) ?? Volume(node, request),
            ("", "serviceaccounts") => ServiceAccount(node, request),
            ("", "nodes") => Node(node, request),
            ("", "pods") => Pod(node, request),
            ("coordination.k8s.io", "leases") => Lease(node, request),
            ("storage.k8s.io", "csinodes") => CsiNode(node, request),
            ("storage.k8s.io", "volumeattachments") => GetOne(request) ?? (_objects.Get(CoreResources.VolumeAttachments, "", request.Name).Obj("spec").Str("nodeName") == node ? AuthorizationDecision.Allow : NoRelation(node)),
            _ => ByRules(request),
        };
    }

    private AuthorizationDecision ByRules(RequestInfo request) => _nodeRules.Any(r => r.Allows(request)) ? AuthorizationDecision.Allow : AuthorizationDecision.Deny();

    private AuthorizationDecision ReadOne(string node, RequestInfo request, PodReferenceKind kind)
    {
        if (request.Verb is not ("get" or "list" or "watch"))
            return AuthorizationDecision.Deny("can only read resources of this type");
        if (request.Subresource.Length > 0)
            return AuthorizationDecision.Deny("cannot read subresource");
        if (request.Namespace.Length == 0)
            return AuthorizationDecision.Deny("can only read namespaced object of this type");
        if (request.Name.Length == 0)
            return AuthorizationDecision.Deny("No Object name found");
        var decision = Related(node, request, kind);
        return decision.Allowed || kind != PodReferenceKind.Secret || !IsVolumeSecret(node, request) ? decision : AuthorizationDecision.Allow;
    }

    private static AuthorizationDecision? GetOne(RequestInfo request)
    {
        if (request.Verb != "get")
            return AuthorizationDecision.Deny("can only get individual resources of this type");
        if (request.Subresource.Length > 0)
            return AuthorizationDecision.Deny("cannot get subresource");
        return request.Name.Length == 0 ? AuthorizationDecision.Deny("No Object name found") : null;
    }

    private AuthorizationDecision Related(string node, RequestInfo request, PodReferenceKind kind) =>
        _graph.Refers(node, new(kind, request.Namespace, request.Name)) ? AuthorizationDecision.Allow : NoRelation(node);

    private AuthorizationDecision Volume(string node, RequestInfo request)
    {
        var claim = _objects.Get(CoreResources.PersistentVolumes, "", request.Name).Obj("spec", "claimRef");
        return claim is not null && _graph.Refers(node, new(PodReferenceKind.PersistentVolumeClaim, claim.Str("namespace"), claim.Str("name"))) ? AuthorizationDecision.Allow : NoRelation(node);
    }

    /// <summary>A secret that a bound volume of one of the node's pods names.</summary>
    private bool IsVolumeSecret(string node, RequestInfo request)
    {
        foreach (var claim in _graph.References(node, PodReferenceKind.PersistentVolumeClaim))
        {
            var volume = _objects.Get(CoreResources.PersistentVolumeClaims, claim.Namespace, claim.Name).Obj("spec").Str("volumeName");
            var spec = volume.Length == 0 ? null : _objects.Get(CoreResources.PersistentVolumes, "", volume).Obj("spec");
            foreach (var reference in (System.Text.Json.Nodes.JsonObject?[])[spec.Obj("csi", "nodePublishSecretRef"), spec.Obj("csi", "nodeStageSecretRef"), spec.Obj("csi", "nodeExpandSecretRef"), spec.Obj("flexVolume", "secretRef"), spec.Obj("iscsi", "secretRef")])
            {
                if (reference is not null && reference.Str("name") == request.Name && reference.Str("namespace") == request.Namespace)
                    return true;
            }
        }
        return false;
    }

    private AuthorizationDecision ServiceAccount(string node, RequestInfo request)
    {
        if (request is not ({ Verb: "create", Subresource: "token" } or { Verb: "get", Subresource: "" }))
            return AuthorizationDecision.Deny("can only create tokens for individual service accounts");
        return request.Name.Length == 0 ? AuthorizationDecision.Deny("can only create tokens for individual service accounts") : Related(node, request, PodReferenceKind.ServiceAccount);
    }

    private static AuthorizationDecision Node(string node, RequestInfo request) => request switch
    {
        // Creating and changing is limited to the own node by NodeRestriction, which sees the object.
        { Subresource: "", Verb: "create" or "update" or "patch" } => AuthorizationDecision.Allow,
        { Subresource: "", Verb: "get" or "list" or "watch" } => request.Name == node ? AuthorizationDecision.Allow
            : AuthorizationDecision.Deny($"node '{node}' cannot read '{request.Name}', only its own Node object"),
        { Subresource: "status", Verb: "update" or "patch" } => AuthorizationDecision.Allow,
        _ => AuthorizationDecision.Deny(),
    };

    private AuthorizationDecision Pod(string node, RequestInfo request)
    {
        switch (request.Subresource, request.Verb)
        {
            case ("", "create" or "delete") or ("status", "update" or "patch") or ("eviction", "create"):
                return AuthorizationDecision.Allow;
            case ("", "get"):
                return Related(node, request, PodReferenceKind.Pod);
            case ("", "list" or "watch"):
                return request.FieldSelector.Split(',').Contains($"spec.nodeName={node}") || request.FieldSelector.Split(',').Contains($"spec.nodeName=={node}")
                    || (request.Name.Length > 0 && request.Namespace.Length > 0 && Related(node, request, PodReferenceKind.Pod).Allowed)
                    ? AuthorizationDecision.Allow : AuthorizationDecision.Deny("can only list/watch pods with spec.nodeName field selector");
            default:
                return AuthorizationDecision.Deny();
        }
    }

    private static AuthorizationDecision Lease(string node, RequestInfo request)
    {
        if (request.Verb is not ("get" or "create" or "update" or "patch" or "delete"))
            return AuthorizationDecision.Deny("can only get, create, update, patch, or delete a node lease");
        if (request.Namespace != LeaseNamespace)
            return AuthorizationDecision.Deny($"can only access leases in the \"{LeaseNamespace}\" system namespace");
        // A create carries the name in its body; NodeRestriction looks there.
        return request.Verb != "create" && request.Name != node ? AuthorizationDecision.Deny("can only access node lease with the same name as the requesting node") : AuthorizationDecision.Allow;
    }

    private static AuthorizationDecision CsiNode(string node, RequestInfo request)
    {
        if (request.Verb is not ("get" or "create" or "update" or "patch" or "delete"))
            return AuthorizationDecision.Deny("can only get, create, update, patch, or delete a CSINode");
        if (request.Subresource.Length > 0)
            return AuthorizationDecision.Deny("cannot authorize CSINode subresources");
        return request.Verb != "create" && request.Name != node ? AuthorizationDecision.Deny("can only access CSINode with the same name as the requesting node") : AuthorizationDecision.Allow;
    }

    private static AuthorizationDecision NoRelation(string node) => AuthorizationDecision.Deny($"no relationship found between node '{node}' and this object");
}
