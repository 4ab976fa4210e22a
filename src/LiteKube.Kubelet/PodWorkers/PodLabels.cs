namespace LiteKube.Kubelet.PodWorkers;

/// <summary>What the kubelet writes on sandboxes and containers, so that it finds its pods again after a restart.</summary>
internal static class PodLabels
{
    public const string PodName = "io.kubernetes.pod.name";
    public const string PodNamespace = "io.kubernetes.pod.namespace";
    public const string PodUid = "io.kubernetes.pod.uid";
    public const string ContainerName = "io.kubernetes.container.name";

    // Annotations of containers.
    public const string ContainerHash = "io.kubernetes.container.hash";
    public const string RestartCount = "io.kubernetes.container.restartCount";
    public const string TerminationMessagePath = "io.kubernetes.container.terminationMessagePath";
    public const string TerminationMessagePolicy = "io.kubernetes.container.terminationMessagePolicy";
    public const string TerminationGracePeriod = "io.kubernetes.pod.terminationGracePeriod";

    /// <summary>Ours: where the file mounted as the termination message lies on the host.</summary>
    public const string TerminationMessageFile = "litekube.io/termination-message-file";
    public const string Tty = "litekube.io/tty";
    public const string Stdin = "litekube.io/stdin";

    /// <summary>Ours, on sandboxes: the quality-of-service class, which names the cgroup of a pod that only the runtime still knows.</summary>
    public const string QosClass = "litekube.io/qos-class";
}
