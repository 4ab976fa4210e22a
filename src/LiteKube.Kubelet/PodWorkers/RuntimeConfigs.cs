using Google.Protobuf;
using k8s.Models;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Cgroups;
using LiteKube.Kubelet.Environment;
using LiteKube.Kubelet.Volumes;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>What a new container needs besides its spec.</summary>
internal sealed record ContainerInputs(int RestartCount, string ImageRef, Image? Image, ContainerEnv Environment, IReadOnlyList<Mount> Mounts, IReadOnlyList<Device> Devices, string? HostsFile, string? MessageFile, string? TargetContainerId);

/// <summary>Pod and container specs as CRI's configurations.</summary>
internal sealed class RuntimeConfigs(KubeletOptions options, PodFiles files, PodDns dns, PodCgroups cgroups, ContainerResources resources)
{
    private const string DefaultMessagePath = "/dev/termination-log";

    public PodSandboxConfig Sandbox(V1Pod pod, uint attempt)
    {
        var qos = PodSpecs.QosClassOf(pod);
        var config = new PodSandboxConfig
        {
            Metadata = new PodSandboxMetadata { Name = pod.Metadata.Name, Namespace = pod.Metadata.NamespaceProperty, Uid = pod.Metadata.Uid, Attempt = attempt },
            LogDirectory = files.LogDirOf(pod),
            DnsConfig = dns.For(pod),
            Linux = new LinuxPodSandboxConfig
            {
                CgroupParent = cgroups.ParentOf(pod.Metadata.Uid, qos),
                SecurityContext = SecuritySettings.ForSandbox(pod),
            },
        };
        if (!PodSpecs.IsHostNetwork(pod))
        {
            var full = pod.Spec.SetHostnameAsFQDN == true ? PodSpecs.FullyQualifiedNameOf(pod, options.ClusterDomain) : null;
            config.Hostname = full ?? PodSpecs.HostnameOf(pod);
        }
        foreach (var (key, value) in pod.Metadata.Labels ?? new Dictionary<string, string>())
            config.Labels[key] = value;
        foreach (var (key, value) in pod.Metadata.Annotations ?? new Dictionary<string, string>())
            config.Annotations[key] = value;
        config.Labels[PodLabels.PodName] = pod.Metadata.Name;
        config.Labels[PodLabels.PodNamespace] = pod.Metadata.NamespaceProperty;
        config.Labels[PodLabels.PodUid] = pod.Metadata.Uid;
        config.Annotations[PodLabels.QosClass] = qos;
        foreach (var sysctl in pod.Spec.SecurityContext?.Sysctls ?? [])
            config.Linux.Sysctls[sysctl.Name.Replace('/', '.')] = sysctl.Value;
        foreach (var port in pod.Spec.Containers.Concat(PodSpecs.InitContainers(pod).Where(PodSpecs.IsSidecar)).SelectMany(c => c.Ports ?? []).Where(p => p.HostPort is > 0))
        {
            config.PortMappings.Add(new PortMapping
            {
                ContainerPort = port.ContainerPort,
                HostPort = port.HostPort!.Value,
                HostIp = port.HostIP ?? "",
                Protocol = port.Protocol switch { "UDP" => Protocol.Udp, "SCTP" => Protocol.Sctp, _ => Protocol.Tcp },
            });
        }
        return config;
    }

    /// <exception cref="ConfigException">It must not run as root, and would.</exception>
    public ContainerConfig Container(V1Pod pod, V1Container container, ContainerInputs inputs)
    {
        var config = new ContainerConfig
        {
            Metadata = new ContainerMetadata { Name = container.Name, Attempt = (uint)inputs.RestartCount },
            Image = new ImageSpec { Image = inputs.ImageRef, UserSpecifiedImage = container.Image },
            WorkingDir = container.WorkingDir ?? "",
            LogPath = PodFiles.LogPathOf(container.Name, inputs.RestartCount),
            Stdin = container.Stdin == true,
            StdinOnce = container.StdinOnce == true,
            Tty = container.Tty == true,
            Linux = new LinuxContainerConfig
            {
                Resources = resources.For(pod, container),
                SecurityContext = SecuritySettings.ForContainer(pod, container, inputs.Image, files.SeccompDir, inputs.TargetContainerId),
            },
        };
        if (container.Lifecycle?.StopSignal is { Length: > 0 } signal && Enum.TryParse<Signal>("Signal" + signal.Replace("+", "PLUS", StringComparison.Ordinal).Replace("-", "MINUS", StringComparison.Ordinal), ignoreCase: true, out var stopSignal))
            config.StopSignal = stopSignal;
        config.Command.Add(inputs.Environment.Command);
        config.Args.Add(inputs.Environment.Args);
        config.Envs.Add(inputs.Environment.Variables.Select(v => new Cri.V1.KeyValue { Key = v.Key, Value = ByteString.CopyFromUtf8(v.Value) }));
        config.Devices.Add(inputs.Devices);
        AddMounts(config, container, inputs);
        Mark(config, pod, container, inputs);
        return config;
    }

    private static void AddMounts(ContainerConfig config, V1Container container, ContainerInputs inputs)
    {
        config.Mounts.Add(inputs.Mounts);
        if (inputs.HostsFile is { } hosts && !inputs.Mounts.Any(m => m.ContainerPath == "/etc/hosts"))
            config.Mounts.Add(new Mount { ContainerPath = "/etc/hosts", HostPath = hosts });
        if (inputs.MessageFile is { } message)
            config.Mounts.Add(new Mount { ContainerPath = MessagePathOf(container), HostPath = message });
    }

    private static void Mark(ContainerConfig config, V1Pod pod, V1Container container, ContainerInputs inputs)
    {
        config.Labels[PodLabels.PodName] = pod.Metadata.Name;
        config.Labels[PodLabels.PodNamespace] = pod.Metadata.NamespaceProperty;
        config.Labels[PodLabels.PodUid] = pod.Metadata.Uid;
        config.Labels[PodLabels.ContainerName] = container.Name;
        config.Annotations[PodLabels.ContainerHash] = PodSpecs.HashOf(container);
        config.Annotations[PodLabels.RestartCount] = Nanoseconds.Text(inputs.RestartCount);
        config.Annotations[PodLabels.TerminationMessagePath] = MessagePathOf(container);
        config.Annotations[PodLabels.TerminationMessagePolicy] = container.TerminationMessagePolicy ?? "File";
        config.Annotations[PodLabels.TerminationGracePeriod] = (pod.Spec.TerminationGracePeriodSeconds ?? 30).ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (inputs.MessageFile is { } message)
            config.Annotations[PodLabels.TerminationMessageFile] = message;
        if (container.Tty == true)
            config.Annotations[PodLabels.Tty] = "true";
        if (container.Stdin == true)
            config.Annotations[PodLabels.Stdin] = "true";
    }

    private static string MessagePathOf(V1Container container) =>
        string.IsNullOrEmpty(container.TerminationMessagePath) ? DefaultMessagePath : container.TerminationMessagePath;
}
