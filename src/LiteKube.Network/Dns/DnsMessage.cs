using System.Buffers.Binary;
using System.Net;

namespace LiteKube.Network.Dns;

internal enum DnsType : ushort
{
    A = 1,
    Ns = 2,
    Cname = 5,
    Soa = 6,
    Ptr = 12,
    Txt = 16,
    Aaaa = 28,
    Srv = 33,
    Opt = 41,
    Ixfr = 251,
    Axfr = 252,
    Any = 255,
}

internal enum DnsResponseCode : byte
{
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NameError = 3,
    NotImplemented = 4,
    Refused = 5,
    BadVersion = 16,
}

internal abstract record DnsRecord(DnsName Owner, DnsType Type, uint TtlSeconds);
internal sealed record AddressRecord(DnsName Owner, IPAddress Address, uint TtlSeconds) : DnsRecord(Owner, Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? DnsType.A : DnsType.Aaaa, TtlSeconds);
/// <summary>CNAME, PTR or NS.</summary>
internal sealed record NameRecord(DnsName Owner, DnsType Type, DnsName Target, uint TtlSeconds) : DnsRecord(Owner, Type, TtlSeconds);
internal sealed record ServiceRecord(DnsName Owner, ushort Priority, ushort Weight, ushort Port, DnsName Target, uint TtlSeconds) : DnsRecord(Owner, DnsType.Srv, TtlSeconds);
internal sealed record TextRecord(DnsName Owner, string Text, uint TtlSeconds) : DnsRecord(Owner, DnsType.Txt, TtlSeconds);
internal sealed record StartOfAuthority(DnsName Owner, DnsName Server, DnsName Mailbox, uint Serial, uint TtlSeconds) : DnsRecord(Owner, DnsType.Soa, TtlSeconds);
/// <summary>Data without names in it, passed on as it came.</summary>
internal sealed record OpaqueRecord(DnsName Owner, DnsType Type, ReadOnlyMemory<byte> Data, uint TtlSeconds) : DnsRecord(Owner, Type, TtlSeconds);

/// <summary>The parts of a query that an answer depends on (RFC 1035 section 4, RFC 6891).</summary>
/// <param name="QuestionBytes">The question as it stands in the packet, case included.</param>
/// <param name="EdnsSize">What the client can take by UDP; 0 when it sent no OPT record.</param>
internal sealed record DnsQuery(ushort Id, ushort Flags, DnsName Name, DnsType Type, ushort Class, byte[] QuestionBytes, int EdnsSize, bool DnssecOk, byte EdnsVersion)
{
    public const int HeaderLength = 12;
    public const int MinUdpSize = 512;
    /// <summary>Fits every path without fragments (DNS flag day 2020).</summary>
    public const int MaxUdpSize = 1232;
    public const ushort FlagResponse = 0x8000, FlagAuthoritative = 0x400, FlagTruncated = 0x200, FlagRecursionDesired = 0x100, FlagRecursionAvailable = 0x80, FlagCheckingDisabled = 0x10;

    public int UdpLimit => EdnsSize == 0 ? MinUdpSize : Math.Clamp(EdnsSize, MinUdpSize, MaxUdpSize);

    /// <returns>null when it deserves no answer; otherwise the code is NoError for a query to work on, or what to refuse it with.</returns>
    public static (DnsQuery Query, DnsResponseCode Code)? Read(ReadOnlySpan<byte> message)
    {
        if (message.Length < HeaderLength)
            return null;
        var id = BinaryPrimitives.ReadUInt16BigEndian(message);
        var flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        // Answering an answer is how two servers shout at each other for ever.
        if ((flags & FlagResponse) != 0)
            return null;
        var empty = new DnsQuery(id, flags, DnsName.TryCreate([])!, 0, 0, [], 0, false, 0);
        if ((flags & 0x7800) != 0)
            return (empty, DnsResponseCode.NotImplemented);
        if (Count(message, 0) != 1 || Count(message, 1) != 0 || Count(message, 2) != 0)
            return (empty, DnsResponseCode.FormatError);
        var offset = HeaderLength;
        var name = DnsName.Read(message, ref offset);
        if (name is null || offset + 4 > message.Length)
            return (empty, DnsResponseCode.FormatError);
        var query = empty with
        {
            Name = name,
            Type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[offset..]),
            Class = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..]),
            QuestionBytes = message[HeaderLength..(offset + 4)].ToArray(),
        };
        offset += 4;
        for (var left = Count(message, 3); left > 0; left--)
        {
            if (DnsResourceHeader.Read(message, ref offset) is not { } record)
                return (query, DnsResponseCode.FormatError);
            if (record.Type == DnsType.Opt)
                query = query with { EdnsSize = Math.Max((int)record.Class, MinUdpSize), DnssecOk = (record.Ttl & 0x8000) != 0, EdnsVersion = (byte)(record.Ttl >> 16) };
        }
        return (query, query.EdnsVersion > 0 ? DnsResponseCode.BadVersion : DnsResponseCode.NoError);
    }

    internal static int Count(ReadOnlySpan<byte> message, int section) => BinaryPrimitives.ReadUInt16BigEndian(message[(4 + section * 2)..]);
}

/// <summary>A resource record's frame; its data lies at <see cref="DataOffset"/>.</summary>
internal readonly record struct DnsResourceHeader(DnsName Owner, DnsType Type, ushort Class, uint Ttl, int TtlOffset, int DataOffset, int DataLength)
{
    /// <returns>null when malformed.</returns>
    public static DnsResourceHeader? Read(ReadOnlySpan<byte> message, ref int offset)
    {
        if (DnsName.Read(message, ref offset) is not { } owner || offset + 10 > message.Length)
            return null;
        var length = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 8)..]);
        if (offset + 10 + length > message.Length)
            return null;
        var header = new DnsResourceHeader(owner, (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[offset..]), BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..]),
            BinaryPrimitives.ReadUInt32BigEndian(message[(offset + 4)..]), offset + 4, offset + 10, length);
        offset += 10 + length;
        return header;
    }
}
