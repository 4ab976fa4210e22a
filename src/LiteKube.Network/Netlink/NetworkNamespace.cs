using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace LiteKube.Network.Netlink;

/// <summary>A network namespace by its file (/run/netns/x, /proc/PID/ns/net, what CRI and CNI pass).</summary>
public static class NetworkNamespace
{
    /// <summary>
    /// Runs synchronous code inside the namespace and returns its result. The code gets a thread of its own, which
    /// ends afterwards: a pool thread left in another namespace would misroute whatever runs on it next. Sockets that
    /// the code opens stay in the namespace for their whole life and can be used from any thread.
    /// </summary>
    /// <exception cref="NetlinkException">The file is not there, or is no network namespace.</exception>
    public static T Run<T>(string path, Func<T> code)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Enter(path);
                result = code();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        }, maxStackSize: 256 * 1024)
        { IsBackground = true, Name = "netns" };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    internal static int OpenFile(string path)
    {
        var fd = Libc.Open(path, Libc.OpenReadOnlyCloexec, 0);
        return fd >= 0 ? fd : throw new NetlinkException($"open network namespace {path}", Marshal.GetLastPInvokeError());
    }

    private static void Enter(string path)
    {
        var fd = OpenFile(path);
        var failed = Libc.SetNs(fd, Libc.CloneNewNet) < 0;
        var errno = Marshal.GetLastPInvokeError();
        _ = Libc.Close(fd);
        if (failed)
            throw new NetlinkException($"enter network namespace {path}", errno);
    }
}
