using System.Net.Sockets;
using System.Runtime.InteropServices;
using LiteKube.Network.Netlink;

namespace LiteKube.Network.Nftables;

/// <summary>What one nftables transaction did to one table.</summary>
internal sealed class NftTableChange
{
    public bool CreatedTable { get; set; }
    public bool DeletedSomething { get; set; }
}

/// <summary>Hears of every nftables transaction on the machine by the kernel's own notifications: no polling, no process.</summary>
internal sealed class NftMonitor : IDisposable
{
    private const int SolNetlink = 270, AddMembership = 1, GroupNftables = 7;
    private const int NewTable = 0, NewGeneration = 15;
    private const int GenericHeader = 4;
    private const int BufferBytes = 1 << 20;
    private static readonly int[] Deletions = [2, 5, 8, 11, 14, 20];

    private readonly Socket _socket;
    private readonly Dictionary<string, NftTableChange> _open = new(StringComparer.Ordinal);

    private NftMonitor(Socket socket) => _socket = socket;

    /// <summary>Of the calling thread's network namespace. Everything after this call is heard.</summary>
    public static NftMonitor Open()
    {
        var fd = Libc.Socket(Libc.AfNetlink, Libc.SockRaw | Libc.SockCloexec, NetlinkSocket.Netfilter);
        if (fd < 0)
            throw new NetlinkException("open a netlink socket", Marshal.GetLastPInvokeError());
        if (Libc.Bind(fd, new SockAddrNetlink { Family = Libc.AfNetlink }, 12) < 0 || Libc.SetSockOpt(fd, SolNetlink, AddMembership, GroupNftables, 4) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            _ = Libc.Close(fd);
            throw new NetlinkException("listen to nftables changes", errno);
        }
        return new NftMonitor(new Socket(new SafeSocketHandle(fd, ownsHandle: true)) { ReceiveBufferSize = BufferBytes });
    }

    /// <param name="onTransaction">The ip and inet tables that one transaction touched.</param>
    /// <param name="onLost">The kernel had to drop notifications: anything may have changed.</param>
    public async Task RunAsync(Action<IReadOnlyDictionary<string, NftTableChange>> onTransaction, Action onLost, CancellationToken cancellationToken)
    {
        var buffer = new byte[128 * 1024];
        while (true)
        {
            int length;
            try
            {
                length = await _socket.ReceiveAsync(buffer, cancellationToken);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.NoBufferSpaceAvailable)
            {
                _open.Clear();
                onLost();
                continue;
            }
            Read(buffer.AsSpan(0, length), onTransaction);
        }
    }

    private void Read(ReadOnlySpan<byte> rest, Action<IReadOnlyDictionary<string, NftTableChange>> onTransaction)
    {
        while (rest.Length >= NetlinkMessage.HeaderLength)
        {
            var length = MemoryMarshal.Read<int>(rest);
            if (length < NetlinkMessage.HeaderLength || length > rest.Length)
                return;
            var type = MemoryMarshal.Read<ushort>(rest[4..]) & 0xff;
            if (type == NewGeneration)
            {
                onTransaction(new Dictionary<string, NftTableChange>(_open, StringComparer.Ordinal));
                _open.Clear();
            }
            else
            {
                Note(type, new NetlinkReply((ushort)type, rest[NetlinkMessage.HeaderLength..length]));
            }
            rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        }
    }

    private void Note(int type, NetlinkReply reply)
    {
        // Every object's first attribute is its table's name, but for a flow table's device list, which we have none of.
        var attributes = reply.Attributes(GenericHeader);
        if (!attributes.Next() || attributes.Type != 1)
            return;
        var table = attributes.Text;
        if (!_open.TryGetValue(table, out var change))
            _open.Add(table, change = new NftTableChange());
        change.CreatedTable |= type == NewTable;
        change.DeletedSomething |= Deletions.Contains(type);
    }

    public void Dispose() => _socket.Dispose();
}
