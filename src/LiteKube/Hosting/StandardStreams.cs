using System.Runtime.InteropServices;

namespace LiteKube.Hosting;

/// <summary>A background server must hold neither the terminal nor the pipe of whoever started it.</summary>
internal static partial class StandardStreams
{
    private const int WriteOnlyCreateAppend = 0x1 | 0x40 | 0x400;
    private const int OwnerReadWrite = 0x180;

    /// <summary>Standard input reads nothing; output and errors are appended to <paramref name="path"/>.</summary>
    public static void Redirect(string path)
    {
        Replace(0, "/dev/null", 0);
        Replace(1, path, WriteOnlyCreateAppend);
        Replace(2, path, WriteOnlyCreateAppend);
    }

    private static void Replace(int descriptor, string path, int flags)
    {
        var opened = open(path, flags, OwnerReadWrite);
        if (opened < 0 || dup2(opened, descriptor) < 0)
            throw new IOException($"cannot open {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        if (opened > 2)
            _ = close(opened);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int dup2(int from, int to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);
}
