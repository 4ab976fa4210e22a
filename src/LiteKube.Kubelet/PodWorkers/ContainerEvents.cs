using k8s.Models;
using LiteKube.Client.Events;

namespace LiteKube.Kubelet.PodWorkers;

internal static class ContainerEvents
{
    /// <summary>A pod's container, as events name it: fieldPath "spec.containers{name}".</summary>
    public static V1ObjectReference Reference(V1Pod pod, string containerName)
    {
        var list = PodSpecs.InitContainers(pod).Any(c => c.Name == containerName) ? "initContainers"
            : pod.Spec.EphemeralContainers?.Any(c => c.Name == containerName) == true ? "ephemeralContainers" : "containers";
        var reference = IEventRecorder.Reference(pod, $"spec.{list}{{{containerName}}}");
        reference.ApiVersion ??= "v1";
        reference.Kind ??= "Pod";
        return reference;
    }

    /// <summary>The pod itself; objects out of a list carry no kind of their own.</summary>
    public static V1ObjectReference Reference(V1Pod pod)
    {
        var reference = IEventRecorder.Reference(pod);
        reference.ApiVersion ??= "v1";
        reference.Kind ??= "Pod";
        return reference;
    }
}
