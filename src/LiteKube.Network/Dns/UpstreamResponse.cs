using System.Buffers.Binary;

namespace LiteKube.Network.Dns;

/// <summary>An upstream resolver's answer, checked, with what is needed to give it to another client later.</summary>
internal sealed class UpstreamResponse
{
    private readonly byte[] _message;
    private readonly int _questionLength;
    private readonly List<int> _ttlOffsets;

    private UpstreamResponse(byte[] message, int questionLength, List<int> ttlOffsets, uint minTtl)
    {
        _message = message;
        _questionLength = questionLength;
        _ttlOffsets = ttlOffsets;
        MinTtlSeconds = minTtl;
    }

    public int Length => _message.Length;
    /// <summary>Of all records; uint.MaxValue with none.</summary>
    public uint MinTtlSeconds { get; }
    public DnsResponseCode Code => (DnsResponseCode)(_message[3] & 0xf);
    public bool IsTruncated => (_message[2] & 2) != 0;
    public bool HasAnswers => DnsQuery.Count(_message, 1) > 0;

    /// <returns>null when it is malformed or answers another question: it may be forged.</returns>
    public static UpstreamResponse? Read(byte[] message, ushort id, DnsQuery query)
    {
        var span = message.AsSpan();
        if (span.Length < DnsQuery.HeaderLength || BinaryPrimitives.ReadUInt16BigEndian(span) != id || (span[2] & 0x80) == 0 || DnsQuery.Count(span, 0) != 1)
            return null;
        var offset = DnsQuery.HeaderLength;
        if (DnsName.Read(span, ref offset) is not { } name || !name.Equals(query.Name) || offset + 4 != DnsQuery.HeaderLength + query.QuestionBytes.Length
            || !span[offset..(offset + 4)].SequenceEqual(query.QuestionBytes.AsSpan()[^4..]))
            return null;
        offset += 4;
        var ttls = new List<int>();
        var minTtl = uint.MaxValue;
        for (var left = DnsQuery.Count(span, 1) + DnsQuery.Count(span, 2) + DnsQuery.Count(span, 3); left > 0; left--)
        {
            if (DnsResourceHeader.Read(span, ref offset) is not { } record)
                return (span[2] & 2) != 0 ? new UpstreamResponse(message, query.QuestionBytes.Length, [], 0) : null;
            if (record.Type == DnsType.Opt)
                continue;
            ttls.Add(record.TtlOffset);
            minTtl = Math.Min(minTtl, record.Ttl);
            // How long "no" holds is the SOA's last field (RFC 2308).
            if (record.Type == DnsType.Soa && record.DataLength >= 4)
                minTtl = Math.Min(minTtl, BinaryPrimitives.ReadUInt32BigEndian(span[(record.DataOffset + record.DataLength - 4)..]));
        }
        return new UpstreamResponse(message, query.QuestionBytes.Length, ttls, minTtl);
    }

    /// <summary>The answer for one client: its id, its question's case, times to live less <paramref name="ageSeconds"/>.</summary>
    public byte[] For(DnsQuery query, uint ageSeconds, int maxSize)
    {
        if (_message.Length > maxSize)
        {
            var truncated = new DnsAnswer(Code).Write(query, maxSize);
            truncated[2] |= 2;
            return truncated;
        }
        var copy = _message.AsSpan().ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(copy, query.Id);
        copy[2] = (byte)(copy[2] & ~1 | query.Flags >> 8 & 1);
        copy[3] |= 0x80;
        query.QuestionBytes.AsSpan(0, _questionLength).CopyTo(copy.AsSpan(DnsQuery.HeaderLength));
        foreach (var offset in _ttlOffsets)
        {
            var field = copy.AsSpan(offset, 4);
            var ttl = BinaryPrimitives.ReadUInt32BigEndian(field);
            BinaryPrimitives.WriteUInt32BigEndian(field, ttl > ageSeconds ? ttl - ageSeconds : 0);
        }
        return copy;
    }

    /// <summary>The answer section's records that have no names in their data but CNAME: for use in an answer of our own.</summary>
    public List<DnsRecord> AnswerRecords()
    {
        var records = new List<DnsRecord>();
        var offset = DnsQuery.HeaderLength + _questionLength;
        for (var left = DnsQuery.Count(_message, 1); left > 0; left--)
        {
            if (DnsResourceHeader.Read(_message, ref offset) is not { } header)
                break;
            var dataOffset = header.DataOffset;
            switch (header.Type)
            {
                case DnsType.Cname when DnsName.Read(_message, ref dataOffset) is { } target:
                    records.Add(new NameRecord(header.Owner, DnsType.Cname, target, header.Ttl));
                    break;
                case DnsType.A or DnsType.Aaaa or DnsType.Txt:
                    records.Add(new OpaqueRecord(header.Owner, header.Type, _message.AsMemory(header.DataOffset, header.DataLength), header.Ttl));
                    break;
            }
        }
        return records;
    }
}
