using System.Runtime.InteropServices;

namespace LiteKube.Network.Netlink;

internal delegate void NetlinkReplyHandler(NetlinkReply reply);

/// <summary>
/// A netlink socket bound to the network namespace of the thread that opens it. Requests wait for the kernel's
/// acknowledgement, which comes within the system call, so nothing here is asynchronous.
/// </summary>
internal sealed class NetlinkSocket : IDisposable
{
    public const int Route = 0;
    public const int Netfilter = 12;

    private const int SolNetlink = 270;
    private const int CapAck = 10;
    private const int ExtAck = 11;
    private const ushort MessageError = 2;
    private const ushort MessageDone = 3;
    private const ushort FlagAckTlvs = 0x200;

    private readonly Lock _lock = new();
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly int _fd;
    private uint _sequence;
    private bool _disposed;

    private NetlinkSocket(int fd) => _fd = fd;

    public static NetlinkSocket Open(int protocol)
    {
        var fd = Libc.Socket(Libc.AfNetlink, Libc.SockRaw | Libc.SockCloexec, protocol);
        if (fd < 0)
            throw new NetlinkException("open a netlink socket", Marshal.GetLastPInvokeError());
        var address = new SockAddrNetlink { Family = Libc.AfNetlink };
        if (Libc.Bind(fd, address, 12) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            _ = Libc.Close(fd);
            throw new NetlinkException("bind a netlink socket", errno);
        }
        // Both only make errors better to read; kernels before 4.12 lack them.
        _ = Libc.SetSockOpt(fd, SolNetlink, CapAck, 1, 4);
        _ = Libc.SetSockOpt(fd, SolNetlink, ExtAck, 1, 4);
        return new NetlinkSocket(fd);
    }

    /// <summary>Sends a change and waits for its acknowledgement.</summary>
    public void Execute(string operation, NetlinkMessage message) => Exchange(operation, message, handler: null);

    /// <summary>Sends a query and hands every reply to <paramref name="handler"/>.</summary>
    public void Query(string operation, NetlinkMessage message, NetlinkReplyHandler handler) => Exchange(operation, message, handler);

    private void Exchange(string operation, NetlinkMessage message, NetlinkReplyHandler? handler)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var sequence = ++_sequence;
            var request = message.Finish(sequence);
            if (Libc.Send(_fd, request, request.Length, 0) < 0)
                throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
            while (!TakeBatch(operation, sequence, handler))
            {
            }
        }
    }

    private bool TakeBatch(string operation, uint sequence, NetlinkReplyHandler? handler)
    {
        nint received;
        while ((received = Libc.Receive(_fd, _buffer, _buffer.Length, 0)) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Libc.Eintr)
                throw new NetlinkException(operation, errno);
        }
        var rest = _buffer.AsSpan(0, (int)received);
        while (rest.Length >= NetlinkMessage.HeaderLength)
        {
            var length = MemoryMarshal.Read<int>(rest);
            if (length < NetlinkMessage.HeaderLength || length > rest.Length)
                break;
            var type = MemoryMarshal.Read<ushort>(rest[4..]);
            var flags = MemoryMarshal.Read<ushort>(rest[6..]);
            var payload = rest[NetlinkMessage.HeaderLength..length];
            // An answer to an earlier request that failed half way is not ours.
            if (MemoryMarshal.Read<uint>(rest[8..]) == sequence)
            {
                if (type == MessageDone)
                    return true;
                if (type == MessageError)
                {
                    var errno = -MemoryMarshal.Read<int>(payload);
                    return errno == 0 ? true : throw new NetlinkException(operation, errno, ErrorText(payload, flags));
                }
                handler?.Invoke(new NetlinkReply(type, payload));
            }
            rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        }
        return false;
    }

    private static string? ErrorText(ReadOnlySpan<byte> payload, ushort flags)
    {
        const int errorStructLength = 4 + NetlinkMessage.HeaderLength;
        if ((flags & FlagAckTlvs) == 0 || payload.Length <= errorStructLength)
            return null;
        var attributes = new NetlinkAttributes(payload[errorStructLength..]);
        while (attributes.Next())
        {
            if (attributes.Type == 1)
                return attributes.Text;
        }
        return null;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            _ = Libc.Close(_fd);
        }
    }
}
