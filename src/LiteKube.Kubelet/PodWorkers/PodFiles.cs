using System.Text;
using k8s.Models;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>The files that the kubelet itself keeps for a pod: its directories, hosts file and termination messages.</summary>
internal sealed class PodFiles(KubeletOptions options)
{
    private const int MostMessageBytes = 4096;
    private const UnixFileMode Plain = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode PrivateDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;

    public string LogDirOf(V1Pod pod) => LogDirOf(pod.Metadata.NamespaceProperty, pod.Metadata.Name, pod.Metadata.Uid);

    public string LogDirOf(string ns, string name, string uid) => Path.Combine(options.PodLogsDir, $"{ns}_{name}_{uid}");

    public string SeccompDir => Path.Combine(options.DataDir, "seccomp");

    public void CreateDirectories(V1Pod pod)
    {
        Directory.CreateDirectory(options.PodDir(pod.Metadata.Uid), PrivateDirectory);
        Directory.CreateDirectory(LogDirOf(pod));
    }

    /// <summary>Relative to the pod's log directory, as CRI wants it.</summary>
    public static string LogPathOf(string containerName, int restartCount) => $"{containerName}/{Nanoseconds.Text(restartCount)}.log";

    /// <summary>Writes the pod's /etc/hosts and returns its path.</summary>
    public string WriteHosts(V1Pod pod, IReadOnlyList<string> podIps)
    {
        var path = Path.Combine(options.PodDir(pod.Metadata.Uid), "etc-hosts");
        var text = HostsText(pod, podIps, PodSpecs.IsHostNetwork(pod) && File.Exists("/etc/hosts") ? File.ReadAllText("/etc/hosts") : "");
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, Plain);
        return path;
    }

    internal string HostsText(V1Pod pod, IReadOnlyList<string> podIps, string hostFile)
    {
        var hosts = new StringBuilder();
        if (PodSpecs.IsHostNetwork(pod))
        {
            hosts.Append("# Kubernetes-managed hosts file (host network).\n").Append(hostFile);
        }
        else
        {
            hosts.Append("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n");
            var hostname = PodSpecs.HostnameOf(pod);
            var full = PodSpecs.FullyQualifiedNameOf(pod, options.ClusterDomain);
            foreach (var ip in podIps)
                hosts.Append(ip).Append('\t').Append(full is null ? hostname : $"{full}\t{hostname}").Append('\n');
        }
        if (pod.Spec.HostAliases is { Count: > 0 } aliases)
        {
            hosts.Append("\n# Entries added by HostAliases.\n");
            foreach (var alias in aliases)
                hosts.Append(alias.Ip).Append('\t').AppendJoin('\t', alias.Hostnames ?? []).Append('\n');
        }
        return hosts.ToString();
    }

    /// <summary>A new, empty file that any user in the container may write its last words to.</summary>
    public string CreateTerminationMessageFile(V1Pod pod, string containerName, int restartCount)
    {
        var directory = Path.Combine(options.PodDir(pod.Metadata.Uid), "containers", containerName);
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, Nanoseconds.Text(restartCount) + ".message");
        File.WriteAllText(path, "");
        File.SetUnixFileMode(path, Plain | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        return path;
    }

    /// <summary>
    /// A container's last words: its message file, or with policy FallbackToLogsOnError and a failure the end of its
    /// log (80 lines, 2048 bytes).
    /// </summary>
    public string TerminationMessageOf(V1Pod pod, ContainerRecord container)
    {
        var message = container.Annotations.TryGetValue(PodLabels.TerminationMessageFile, out var file) && File.Exists(file) ? ReadStart(file) : "";
        if (message.Length == 0 && container.ExitCode != 0 && container.LogPath.Length > 0 && File.Exists(container.LogPath) &&
            container.Annotations.TryGetValue(PodLabels.TerminationMessagePolicy, out var policy) && policy == "FallbackToLogsOnError")
            message = LogTail.Read(container.LogPath, lines: 80, bytes: 2048);
        return message.Length > 0 ? message : container.Message;
    }

    /// <summary>Removes what a pod that is gone leaves. Its volumes are unmounted before.</summary>
    public void Remove(string ns, string name, string uid)
    {
        Delete(Path.Combine(options.PodDir(uid), "containers"));
        File.Delete(Path.Combine(options.PodDir(uid), "etc-hosts"));
        Delete(LogDirOf(ns, name, uid));
        var volumes = options.PodVolumesDir(uid);
        // Not recursive: should a volume still be mounted, its contents are not ours to delete.
        if (Directory.Exists(volumes) && !Directory.EnumerateFileSystemEntries(volumes).Any())
            Directory.Delete(volumes);
        if (Directory.Exists(options.PodDir(uid)) && !Directory.EnumerateFileSystemEntries(options.PodDir(uid)).Any())
            Directory.Delete(options.PodDir(uid));
    }

    private static void Delete(string directory)
    {
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
    }

    private static string ReadStart(string path)
    {
        using var stream = File.OpenRead(path);
        var buffer = new byte[MostMessageBytes];
        var read = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        return Encoding.UTF8.GetString(buffer, 0, read);
    }
}

/// <summary>The end of a container's log, without the runtime's prefix on each line.</summary>
internal static class LogTail
{
    public static string Read(string path, int lines, int bytes)
    {
        // "2026-01-02T03:04:05.000000000Z stdout F text": the prefix is about 40 bytes a line.
        var window = bytes + lines * 64;
        using var stream = File.OpenRead(path);
        stream.Seek(-Math.Min(window, stream.Length), SeekOrigin.End);
        var buffer = new byte[window];
        var read = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        var text = new StringBuilder();
        foreach (var line in Encoding.UTF8.GetString(buffer, 0, read).Split('\n').Where(l => l.Length > 0).TakeLast(lines))
        {
            var parts = line.Split(' ', 4);
            if (parts.Length < 4)
                continue;
            text.Append(parts[3]);
            if (parts[2] == "F")
                text.Append('\n');
        }
        return text.Length <= bytes ? text.ToString() : text.ToString(text.Length - bytes, bytes);
    }
}
