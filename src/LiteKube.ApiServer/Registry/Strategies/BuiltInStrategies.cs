using LiteKube.Apis;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>How to make the strategy of one resource.</summary>
public sealed record StrategyRegistration(GroupResource Resource, Func<ResourceInfo, IStrategy> Make);

/// <summary>The strategies of the kinds that need more than <see cref="DefaultStrategy"/>.</summary>
public static class BuiltInStrategies
{
    private const string InPodNames = "this is used in Pod names and hostnames, which can result in surprising behavior";

    internal static IReadOnlyList<StrategyRegistration> All(IObjectReader objects, ServiceAddresses addresses, Func<IObjectWriter> writer, ApiServerOptions options, TimeProvider time)
    {
        var ports = new ServicePorts(objects, options.NodePortRange, options.IsNodePortFree);
        var service = Make("", "services", r => new ServiceStrategy(r, addresses, ports, new ServiceAddressObjects(objects, writer)));
        return [service, .. Core(time), .. Workloads(), .. Networking(addresses), .. Policies(time), .. Storage(), .. Devices()];
    }

    private static IEnumerable<StrategyRegistration> Core(TimeProvider time) =>
    [
        Make("", "pods", r => new PodStrategy(r)),
        Make("", "namespaces", r => new NamespaceStrategy(r)),
        Make("", "nodes", r => new NodeStrategy(r)),
        Make("", "secrets", r => new SecretStrategy(r)),
        Checked("", "configmaps", ConfigValidation.ConfigMap),
        Make("", "replicationcontrollers", r => new WorkloadStrategy(r, WorkloadValidation.ReplicationController, WorkloadStatusValidation.ReplicaSet, InPodNames)),
        Make("", "podtemplates", r => new PodTemplateStrategy(r)),
        Checked("", "endpoints", DiscoveryValidation.Endpoints),
        Checked("", "limitranges", QuotaValidation.LimitRange),
        Checked("", "resourcequotas", QuotaValidation.Quota, QuotaValidation.QuotaStatus),
        Make("", "persistentvolumes", r => new PersistentVolumeStrategy(r, time)),
        Make("", "persistentvolumeclaims", r => new PersistentVolumeClaimStrategy(r)),
        Make("", "events", r => new EventStrategy(r)),
        Make("events.k8s.io", "events", r => new EventStrategy(r)),
    ];

    private static IEnumerable<StrategyRegistration> Workloads() =>
    [
        Make("apps", "deployments", r => new WorkloadStrategy(r, WorkloadValidation.Deployment, WorkloadStatusValidation.Deployment, InPodNames)),
        Make("apps", "replicasets", r => new WorkloadStrategy(r, WorkloadValidation.ReplicaSet, WorkloadStatusValidation.ReplicaSet, InPodNames)),
        Make("apps", "daemonsets", r => new DaemonSetStrategy(r, InPodNames)),
        Make("apps", "statefulsets", r => new WorkloadStrategy(r, WorkloadValidation.StatefulSet, WorkloadStatusValidation.StatefulSet, null)),
        Checked("apps", "controllerrevisions", PolicyValidation.ControllerRevision),
        Make("batch", "jobs", r => new JobStrategy(r)),
        Checked("batch", "cronjobs", CronJobValidation.Validate),
        Checked("autoscaling", "horizontalpodautoscalers", AutoscalingValidation.Autoscaler, AutoscalingValidation.Status),
        Checked("coordination.k8s.io", "leases", PolicyValidation.Lease),
    ];

    private static IEnumerable<StrategyRegistration> Networking(ServiceAddresses addresses) =>
    [
        Checked("discovery.k8s.io", "endpointslices", DiscoveryValidation.EndpointSlice),
        Checked("networking.k8s.io", "networkpolicies", NetworkingValidation.NetworkPolicy),
        Make("networking.k8s.io", "ingresses", r => new IngressStrategy(r)),
        Checked("networking.k8s.io", "ingressclasses", IngressValidation.Class),
        Make("networking.k8s.io", "ipaddresses", r => new IPAddressStrategy(r, addresses)),
        Checked("networking.k8s.io", "servicecidrs", NetworkingValidation.ServiceCidr),
    ];

    private static IEnumerable<StrategyRegistration> Policies(TimeProvider time) =>
    [
        Checked("policy", "poddisruptionbudgets", PolicyValidation.PodDisruptionBudget, PolicyValidation.PodDisruptionBudgetStatus),
        Checked("scheduling.k8s.io", "priorityclasses", PolicyValidation.PriorityClass),
        Checked("node.k8s.io", "runtimeclasses", PolicyValidation.RuntimeClass),
        Make("flowcontrol.apiserver.k8s.io", "flowschemas", r => new FlowControlStrategy(r, FlowSchemaValidation.Validate)),
        Make("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", r => new FlowControlStrategy(r, PriorityLevelValidation.Validate)),
        Make("certificates.k8s.io", "certificatesigningrequests", r => new CertificateSigningRequestStrategy(r, time)),
        Checked("certificates.k8s.io", "clustertrustbundles", CertificateValidation.ClusterTrustBundle),
        Checked("certificates.k8s.io", "podcertificaterequests", PodCertificateValidation.Validate),
        Checked("storagemigration.k8s.io", "storageversionmigrations", PolicyValidation.StorageVersionMigration),
        Checked(CoreResources.RbacGroup, "roles", RbacValidation.Role),
        Checked(CoreResources.RbacGroup, "clusterroles", RbacValidation.ClusterRole),
        Checked(CoreResources.RbacGroup, "rolebindings", RbacValidation.Binding),
        Checked(CoreResources.RbacGroup, "clusterrolebindings", RbacValidation.Binding),
    ];

    private static IEnumerable<StrategyRegistration> Storage() =>
    [
        Checked("storage.k8s.io", "storageclasses", StorageClassValidation.Class),
        Checked("storage.k8s.io", "csidrivers", StorageClassValidation.CsiDriver),
        Checked("storage.k8s.io", "csinodes", StorageClassValidation.CsiNode, StorageClassValidation.CsiNode),
        Checked("storage.k8s.io", "csistoragecapacities", StorageClassValidation.Capacity),
        Checked("storage.k8s.io", "volumeattachments", StorageClassValidation.Attachment, StorageClassValidation.AttachmentStatus),
        Checked("storage.k8s.io", "volumeattributesclasses", StorageClassValidation.AttributesClass),
    ];

    private static IEnumerable<StrategyRegistration> Devices() =>
    [
        Checked("resource.k8s.io", "resourceclaims", DeviceValidation.Claim, DeviceClaimStatusValidation.Status),
        Checked("resource.k8s.io", "resourceclaimtemplates", DeviceValidation.Template),
        Checked("resource.k8s.io", "deviceclasses", DeviceValidation.Class),
        Checked("resource.k8s.io", "resourceslices", DeviceSliceValidation.Slice),
        Checked("resource.k8s.io", "devicetaintrules", DeviceSliceValidation.TaintRule, DeviceSliceValidation.TaintRuleStatus),
    ];

    /// <summary>Before the first request.</summary>
    internal static void Register(StrategyRegistry registry, IObjectReader objects, ServiceAddresses addresses, Func<IObjectWriter> writer, ApiServerOptions options, TimeProvider time)
    {
        foreach (var registration in All(objects, addresses, writer, options, time))
            registry.Register(registration.Resource.Group, registration.Resource.Resource, registration.Make);
    }

    private static StrategyRegistration Make(string group, string resource, Func<ResourceInfo, IStrategy> make) => new(new(group, resource), make);

    private static StrategyRegistration Checked(string group, string resource, Validation validate, Validation? validateStatus = null) =>
        new(new(group, resource), info => new ValidatedStrategy(info, validate, validateStatus));
}
