using LiteKube.Cri.V1;
using LiteKube.Kubelet.PodWorkers;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Kubelet.Pleg;

/// <summary>One list of all that the runtime has, by pod.</summary>
internal static class RuntimePods
{
    /// <summary>Two calls, however many pods there are; what a list does not say (times, exit codes) is left out.</summary>
    public static async Task<Dictionary<string, (PodIdentity Identity, PodSnapshot Snapshot)>> ListAsync(IRuntime runtime, CancellationToken cancellationToken)
    {
        // Sandboxes first: a container listed after them has its sandbox in the list, or is found the next time.
        var sandboxes = await runtime.ListPodSandboxesAsync(null, cancellationToken);
        var containers = await runtime.ListContainersAsync(null, cancellationToken);
        var pods = new Dictionary<string, (PodIdentity Identity, PodSnapshot Snapshot)>(StringComparer.Ordinal);
        foreach (var sandbox in sandboxes)
        {
            var (identity, snapshot) = Entry(pods, sandbox.Labels);
            if (identity is null)
                continue;
            pods[identity.Uid] = (identity, snapshot.With(new SandboxRecord(sandbox.Id, sandbox.Metadata.Attempt, sandbox.State == PodSandboxState.SandboxReady,
                Nanoseconds.ToTime(sandbox.CreatedAt), false, [], sandbox.Annotations)));
        }
        foreach (var container in containers)
        {
            var (identity, snapshot) = Entry(pods, container.Labels);
            if (identity is null)
                continue;
            pods[identity.Uid] = (identity, snapshot.With(new ContainerRecord
            {
                Id = container.Id,
                Name = container.Labels[PodLabels.ContainerName],
                SandboxId = container.PodSandboxId,
                RestartCount = (int)container.Metadata.Attempt,
                Hash = container.Annotations.TryGetValue(PodLabels.ContainerHash, out var hash) ? hash : "",
                Phase = ContainerRecord.PhaseOf(container.State),
                CreatedAt = Nanoseconds.ToTime(container.CreatedAt),
                Annotations = container.Annotations,
            }));
        }
        return pods;
    }

    /// <summary>No identity for what is not a pod's: somebody else's use of the runtime.</summary>
    private static (PodIdentity? Identity, PodSnapshot Snapshot) Entry(Dictionary<string, (PodIdentity Identity, PodSnapshot Snapshot)> pods, IDictionary<string, string> labels)
    {
        if (!labels.TryGetValue(PodLabels.PodUid, out var uid) || !labels.TryGetValue(PodLabels.PodName, out var name) || !labels.TryGetValue(PodLabels.PodNamespace, out var ns))
            return (null, PodSnapshot.Empty);
        return pods.TryGetValue(uid, out var known) ? known : (new PodIdentity(ns, name, uid), PodSnapshot.Empty);
    }
}
