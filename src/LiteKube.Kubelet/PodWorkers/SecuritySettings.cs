using k8s.Models;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Environment;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>Security contexts of pod and container, joined, as CRI takes them (https://kubernetes.io/docs/tasks/configure-pod-container/security-context/).</summary>
internal static class SecuritySettings
{
    private static readonly string[] MaskedPaths =
    [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ];

    private static readonly string[] ReadonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    public static NamespaceOption Namespaces(V1Pod pod, string? targetContainerId = null) => new()
    {
        Network = pod.Spec.HostNetwork == true ? NamespaceMode.Node : NamespaceMode.Pod,
        Ipc = pod.Spec.HostIPC == true ? NamespaceMode.Node : NamespaceMode.Pod,
        Pid = targetContainerId is not null ? NamespaceMode.Target
            : pod.Spec.HostPID == true ? NamespaceMode.Node
            : pod.Spec.ShareProcessNamespace == true ? NamespaceMode.Pod : NamespaceMode.Container,
        TargetId = targetContainerId ?? "",
    };

    public static LinuxSandboxSecurityContext ForSandbox(V1Pod pod)
    {
        var context = new LinuxSandboxSecurityContext
        {
            NamespaceOptions = Namespaces(pod),
            Privileged = pod.Spec.Containers.Concat(PodSpecs.InitContainers(pod)).Any(c => c.SecurityContext?.Privileged == true),
            Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
        };
        if (pod.Spec.SecurityContext is not { } settings)
            return context;
        if (settings.RunAsUser is { } user)
            context.RunAsUser = new Int64Value { Value = user };
        if (settings.RunAsGroup is { } group && settings.RunAsUser is not null)
            context.RunAsGroup = new Int64Value { Value = group };
        context.SupplementalGroups.Add(Groups(settings));
        if (settings.SeLinuxOptions is { } selinux)
            context.SelinuxOptions = SeLinux(selinux);
        return context;
    }

    /// <param name="image">For runAsNonRoot: the user that the image names.</param>
    /// <param name="seccompDir">Where Localhost profiles lie.</param>
    /// <exception cref="ConfigException">It must not run as root, and would.</exception>
    public static LinuxContainerSecurityContext ForContainer(V1Pod pod, V1Container container, Image? image, string seccompDir, string? targetContainerId)
    {
        var podSettings = pod.Spec.SecurityContext;
        var settings = container.SecurityContext;
        var privileged = settings?.Privileged == true;
        var context = new LinuxContainerSecurityContext
        {
            NamespaceOptions = Namespaces(pod, targetContainerId),
            Privileged = privileged,
            ReadonlyRootfs = settings?.ReadOnlyRootFilesystem == true,
            NoNewPrivs = settings?.AllowPrivilegeEscalation == false,
            Seccomp = Profile(privileged ? null : settings?.SeccompProfile ?? podSettings?.SeccompProfile, seccompDir),
        };
        SetUser(context, pod, container, image);
        if (podSettings is not null)
        {
            context.SupplementalGroups.Add(Groups(podSettings));
            context.SupplementalGroupsPolicy = podSettings.SupplementalGroupsPolicy == "Strict" ? SupplementalGroupsPolicy.Strict : SupplementalGroupsPolicy.Merge;
        }
        if (settings?.Capabilities is { } capabilities)
        {
            context.Capabilities = new Capability();
            context.Capabilities.AddCapabilities.Add(capabilities.Add ?? []);
            context.Capabilities.DropCapabilities.Add(capabilities.Drop ?? []);
        }
        if (!privileged && settings?.ProcMount != "Unmasked")
        {
            context.MaskedPaths.Add(MaskedPaths);
            context.ReadonlyPaths.Add(ReadonlyPaths);
        }
        if ((settings?.AppArmorProfile ?? podSettings?.AppArmorProfile) is { } appArmor && !privileged)
            context.Apparmor = AppArmor(appArmor);
        if ((settings?.SeLinuxOptions ?? podSettings?.SeLinuxOptions) is { } selinux)
            context.SelinuxOptions = SeLinux(selinux);
        return context;
    }

    private static void SetUser(LinuxContainerSecurityContext context, V1Pod pod, V1Container container, Image? image)
    {
        var podSettings = pod.Spec.SecurityContext;
        var settings = container.SecurityContext;
        var user = settings?.RunAsUser ?? podSettings?.RunAsUser;
        var group = settings?.RunAsGroup ?? podSettings?.RunAsGroup;
        if ((settings?.RunAsNonRoot ?? podSettings?.RunAsNonRoot) == true)
            VerifyNonRoot(pod, container, user, image);
        if (user is { } uid)
            context.RunAsUser = new Int64Value { Value = uid };
        else if (image?.Uid is { } imageUid)
            context.RunAsUser = new Int64Value { Value = imageUid.Value };
        else if (image is { Username.Length: > 0 })
            context.RunAsUsername = image.Username;
        if (group is { } gid)
        {
            context.RunAsGroup = new Int64Value { Value = gid };
            // CRI takes a group only together with a user; without one the image's is root.
            if (context.RunAsUser is null && context.RunAsUsername.Length == 0)
                context.RunAsUser = new Int64Value { Value = 0 };
        }
    }

    private static void VerifyNonRoot(V1Pod pod, V1Container container, long? user, Image? image)
    {
        var where = $"(pod: \"{PodSpecs.Describe(pod)}\", container: {container.Name})";
        if (user is { } uid)
        {
            if (uid == 0)
                throw new ConfigException($"container's runAsUser breaks non-root policy {where}");
            return;
        }
        if (image?.Uid is { Value: 0 } || (image is not null && image.Uid is null && image.Username.Length == 0))
            throw new ConfigException($"container has runAsNonRoot and image will run as root {where}");
        if (image is { Uid: null, Username.Length: > 0 })
            throw new ConfigException($"container has runAsNonRoot and image has non-numeric user ({image.Username}), cannot verify user is non-root {where}");
    }

    private static IEnumerable<long> Groups(V1PodSecurityContext settings) =>
        (settings.SupplementalGroups ?? []).OfType<long>().Concat(settings.FsGroup is { } group ? [group] : []).Distinct();

    private static SecurityProfile Profile(V1SeccompProfile? profile, string seccompDir) => profile?.Type switch
    {
        "RuntimeDefault" => new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
        "Localhost" => new SecurityProfile
        {
            ProfileType = SecurityProfile.Types.ProfileType.Localhost,
            LocalhostRef = Path.Combine(seccompDir, profile.LocalhostProfile ?? ""),
        },
        _ => new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Unconfined },
    };

    private static SecurityProfile AppArmor(V1AppArmorProfile profile) => profile.Type switch
    {
        "RuntimeDefault" => new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
        "Localhost" => new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Localhost, LocalhostRef = profile.LocalhostProfile ?? "" },
        _ => new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Unconfined },
    };

    private static SELinuxOption SeLinux(V1SELinuxOptions options) => new()
    {
        User = options.User ?? "",
        Role = options.Role ?? "",
        Type = options.Type ?? "",
        Level = options.Level ?? "",
    };
}
