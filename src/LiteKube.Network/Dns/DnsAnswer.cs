using System.Buffers.Binary;
using System.Text;

namespace LiteKube.Network.Dns;

/// <summary>What to say to a query, before it is put into a packet.</summary>
internal sealed record DnsAnswer(DnsResponseCode Code)
{
    public IReadOnlyList<DnsRecord> Answers { get; init; } = [];
    public IReadOnlyList<DnsRecord> Authority { get; init; } = [];
    public IReadOnlyList<DnsRecord> Additional { get; init; } = [];
    public bool IsAuthoritative { get; init; }

    /// <param name="maxSize">The packet's limit in bytes. Answers that do not fit set TC; additional records that do not fit are left out.</param>
    public byte[] Write(DnsQuery query, int maxSize)
    {
        var writer = new DnsWriter(maxSize - (query.EdnsSize > 0 ? DnsWriter.OptLength : 0));
        writer.Question(query);
        var answers = writer.Records(Answers);
        var complete = answers == Answers.Count;
        var authority = complete ? writer.Records(Authority) : 0;
        complete &= authority == Authority.Count;
        var additional = complete ? writer.Records(Additional) : 0;
        var flags = DnsQuery.FlagResponse | DnsQuery.FlagRecursionAvailable | query.Flags & (DnsQuery.FlagRecursionDesired | DnsQuery.FlagCheckingDisabled)
            | (IsAuthoritative ? DnsQuery.FlagAuthoritative : 0) | (complete ? 0 : DnsQuery.FlagTruncated) | (query.Flags & 0x7800) | (byte)Code & 0xf;
        return writer.Finish(query, (ushort)flags, Code, answers, authority, additional);
    }
}

/// <summary>Writes a message with name compression. A record that would exceed the limit is taken back whole.</summary>
internal sealed class DnsWriter(int limit)
{
    public const int OptLength = 11;

    private readonly byte[] _buffer = new byte[Math.Min(limit, 64 * 1024) + DnsName.MaxLength * 3 + 512];
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private int _length = DnsQuery.HeaderLength;

    public void Question(DnsQuery query)
    {
        if (query.QuestionBytes.Length == 0)
            return;
        Remember(query.Name, _length, 0);
        query.QuestionBytes.CopyTo(_buffer, _length);
        _length += query.QuestionBytes.Length;
    }

    /// <returns>How many fitted.</returns>
    public int Records(IReadOnlyList<DnsRecord> records)
    {
        for (var i = 0; i < records.Count; i++)
        {
            var start = _length;
            if (records[i] is OpaqueRecord { Data.Length: var size } && start + size + DnsName.MaxLength + 10 > _buffer.Length)
                return i;
            Record(records[i]);
            if (_length <= limit)
                continue;
            _length = start;
            foreach (var name in _names.Where(pair => pair.Value >= start).Select(pair => pair.Key).ToList())
                _names.Remove(name);
            return i;
        }
        return records.Count;
    }

    public byte[] Finish(DnsQuery query, ushort flags, DnsResponseCode code, int answers, int authority, int additional)
    {
        var hasOpt = query.EdnsSize > 0;
        if (hasOpt)
        {
            _buffer[_length++] = 0;
            UInt16((ushort)DnsType.Opt);
            UInt16(DnsQuery.MaxUdpSize);
            UInt32((uint)((byte)code >> 4 << 24 | (query.DnssecOk ? 0x8000 : 0)));
            UInt16(0);
        }
        var header = _buffer.AsSpan();
        BinaryPrimitives.WriteUInt16BigEndian(header, query.Id);
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], flags);
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(query.QuestionBytes.Length > 0 ? 1 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], (ushort)answers);
        BinaryPrimitives.WriteUInt16BigEndian(header[8..], (ushort)authority);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], (ushort)(additional + (hasOpt ? 1 : 0)));
        return header[.._length].ToArray();
    }

    private void Record(DnsRecord record)
    {
        Name(record.Owner, compress: true);
        UInt16((ushort)record.Type);
        UInt16(1);
        UInt32(record.TtlSeconds);
        var lengthAt = _length;
        _length += 2;
        switch (record)
        {
            case AddressRecord address:
                Bytes(address.Address.GetAddressBytes());
                break;
            case NameRecord name:
                Name(name.Target, compress: true);
                break;
            case ServiceRecord service:
                UInt16(service.Priority);
                UInt16(service.Weight);
                UInt16(service.Port);
                // RFC 2782: the target is not compressed.
                Name(service.Target, compress: false);
                break;
            case TextRecord text:
                var bytes = Encoding.UTF8.GetBytes(text.Text);
                _buffer[_length++] = (byte)bytes.Length;
                Bytes(bytes);
                break;
            case StartOfAuthority soa:
                Name(soa.Server, compress: true);
                Name(soa.Mailbox, compress: true);
                UInt32(soa.Serial);
                UInt32(7200);
                UInt32(1800);
                UInt32(86400);
                UInt32(soa.TtlSeconds);
                break;
            case OpaqueRecord opaque:
                Bytes(opaque.Data.Span);
                break;
        }
        BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(lengthAt), (ushort)(_length - lengthAt - 2));
    }

    private void Name(DnsName name, bool compress)
    {
        var wire = name.Wire;
        for (var offset = 0; wire[offset] != 0; offset += wire[offset] + 1)
        {
            var suffix = Suffix(wire[offset..]);
            if (compress && _names.TryGetValue(suffix, out var known))
            {
                UInt16((ushort)(0xc000 | known));
                return;
            }
            if (_length < 0x4000)
                _names.TryAdd(suffix, _length);
            Bytes(wire.Slice(offset, wire[offset] + 1));
        }
        _buffer[_length++] = 0;
    }

    private void Remember(DnsName name, int at, int from)
    {
        var wire = name.Wire;
        for (var offset = from; wire[offset] != 0; offset += wire[offset] + 1)
            _names.TryAdd(Suffix(wire[offset..]), at + offset);
    }

    private static string Suffix(ReadOnlySpan<byte> wire) => string.Create(wire.Length, wire, static (span, bytes) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = bytes[i] is >= (byte)'A' and <= (byte)'Z' ? (char)(bytes[i] | 0x20) : (char)bytes[i];
    });

    private void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(_length), value);
        _length += 2;
    }

    private void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(_length), value);
        _length += 4;
    }

    private void Bytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }
}
