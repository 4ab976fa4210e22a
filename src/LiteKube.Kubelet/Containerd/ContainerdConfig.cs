using System.Globalization;
using System.Text;

namespace LiteKube.Kubelet.Containerd;

/// <summary>
/// containerd's configuration file. Version 2 of its format is read by 1.6 and 1.7 and migrated by 2.x, and a key
/// that one of them does not know is ignored, so one text serves all.
/// </summary>
internal sealed record ContainerdConfig
{
    public required string RootDir { get; init; }
    public required string StateDir { get; init; }
    public required string SocketPath { get; init; }
    public required string RuncPath { get; init; }
    public required string RuncRootDir { get; init; }
    public required string CniBinDir { get; init; }
    public required string CniConfDir { get; init; }
    public required string RegistryConfigDir { get; init; }
    public required string PauseImage { get; init; }
    public required string Snapshotter { get; init; }
    public required bool SystemdCgroup { get; init; }
    public required bool RestrictOomScoreAdj { get; init; }

    /// <summary>Plugins that a node never uses; without them containerd is ready in half the time and idles quieter.</summary>
    private static readonly string[] UnusedPlugins =
    [
        "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
        "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs",
        "io.containerd.internal.v1.restart", "io.containerd.monitor.container.v1.restart",
        "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
        "io.containerd.monitor.v1.cgroups", "io.containerd.monitor.task.v1.cgroups",
    ];

    public string ToToml()
    {
        var toml = new StringBuilder();
        toml.Append("# Written by LiteKube at each start; changes are lost.\n");
        toml.Append("version = 2\n");
        Line(toml, "root", RootDir);
        Line(toml, "state", StateDir);
        toml.Append(CultureInfo.InvariantCulture, $"disabled_plugins = [{string.Join(", ", UnusedPlugins.Select(Quote))}]\n\n");
        Section(toml, "grpc");
        Line(toml, "address", SocketPath);
        Section(toml, "debug");
        Line(toml, "level", "warn");
        // NRI would open a socket at a fixed place that a containerd of the system owns.
        Section(toml, "plugins.\"io.containerd.nri.v1.nri\"");
        Line(toml, "disable", true);

        const string cri = "plugins.\"io.containerd.grpc.v1.cri\"";
        Section(toml, cri);
        Line(toml, "sandbox_image", PauseImage);
        Line(toml, "max_container_log_line_size", 16384);
        // Network namespaces under our own state directory, not in the shared /var/run/netns.
        Line(toml, "netns_mounts_under_state_dir", true);
        Line(toml, "restrict_oom_score_adj", RestrictOomScoreAdj);
        Line(toml, "disable_hugetlb_controller", true);
        Line(toml, "tolerate_missing_hugetlb_controller", true);
        Line(toml, "stream_server_address", "127.0.0.1");
        Line(toml, "stream_server_port", "0");
        Line(toml, "enable_unprivileged_ports", true);
        Line(toml, "enable_unprivileged_icmp", true);
        // Each collection walks every snapshot's files.
        Line(toml, "stats_collect_period", 60);
        Section(toml, cri + ".cni");
        Line(toml, "bin_dir", CniBinDir);
        Line(toml, "conf_dir", CniConfDir);
        Section(toml, cri + ".registry");
        Line(toml, "config_path", RegistryConfigDir);
        Section(toml, cri + ".containerd");
        Line(toml, "snapshotter", Snapshotter);
        Line(toml, "default_runtime_name", "runc");
        Line(toml, "ignore_rdt_not_enabled_errors", true);
        Section(toml, cri + ".containerd.runtimes.runc");
        Line(toml, "runtime_type", "io.containerd.runc.v2");
        Section(toml, cri + ".containerd.runtimes.runc.options");
        Line(toml, "BinaryName", RuncPath);
        Line(toml, "Root", RuncRootDir);
        Line(toml, "SystemdCgroup", SystemdCgroup);
        return toml.ToString();
    }

    private static void Section(StringBuilder toml, string name) => toml.Append(CultureInfo.InvariantCulture, $"[{name}]\n");
    private static void Line(StringBuilder toml, string key, string value) => toml.Append(CultureInfo.InvariantCulture, $"{key} = {Quote(value)}\n");
    private static void Line(StringBuilder toml, string key, bool value) => toml.Append(CultureInfo.InvariantCulture, $"{key} = {(value ? "true" : "false")}\n");
    private static void Line(StringBuilder toml, string key, int value) => toml.Append(CultureInfo.InvariantCulture, $"{key} = {value}\n");

    private static string Quote(string value) => "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
}
