using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LiteKube.Kubelet.Volumes;

/// <summary>
/// Binds a part of a volume to <c>pods/UID/volume-subpaths/VOLUME/CONTAINER/INDEX</c>, from where a container gets it.
/// The kernel resolves the path within the volume (openat2, RESOLVE_BENEATH) and the opened file is what is bound, so
/// that a container which swaps directories for links meanwhile can reach nothing outside its volume.
/// </summary>
internal static class Subpaths
{
    public const string Folder = "volume-subpaths";
    private const ulong Inside = Libc.ResolveBeneath | Libc.ResolveNoMagicLinks;

    /// <summary>Binds and returns where; a binding of the same file that stands already is kept.</summary>
    /// <param name="subpath">Relative, without backsteps; directories that are missing are made with the volume root's mode.</param>
    /// <exception cref="IOException">The path leaves the volume.</exception>
    public static string Bind(string podDir, string volumeName, string volumePath, string subpath, string containerName, int mountIndex)
    {
        using var root = Libc.OpenAt(Libc.AtFdCwd, volumePath, Libc.OPath | Libc.ODirectory);
        using var source = Open(root, subpath);
        var wanted = Libc.Stat(source);
        var target = Path.Combine(podDir, Folder, volumeName, containerName, mountIndex.ToString(CultureInfo.InvariantCulture));
        if (Libc.Stat(target, follow: false) is { } present)
        {
            if (present.IsMountRoot && present.SameFile(wanted))
                return target;
            while (Libc.Unmount(target))
            {
            }
            SafeDelete.Tree(target);
        }

        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        // A file is enough to be covered by any kind of file.
        if (wanted.IsDirectory)
            Directory.CreateDirectory(target);
        else
            File.Create(target).Dispose();
        Libc.Mount(source.ProcPath(), target, null, Libc.MsBind, null);
        return target;
    }

    private static SafeFileHandle Open(SafeFileHandle root, string subpath)
    {
        try
        {
            return Libc.OpenAt2(root, subpath, Libc.OPath, Inside);
        }
        catch (Win32Exception e) when (e.NativeErrorCode == Libc.ENoEnt)
        {
            return Create(root, subpath);
        }
        catch (Win32Exception e) when (e.NativeErrorCode is Libc.EXDev or Libc.ELoop)
        {
            throw new IOException($"subpath \"{subpath}\" not within volume path", e);
        }
    }

    private static SafeFileHandle Create(SafeFileHandle root, string subpath)
    {
        var mode = Libc.Stat(root).Permissions;
        var current = Libc.OpenAt2(root, ".", Libc.OPath | Libc.ODirectory, Inside);
        var done = "";
        try
        {
            foreach (var part in subpath.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                done = done.Length == 0 ? part : $"{done}/{part}";
                var next = OpenOrMake(root, current, done, part, mode);
                current.Dispose();
                current = next;
            }
            return current;
        }
        catch
        {
            current.Dispose();
            throw;
        }
    }

    private static SafeFileHandle OpenOrMake(SafeFileHandle root, SafeFileHandle parent, string path, string name, int mode)
    {
        try
        {
            return Libc.OpenAt2(root, path, Libc.OPath | Libc.ODirectory, Inside);
        }
        catch (Win32Exception e) when (e.NativeErrorCode != Libc.ENoEnt)
        {
            throw new IOException($"subpath \"{path}\" not within volume path", e);
        }
        catch (Win32Exception)
        {
            if (Libc.MkdirAt(parent.Fd(), name, (uint)mode) != 0 && Marshal.GetLastPInvokeError() != Libc.EExist)
                throw Libc.Failure("mkdir", path);
            // Not through a link: what was made here is a directory, anything else was put in its place just now.
            var made = Libc.OpenAt2(parent, name, Libc.OPath | Libc.ODirectory | Libc.ONoFollow, Inside | Libc.ResolveNoSymlinks);
            Libc.Chmod(made.ProcPath(), mode);
            return made;
        }
    }
}
