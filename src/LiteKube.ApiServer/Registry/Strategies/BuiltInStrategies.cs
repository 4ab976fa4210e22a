using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>How to make the strategy of one resource.</summary>
public sealed record StrategyRegistration(GroupResource Resource, Func<ResourceInfo, IStrategy> Make);

/// <summary>The strategies of the kinds that need more than <see cref="DefaultStrategy"/>.</summary>
public static class BuiltInStrategies
{
    public static IReadOnlyList<StrategyRegistration> All(IObjectReader objects, ApiServerOptions options, TimeProvider time)
    {
        var allocators = new ServiceAllocators(objects, options.ServiceCidr, options.NodePortRange, options.IsNodePortFree);
        return
        [
            Make("", "pods", r => new PodStrategy(r)),
            Make("", "services", r => new ServiceStrategy(r, allocators)),
            Make("", "namespaces", r => new NamespaceStrategy(r)),
            Make("", "nodes", r => new NodeStrategy(r)),
            Make("", "secrets", r => new SecretStrategy(r)),
            Make("batch", "jobs", r => new JobStrategy(r)),
            Make("certificates.k8s.io", "certificatesigningrequests", r => new CertificateSigningRequestStrategy(r, time)),
            Checked("certificates.k8s.io", "clustertrustbundles", CertificateValidation.ClusterTrustBundle),
            Checked("", "configmaps", ConfigValidation.ConfigMap),
            Checked("", "replicationcontrollers", WorkloadValidation.ReplicationController),
            Checked("", "podtemplates", WorkloadValidation.PodTemplate),
            Checked("", "endpoints", DiscoveryValidation.Endpoints),
            Checked("", "limitranges", PolicyValidation.LimitRange),
            Checked("", "resourcequotas", PolicyValidation.ResourceQuota),
            Make("", "persistentvolumes", r => new PersistentVolumeStrategy(r, time)),
            Make("", "persistentvolumeclaims", r => new PersistentVolumeClaimStrategy(r)),
            Checked("", "events", PolicyValidation.Event),
            Checked("events.k8s.io", "events", PolicyValidation.Event),
            Checked("apps", "deployments", WorkloadValidation.Deployment),
            Checked("apps", "replicasets", WorkloadValidation.ReplicaSet),
            Checked("apps", "daemonsets", WorkloadValidation.DaemonSet),
            Checked("apps", "statefulsets", WorkloadValidation.StatefulSet),
            Checked("apps", "controllerrevisions", PolicyValidation.ControllerRevision),
            Checked("batch", "cronjobs", CronJobValidation.Validate),
            Checked("autoscaling", "horizontalpodautoscalers", PolicyValidation.HorizontalPodAutoscaler),
            Checked("policy", "poddisruptionbudgets", PolicyValidation.PodDisruptionBudget),
            Checked("coordination.k8s.io", "leases", PolicyValidation.Lease),
            Checked("discovery.k8s.io", "endpointslices", DiscoveryValidation.EndpointSlice),
            Checked("networking.k8s.io", "networkpolicies", DiscoveryValidation.NetworkPolicy),
            Checked("networking.k8s.io", "ingresses", DiscoveryValidation.Ingress),
            Checked("networking.k8s.io", "ingressclasses", DiscoveryValidation.IngressClass),
            Checked("scheduling.k8s.io", "priorityclasses", PolicyValidation.PriorityClass),
            Checked("node.k8s.io", "runtimeclasses", PolicyValidation.RuntimeClass),
            Make("flowcontrol.apiserver.k8s.io", "flowschemas", r => new FlowControlStrategy(r, FlowSchemaValidation.Validate)),
            Make("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", r => new FlowControlStrategy(r, PriorityLevelValidation.Validate)),
            Checked("storage.k8s.io", "storageclasses", StorageValidation.Class),
            Checked(CoreResources.RbacGroup, "roles", RbacValidation.Role),
            Checked(CoreResources.RbacGroup, "clusterroles", RbacValidation.ClusterRole),
            Checked(CoreResources.RbacGroup, "rolebindings", RbacValidation.Binding),
            Checked(CoreResources.RbacGroup, "clusterrolebindings", RbacValidation.Binding),
        ];
    }

    /// <summary>Before the first request.</summary>
    public static void Register(StrategyRegistry registry, IObjectReader objects, ApiServerOptions options, TimeProvider time)
    {
        foreach (var registration in All(objects, options, time))
            registry.Register(registration.Resource.Group, registration.Resource.Resource, registration.Make);
    }

    private static StrategyRegistration Make(string group, string resource, Func<ResourceInfo, IStrategy> make) => new(new(group, resource), make);

    private static StrategyRegistration Checked(string group, string resource, Action<FieldErrors, JsonObject, JsonObject?> validate) =>
        new(new(group, resource), info => new ValidatedStrategy(info, validate));
}
