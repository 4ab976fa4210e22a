using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace LiteKube.Kubelet.Volumes;

/// <summary>
/// Removes a directory tree that a container may be changing at the same time: every step goes through the opened
/// parent directory and follows no link, and whatever a mount covers is left alone. Names are bytes, for a container
/// may write names that are not UTF-8.
/// </summary>
internal static class SafeDelete
{
    /// <summary>Deeper directories are moved up and emptied from there, so that no depth can use up file descriptors.</summary>
    private const int MaxDepth = 64;

    /// <summary>Passes over the tree before giving up on a container that goes on writing.</summary>
    private const int MaxPasses = 1000;

    /// <summary>Removes the tree with its root. Nothing there is fine.</summary>
    /// <exception cref="IOException">A mount stands in it, or something could not be removed; the rest is gone.</exception>
    public static void Tree(string path)
    {
        if (Libc.Stat(path, follow: false) is not { } stat)
            return;
        if (stat.IsDirectory)
            Empty(path);
        var flags = stat.IsDirectory ? Libc.AtRemoveDir : 0;
        if (Libc.UnlinkAt(Libc.AtFdCwd, path, flags) != 0 && Marshal.GetLastPInvokeError() != Libc.ENoEnt)
            throw new IOException($"cannot remove {path}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    private static void Empty(string path)
    {
        if (Libc.Stat(path, follow: false) is { IsMountRoot: true })
            throw new IOException($"{path} is a mount point: unmount it first");
        using var root = Libc.OpenAt(Libc.AtFdCwd, path, Libc.ORdOnly | Libc.ODirectory | Libc.ONoFollow);
        var walk = new Walk(root);
        for (var pass = 0; pass < MaxPasses; pass++)
        {
            walk.Moved = false;
            // Opened anew, to read also the directories that the last pass moved up into it.
            using var dir = Libc.OpenAt(Libc.AtFdCwd, path, Libc.ORdOnly | Libc.ODirectory | Libc.ONoFollow);
            walk.Directory(dir, depth: 0);
            if (walk.Failure is { } failure)
                throw new IOException($"cannot remove what is in {path}: {failure}");
            if (!walk.Moved)
                return;
        }
        throw new IOException($"cannot remove what is in {path}: it keeps growing");
    }

    private sealed class Walk(SafeFileHandle root)
    {
        private int _moves;

        public bool Moved { get; set; }
        public string? Failure { get; private set; }

        public unsafe void Directory(SafeFileHandle dir, int depth)
        {
            var buffer = new byte[depth == 0 ? 32768 : 4096];
            int length;
            while ((length = Libc.GetDents(dir, buffer)) > 0)
            {
                fixed (byte* start = buffer)
                {
                    for (var at = start; at < start + length; at += *(ushort*)(at + 16))
                        Entry(dir, at + 19, depth);
                }
            }
        }

        private unsafe void Entry(SafeFileHandle dir, byte* name, int depth)
        {
            if (name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0)))
                return;
            if (Libc.UnlinkAt(dir.Fd(), name, 0) == 0 || Marshal.GetLastPInvokeError() == Libc.ENoEnt)
                return;
            var errno = Marshal.GetLastPInvokeError();
            using var child = Libc.TryOpenDirectory(dir, name);
            if (child is null)
            {
                Fail(name, errno);
                return;
            }
            if (Libc.Stat(child).IsMountRoot)
            {
                Fail(name, Libc.EBusy);
                return;
            }
            if (depth >= MaxDepth && MoveUp(dir, name))
                return;
            Directory(child, depth + 1);
            if (Libc.UnlinkAt(dir.Fd(), name, Libc.AtRemoveDir) != 0 && Marshal.GetLastPInvokeError() is not Libc.ENoEnt and var removeErrno)
                Fail(name, removeErrno);
        }

        private unsafe bool MoveUp(SafeFileHandle dir, byte* name)
        {
            var target = Encoding.ASCII.GetBytes($".deleting-{++_moves}\0");
            fixed (byte* to = target)
            {
                if (Libc.RenameAt(dir.Fd(), name, root.Fd(), to) != 0)
                    return false;
            }
            return Moved = true;
        }

        private unsafe void Fail(byte* name, int errno)
        {
            var text = Marshal.PtrToStringUTF8((nint)name);
            Failure ??= $"{text}: {(errno == Libc.EBusy ? "a mount stands there" : Marshal.GetPInvokeErrorMessage(errno))}";
        }
    }
}
