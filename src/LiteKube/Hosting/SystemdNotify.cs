using System.Net.Sockets;
using System.Text;

namespace LiteKube.Hosting;

/// <summary>sd_notify(3): tells systemd that the unit is up.</summary>
internal static class SystemdNotify
{
    public static void Send(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 0 } path)
            return;
        // A leading @ names the abstract namespace.
        var address = new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.SendTo(Encoding.UTF8.GetBytes(state), address);
    }
}
