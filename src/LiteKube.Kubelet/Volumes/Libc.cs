using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LiteKube.Kubelet.Volumes;

/// <summary>The system calls that volumes need and .NET does not have.</summary>
internal static partial class Libc
{
    public const int AtFdCwd = -100;
    public const int ORdOnly = 0, ODirectory = 0x10000, ONoFollow = 0x20000, OCloExec = 0x80000, OPath = 0x200000, ONonBlock = 0x800;
    public const int AtRemoveDir = 0x200, AtSymlinkNoFollow = 0x100, AtEmptyPath = 0x1000;
    public const int ENoEnt = 2, EExist = 17, ENotDir = 20, EInval = 22, ENotEmpty = 39, ELoop = 40, EBusy = 16, EXDev = 18, ENoSys = 38, EPerm = 1, EIo = 5, EAgain = 11;
    public const ulong MsRdOnly = 1, MsNoSuid = 2, MsNoDev = 4, MsNoExec = 8, MsBind = 4096, MsRec = 16384, MsPrivate = 1 << 18;
    public const int MntDetach = 2, UmountNoFollow = 8;
    public const ulong ResolveNoXDev = 1, ResolveNoMagicLinks = 2, ResolveNoSymlinks = 4, ResolveBeneath = 8, ResolveInRoot = 16;
    private const long SysOpenAt2 = 437;

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial long OpenAt2Raw(long number, int dirFd, string path, ref OpenHow how, nuint size);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAtRaw(int dirFd, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MkdirAt(int dirFd, string path, uint mode);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int UnlinkAt(int dirFd, string path, int flags);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameRaw(string from, string to);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MountRaw(string source, string target, string? type, ulong flags, string? data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UmountRaw(string target, int flags);

    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int FchownAtRaw(int dirFd, string path, uint uid, uint gid, int flags);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChmodRaw(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    private static partial int FchmodRaw(int fd, uint mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatxRaw(int dirFd, string path, int flags, uint mask, out Statx result);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static unsafe partial long GetDents64Raw(long number, int fd, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    public static unsafe partial int UnlinkAt(int dirFd, byte* name, int flags);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    private static unsafe partial int OpenAtRaw(int dirFd, byte* name, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true)]
    public static unsafe partial int RenameAt(int fromFd, byte* from, int toFd, byte* to);

    [StructLayout(LayoutKind.Sequential)]
    public struct Statx
    {
        public uint Mask, BlockSize;
        public ulong Attributes;
        public uint Links, Uid, Gid;
        public ushort Mode, Spare0;
        public ulong Inode, SizeBytes, Blocks, AttributesMask;
        public long AccessSec; public uint AccessNsec, Spare1;
        public long BirthSec; public uint BirthNsec, Spare2;
        public long ChangeSec; public uint ChangeNsec, Spare3;
        public long ModifySec; public uint ModifyNsec, Spare4;
        public uint RdevMajor, RdevMinor, DevMajor, DevMinor;
        public ulong MountId, Spare5, Spare6, Spare7, Spare8, Spare9, Spare10, Spare11, Spare12, Spare13, Spare14, Spare15, Spare16, Spare17;

        public readonly int Type => Mode & 0xF000;
        public readonly int Permissions => Mode & 0xFFF;
        public readonly bool IsDirectory => Type == 0x4000;
        public readonly bool IsRegular => Type == 0x8000;
        public readonly bool IsSymlink => Type == 0xA000;
        public readonly bool IsSocket => Type == 0xC000;
        public readonly bool IsCharDevice => Type == 0x2000;
        public readonly bool IsBlockDevice => Type == 0x6000;
        /// <summary>A mount stands here (Linux 5.8).</summary>
        public readonly bool IsMountRoot => (Attributes & 0x2000) != 0;
        public readonly bool SameFile(in Statx other) => Inode == other.Inode && DevMajor == other.DevMajor && DevMinor == other.DevMinor;
    }

    /// <summary>Null when there is nothing at the path.</summary>
    public static Statx? Stat(string path, bool follow = true)
    {
        if (StatxRaw(AtFdCwd, path, follow ? 0 : AtSymlinkNoFollow, 0xFFF, out var result) == 0)
            return result;
        return Marshal.GetLastPInvokeError() is ENoEnt or ENotDir ? null : throw Failure("stat", path);
    }

    public static Statx Stat(SafeHandle file)
    {
        if (StatxRaw(file.Fd(), "", AtEmptyPath, 0xFFF, out var result) == 0)
            return result;
        throw Failure("stat", file.ProcPath());
    }

    /// <summary>Directory entries as the kernel writes them (linux_dirent64); 0 at the end.</summary>
    public static unsafe int GetDents(SafeHandle dir, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            var read = GetDents64Raw(OperatingSystemIsArm64 ? 61 : 217, dir.Fd(), start, (nuint)buffer.Length);
            return read >= 0 ? (int)read : throw Failure("getdents64", dir.ProcPath());
        }
    }

    private static bool OperatingSystemIsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>Opens an entry that is a directory itself, not a link to one; null when it is none.</summary>
    public static unsafe SafeFileHandle? TryOpenDirectory(SafeHandle parent, byte* name)
    {
        var fd = OpenAtRaw(parent.Fd(), name, ORdOnly | ODirectory | ONoFollow | OCloExec, 0);
        return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>Opens below <paramref name="dir"/> under the given <c>RESOLVE_*</c> rules (openat2, Linux 5.6).</summary>
    /// <exception cref="Win32Exception">With the errno.</exception>
    public static SafeFileHandle OpenAt2(SafeHandle dir, string path, int flags, ulong resolve)
    {
        var how = new OpenHow { Flags = (ulong)(uint)(flags | OCloExec), Resolve = resolve };
        while (true)
        {
            var fd = OpenAt2Raw(SysOpenAt2, (int)dir.DangerousGetHandle(), path, ref how, (nuint)Marshal.SizeOf<OpenHow>());
            if (fd >= 0)
                return new SafeFileHandle((nint)fd, ownsHandle: true);
            // EAGAIN: something on the way was renamed while the kernel looked; it asks to try again.
            if (Marshal.GetLastPInvokeError() != EAgain)
                throw Failure("openat2", path);
        }
    }

    public static SafeFileHandle OpenAt(int dirFd, string path, int flags) => TryOpenAt(dirFd, path, flags) ?? throw Failure("open", path);

    /// <summary>Null on failure; the errno is in <see cref="Marshal.GetLastPInvokeError"/>.</summary>
    public static SafeFileHandle? TryOpenAt(int dirFd, string path, int flags)
    {
        var fd = OpenAtRaw(dirFd, path, flags | OCloExec, 0);
        return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
    }

    public static int Fd(this SafeHandle handle) => (int)handle.DangerousGetHandle();

    /// <summary>A path that leads to the opened file itself, whatever its name points to by now.</summary>
    public static string ProcPath(this SafeHandle handle) => $"/proc/self/fd/{handle.Fd()}";

    public static void Rename(string from, string to) => Check(RenameRaw(from, to), "rename", from);

    public static void Mount(string source, string target, string? type, ulong flags, string? data) => Check(MountRaw(source, target, type, flags, data), "mount", target);

    public static bool TryMount(string source, string target, string? type, ulong flags, string? data) => MountRaw(source, target, type, flags, data) == 0;

    /// <summary>Detaches what is mounted on the path itself, a link is not followed. False when nothing is.</summary>
    public static bool Unmount(string target)
    {
        if (UmountRaw(target, MntDetach | UmountNoFollow) == 0)
            return true;
        if (Marshal.GetLastPInvokeError() is EInval or ENoEnt)
            return false;
        throw Failure("umount", target);
    }

    /// <summary>Does not follow a link. -1 keeps the owner or group.</summary>
    public static void Chown(string path, int uid, int gid) => Check(FchownAtRaw(AtFdCwd, path, (uint)uid, (uint)gid, AtSymlinkNoFollow), "chown", path);

    public static void Chown(SafeHandle file, int uid, int gid) => Check(FchownAtRaw(file.Fd(), "", (uint)uid, (uint)gid, AtEmptyPath), "chown", file.ProcPath());

    public static void Chmod(string path, int mode) => Check(ChmodRaw(path, (uint)mode), "chmod", path);

    public static void Chmod(SafeHandle file, int mode) => Check(FchmodRaw(file.Fd(), (uint)mode), "chmod", file.ProcPath());

    public static Win32Exception Failure(string what, string path)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new Win32Exception(errno, $"{what} {path}: {Marshal.GetPInvokeErrorMessage(errno)}");
    }

    private static void Check(int result, string what, string path)
    {
        if (result != 0)
            throw Failure(what, path);
    }
}
