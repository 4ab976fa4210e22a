using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace LiteKube.Network.Proxy;

/// <summary>
/// Sockets bound to the node ports of Services, so that other programs and other clusters of this machine see that
/// they are in use. No packet reaches them: translation comes first.
/// </summary>
internal sealed class NodePortClaims(ILogger logger) : IDisposable
{
    // Null for one that another program has: translation takes its packets all the same, as kube-proxy's does.
    private readonly Dictionary<(string Protocol, int Port), Socket?> _claims = [];

    /// <summary>Whether no other program listens there, by TCP or UDP.</summary>
    public static bool IsFree(int port)
    {
        foreach (var protocol in (string[])["tcp", "udp"])
        {
            if (Claim(protocol, port) is not { } socket)
                return false;
            socket.Dispose();
        }
        return true;
    }

    public void Update(IEnumerable<ServicePort> ports)
    {
        var wanted = ports.Where(p => p.NodePort > 0 && p.Protocol is "tcp" or "udp").Select(p => (p.Protocol, p.NodePort)).ToHashSet();
        foreach (var gone in _claims.Keys.Where(k => !wanted.Contains(k)).ToList())
        {
            _claims.Remove(gone, out var socket);
            socket?.Dispose();
        }
        foreach (var key in wanted.Where(k => !_claims.ContainsKey(k)))
        {
            _claims[key] = Claim(key.Protocol, key.NodePort);
            if (_claims[key] is null)
                ProxyLog.NodePortInUse(logger, key.NodePort, key.Protocol);
        }
    }

    public void Dispose()
    {
        foreach (var socket in _claims.Values)
            socket?.Dispose();
        _claims.Clear();
    }

    private static Socket? Claim(string protocol, int port)
    {
        var socket = protocol == "tcp"
            ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            // A bound TCP socket alone keeps nobody out, since .NET and most servers bind with SO_REUSEADDR.
            if (protocol == "tcp")
                socket.Listen(1);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}

/// <summary>For who gives node ports to Services.</summary>
public static class NodePorts
{
    /// <summary>Whether no other program of this machine listens there.</summary>
    public static bool IsFree(int port) => NodePortClaims.IsFree(port);
}
