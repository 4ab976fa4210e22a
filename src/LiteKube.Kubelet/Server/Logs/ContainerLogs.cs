using k8s.Models;
using LiteKube.Kubelet.PodWorkers;
using Microsoft.AspNetCore.Http;

namespace LiteKube.Kubelet.Server.Logs;

/// <summary>Finds whose log is meant, or says why there is none.</summary>
internal static class ContainerLogs
{
    /// <exception cref="ServerException">In the kubelet's words.</exception>
    public static ContainerHandle Find(IPodDirectory pods, V1Pod pod, string container, bool previous)
    {
        var name = pod.Metadata.Name;
        if (!HasContainer(pod.Spec, container))
            throw new ServerException(StatusCodes.Status404NotFound, $"container \"{container}\" not found in pod \"{name}\"\n");
        if (pods.FindContainer(pod.Metadata.Uid, container, previous) is { } handle)
            return handle;
        if (previous)
            throw BadRequest($"previous terminated container \"{container}\" in pod \"{name}\" not found");

        var status = Statuses(pod).FirstOrDefault(s => s.Name == container)
            ?? throw BadRequest($"container \"{container}\" in pod \"{name}\" is not available");
        throw BadRequest(status.State?.Waiting?.Reason switch
        {
            null => $"container \"{container}\" in pod \"{name}\" is waiting to start - no logs yet",
            "ErrImagePull" => $"container \"{container}\" in pod \"{name}\" is waiting to start: image can't be pulled",
            "ImagePullBackOff" => $"container \"{container}\" in pod \"{name}\" is waiting to start: trying and failing to pull image",
            var reason => $"container \"{container}\" in pod \"{name}\" is waiting to start: {reason}",
        });
    }

    private static bool HasContainer(V1PodSpec spec, string name) =>
        spec.Containers.Any(c => c.Name == name) || spec.InitContainers?.Any(c => c.Name == name) == true || spec.EphemeralContainers?.Any(c => c.Name == name) == true;

    private static IEnumerable<V1ContainerStatus> Statuses(V1Pod pod) =>
        (pod.Status?.ContainerStatuses ?? []).Concat(pod.Status?.InitContainerStatuses ?? []).Concat(pod.Status?.EphemeralContainerStatuses ?? []);

    private static ServerException BadRequest(string message) => new(StatusCodes.Status400BadRequest, message);
}
