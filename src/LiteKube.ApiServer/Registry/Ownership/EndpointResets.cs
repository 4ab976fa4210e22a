using LiteKube.Apis;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Ownership;

/// <summary>
/// Which fields the endpoints of a kind set back, so that nobody comes to own them there: upstream's GetResetFields.
/// </summary>
internal static class EndpointResets
{
    private static readonly ResetFields Status = ResetFields.Excluding("status");
    private static readonly ResetFields Spec = ResetFields.Excluding("spec");
    private static readonly ResetFields SpecAndMetadata = ResetFields.Excluding("spec", "metadata");
    private static readonly ResetFields PodStatus = ResetFields.Excluding("spec", "metadata.deletionTimestamp", "metadata.ownerReferences");
    private static readonly ResetFields DeploymentStatus = ResetFields.Excluding("spec", "metadata.labels");
    private static readonly ResetFields EphemeralContainers = ResetFields.AllBut("spec.ephemeralContainers");
    private static readonly ResetFields Resize = ResetFields.AllBut("spec.containers.*.resources", "spec.containers.*.resizePolicy", "spec.initContainers.*.resources", "spec.initContainers.*.resizePolicy");

    public static ResetFields For(ResourceInfo resource, string subresource) => (resource.GroupResource, subresource) switch
    {
        (_, "") => resource.HasStatus ? Status : ResetFields.None,
        ({ Group: "", Resource: "pods" }, "status") => PodStatus,
        ({ Group: "", Resource: "pods" }, "ephemeralcontainers") => EphemeralContainers,
        ({ Group: "", Resource: "pods" }, "resize") => Resize,
        ({ Group: "apps", Resource: "deployments" }, "status") => DeploymentStatus,
        (_, "status") => KeepsMetadata(resource.GroupResource) ? Spec : SpecAndMetadata,
        (_, "approval") => Spec,
        (_, "finalize") => Status,
        _ => ResetFields.None,
    };

    /// <summary>The older built-in groups take labels and annotations on /status; the newer ones and custom resources take the status alone.</summary>
    private static bool KeepsMetadata(GroupResource resource) => resource.Group is
        "" or "apps" or "batch" or "autoscaling" or "policy" or "networking.k8s.io" or "certificates.k8s.io" or "storage.k8s.io";
}
