using System.Runtime.InteropServices;
using k8s.Models;

namespace LiteKube.Kubelet.Volumes;

/// <summary>Gives a volume to the pod's fsGroup (https://kubernetes.io/docs/tasks/configure-pod-container/security-context/).</summary>
internal static class VolumeOwnership
{
    private const int SetGid = 0x400;
    private const int ReadWriteBits = 0x1B0;  // 0660
    private const int ReadOnlyBits = 0x120;   // 0440
    private const int WalkBits = 0x48;        // 0110

    /// <summary>The tree and its root get the group, its permissions, and setgid on directories. Null changes nothing.</summary>
    public static void Apply(string root, long? fsGroup, bool readOnly)
    {
        if (fsGroup is not { } group)
            return;
        using var dir = Libc.OpenAt(Libc.AtFdCwd, root, Libc.ORdOnly | Libc.ODirectory);
        ApplyTo(dir, (int)group, readOnly, isTree: true);
    }

    /// <summary>The policy OnRootMismatch: a root that is already right is taken to mean that all below it is.</summary>
    public static bool RootMatches(string root, long fsGroup, bool readOnly) =>
        Libc.Stat(root) is { } stat && stat.Gid == fsGroup && (stat.Permissions & Bits(readOnly, isDirectory: true)) == Bits(readOnly, isDirectory: true);

    /// <summary>The one user that every container of the pod runs as, if there is one: it then owns the tokens.</summary>
    public static int? CommonUser(V1PodSpec spec)
    {
        long? common = null;
        foreach (var container in spec.Containers.Concat(spec.InitContainers ?? []))
        {
            var user = container.SecurityContext?.RunAsUser ?? spec.SecurityContext?.RunAsUser;
            if (user is null || (common is not null && common != user))
                return null;
            common = user;
        }
        return (int?)common;
    }

    /// <summary>By opened files all the way, for the tree of a persistent volume may be changing under a container's hands.</summary>
    private static void ApplyTo(SafeHandle file, int group, bool readOnly, bool isTree)
    {
        var stat = Libc.Stat(file);
        if (stat.IsSymlink)
            return;
        Libc.Chown(file, -1, group);
        Libc.Chmod(file.ProcPath(), stat.Permissions | Bits(readOnly, stat.IsDirectory));
        if (!stat.IsDirectory || !isTree)
            return;
        foreach (var entry in Directory.EnumerateFileSystemEntries(file.ProcPath()))
        {
            using var child = Libc.TryOpenAt(file.Fd(), Path.GetFileName(entry), Libc.OPath | Libc.ONoFollow);
            // It may have been removed since it was listed.
            if (child is not null)
                ApplyTo(child, group, readOnly, isTree: true);
        }
    }

    private static int Bits(bool readOnly, bool isDirectory) =>
        (readOnly ? ReadOnlyBits : ReadWriteBits) | (isDirectory ? WalkBits | SetGid : 0);
}
