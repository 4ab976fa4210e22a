using System.Runtime.InteropServices;

namespace LiteKube.Kubelet.Containerd;

/// <summary>The system calls that .NET has no name for. Each returns 0, or -1 with the last P/Invoke error set.</summary>
internal static partial class Native
{
    public const int SigKill = 9;
    public const int SigTerm = 15;
    private const int DetachMount = 2;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Mount(string source, string target, string fileSystem, ulong flags, string data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unmount2(string target, int flags);

    /// <summary>Detaches at once; what still uses the mount keeps it until it ends.</summary>
    public static int Unmount(string target) => Unmount2(target, DetachMount);
}
