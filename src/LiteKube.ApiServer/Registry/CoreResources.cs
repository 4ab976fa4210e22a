using LiteKube.Apis;

namespace LiteKube.ApiServer.Registry;

/// <summary>Names of the resources that the server itself reads and writes.</summary>
internal static class CoreResources
{
    public const string RbacGroup = "rbac.authorization.k8s.io";

    public static readonly GroupResource ConfigMaps = new("", "configmaps");
    public static readonly GroupResource Endpoints = new("", "endpoints");
    public static readonly GroupResource LimitRanges = new("", "limitranges");
    public static readonly GroupResource Namespaces = new("", "namespaces");
    public static readonly GroupResource Nodes = new("", "nodes");
    public static readonly GroupResource PersistentVolumeClaims = new("", "persistentvolumeclaims");
    public static readonly GroupResource PersistentVolumes = new("", "persistentvolumes");
    public static readonly GroupResource Pods = new("", "pods");
    public static readonly GroupResource ReplicationControllers = new("", "replicationcontrollers");
    public static readonly GroupResource ResourceQuotas = new("", "resourcequotas");
    public static readonly GroupResource Secrets = new("", "secrets");
    public static readonly GroupResource ServiceAccounts = new("", "serviceaccounts");
    public static readonly GroupResource Services = new("", "services");
    public static readonly GroupResource EndpointSlices = new("discovery.k8s.io", "endpointslices");
    public static readonly GroupResource IngressClasses = new("networking.k8s.io", "ingressclasses");
    public static readonly GroupResource Leases = new("coordination.k8s.io", "leases");
    public static readonly GroupResource PriorityClasses = new("scheduling.k8s.io", "priorityclasses");
    public static readonly GroupResource ResourceClaims = new("resource.k8s.io", "resourceclaims");
    public static readonly GroupResource RuntimeClasses = new("node.k8s.io", "runtimeclasses");
    public static readonly GroupResource StorageClasses = new("storage.k8s.io", "storageclasses");
    public static readonly GroupResource VolumeAttachments = new("storage.k8s.io", "volumeattachments");
    public static readonly GroupResource IPAddresses = new("networking.k8s.io", "ipaddresses");
    public static readonly GroupResource ServiceCidrs = new("networking.k8s.io", "servicecidrs");
    public static readonly GroupResource FlowSchemas = new("flowcontrol.apiserver.k8s.io", "flowschemas");
    public static readonly GroupResource PriorityLevelConfigurations = new("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations");
    public static readonly GroupResource Roles = new(RbacGroup, "roles");
    public static readonly GroupResource RoleBindings = new(RbacGroup, "rolebindings");
    public static readonly GroupResource ClusterRoles = new(RbacGroup, "clusterroles");
    public static readonly GroupResource ClusterRoleBindings = new(RbacGroup, "clusterrolebindings");
}
