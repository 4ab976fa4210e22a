namespace LiteKube.Kubelet.Containerd;

/// <summary>Where an instance's containerd keeps what it has; all of it under the instance's own directories.</summary>
internal sealed class NodePaths(KubeletOptions options)
{
    public string ContainerdDir { get; } = Path.Combine(options.DataDir, "containerd");
    public string RootDir => Path.Combine(ContainerdDir, "root");
    public string ConfigFile => Path.Combine(ContainerdDir, "config.toml");
    public string RegistryConfigDir { get; } = options.RegistryConfigDir ?? Path.Combine(options.DataDir, "containerd", "certs.d");
    public string RunDir { get; } = Path.Combine(options.RunDir, "containerd");
    public string StateDir => Path.Combine(RunDir, "state");
    public string RuncRootDir => Path.Combine(RunDir, "runc");
    public string PidFile => Path.Combine(RunDir, "containerd.pid");
    public string SocketPath { get; } = options.ContainerdSocket;
    public string LogFile { get; } = Path.Combine(options.LogDir ?? Path.Combine(options.DataDir, "log"), "containerd.log");

    /// <summary>containerd's shims put their sockets here, whatever its own directories are: the place is compiled into them.</summary>
    public const string ShimSocketDir = "/run/containerd/s";

    /// <summary>The CNI library in containerd remembers here what plugins answered, for every containerd of the machine.</summary>
    public const string CniResultsDir = "/var/lib/cni/results";
}
