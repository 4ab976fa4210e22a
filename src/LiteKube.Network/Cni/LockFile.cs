using System.Runtime.InteropServices;
using LiteKube.Network.Netlink;

namespace LiteKube.Network.Cni;

/// <summary>
/// An exclusive lock between processes by flock(2). The kernel drops it when its holder dies, so a killed plugin
/// leaves nothing to clean up.
/// </summary>
internal sealed class LockFile : IDisposable
{
    private int _fd;

    private LockFile(int fd) => _fd = fd;

    /// <summary>Waits for the lock; whoever holds it does so for milliseconds.</summary>
    public static LockFile Acquire(string path)
    {
        var fd = Libc.Open(path, Libc.OpenReadWriteCreateCloexec, Convert.ToInt32("600", 8));
        if (fd < 0)
            throw new IOException($"open lock file {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        while (Libc.Flock(fd, Libc.LockExclusive) < 0)
        {
            if (Marshal.GetLastPInvokeError() == Libc.Eintr)
                continue;
            var message = Marshal.GetLastPInvokeErrorMessage();
            _ = Libc.Close(fd);
            throw new IOException($"lock {path}: {message}");
        }
        return new LockFile(fd);
    }

    public void Dispose()
    {
        if (_fd >= 0)
            _ = Libc.Close(_fd);
        _fd = -1;
    }
}
