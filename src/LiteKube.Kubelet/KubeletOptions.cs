using System.Net;

namespace LiteKube.Kubelet;

/// <summary>What the kubelet must be told. Everything two clusters on one machine must not share is here.</summary>
public sealed record KubeletOptions
{
    /// <summary>The Node's name: lower case, a DNS-1123 subdomain.</summary>
    public required string NodeName { get; init; }

    /// <summary>State that survives a reboot: <c>pods/</c>, <c>containerd/</c>, <c>log/pods/</c> live in it.</summary>
    public required string DataDir { get; init; }

    /// <summary>Sockets and pid files, on a tmpfs where there is one.</summary>
    public required string RunDir { get; init; }

    /// <summary>Log files of the program and of containerd; null means <c>DataDir/log</c>.</summary>
    public string? LogDir { get; init; }

    /// <summary>The node's addresses, the first is the primary one (InternalIP, hostIP).</summary>
    public required IReadOnlyList<IPAddress> NodeIps { get; init; }

    /// <summary>Where pods' resolv.conf points; empty means the host's resolvers.</summary>
    public IReadOnlyList<IPAddress> ClusterDns { get; init; } = [];
    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>The range of this node's pods.</summary>
    public string PodCidr { get; init; } = "10.1.0.0/16";

    /// <summary>Port of the kubelet's TLS server; 0 takes a free one.</summary>
    public int Port { get; init; } = 10250;
    public IPAddress BindAddress { get; init; } = IPAddress.Any;

    public int MaxPods { get; init; } = 110;

    /// <summary>Version that the Node reports, "v1.37.0".</summary>
    public string KubernetesVersion { get; init; } = "v1.37.0";

    /// <summary>Name of the top cgroup of all pods, "kubepods". A second instance on a machine takes another one.</summary>
    public string CgroupName { get; init; } = "kubepods";

    public string ContainerdPath { get; init; } = "containerd";
    public string RuncPath { get; init; } = "runc";

    /// <summary>Directories of CNI plugins and of the network's configuration.</summary>
    public required string CniBinDir { get; init; }
    public required string CniConfDir { get; init; }

    /// <summary>Directory of registry host files (<c>certs.d</c> layout); null means <c>DataDir/containerd/certs.d</c>.</summary>
    public string? RegistryConfigDir { get; init; }

    public string PauseImage { get; init; } = "localhost/litekube/pause:1";

    /// <summary>Extra labels and taints for the first registration of the node.</summary>
    public IReadOnlyDictionary<string, string> NodeLabels { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>A resolv.conf whose servers pods with dnsPolicy Default get; the network picks it when the host's has a loopback resolver.</summary>
    public string ResolvConfPath { get; init; } = "/etc/resolv.conf";

    /// <summary>How many sandboxes are set up at the same time.</summary>
    public int ParallelPodStarts { get; init; } = 8;

    public long ContainerLogMaxSizeBytes { get; init; } = 10 << 20;
    public int ContainerLogMaxFiles { get; init; } = 5;

    public string PodsDir => Path.Combine(DataDir, "pods");
    public string PodLogsDir => Path.Combine(LogDir ?? Path.Combine(DataDir, "log"), "pods");
    public string ContainerdSocket => Path.Combine(RunDir, "containerd", "containerd.sock");

    /// <summary><c>pods/UID</c>: everything the kubelet keeps for one pod.</summary>
    public string PodDir(string podUid) => Path.Combine(PodsDir, podUid);
    public string PodVolumesDir(string podUid) => Path.Combine(PodDir(podUid), "volumes");
}
