using System.Net;
using CsCheck;
using LiteKube.Network.Dns;

namespace LiteKube.Network.Tests.Dns;

public sealed class DnsMessageTests
{
    private static readonly Gen<string> Labels = Gen.Char["abcXYZ019-_"].Array[1, 12].Select(chars => new string(chars));
    private static readonly Gen<DnsName> Names = Labels.Array[1, 5].Select(labels => DnsName.TryCreate(labels)!);

    private static readonly Gen<DnsRecord> Records = Gen.OneOf<DnsRecord>(
        Gen.Select(Names, Gen.Byte.Array[4], (owner, ip) => (DnsRecord)new AddressRecord(owner, new IPAddress(ip), 5)),
        Gen.Select(Names, Names, (owner, target) => (DnsRecord)new NameRecord(owner, DnsType.Cname, target, 6)),
        Gen.Select(Names, Names, Gen.UShort, (owner, target, port) => (DnsRecord)new ServiceRecord(owner, 0, 50, port, target, 7)),
        Gen.Select(Names, Names, (owner, target) => (DnsRecord)new StartOfAuthority(owner, target, target, 1, 5)));

    private static DnsQuery Query(DnsName name, int edns) => DnsQuery.Read(DnsClient.Question(name.ToString(), DnsType.A, edns: edns))!.Value.Query;

    [Fact]
    public void Whatever_is_written_is_read_back_the_same() =>
        Gen.Select(Names, Records.Array[0, 30], Gen.Bool).Sample((name, records, edns) =>
        {
            var query = Query(name, edns ? 1232 : 0);
            var reply = DnsReply.Read(new DnsAnswer(DnsResponseCode.NoError) { Answers = records }.Write(query, 65535));
            Assert.Equal(records.Select(Text), reply.Lines);
            Assert.False(reply.IsTruncated);
        });

    [Fact]
    public void A_packet_keeps_to_its_limit_and_says_so() =>
        Gen.Select(Names, Records.Array[0, 60], Gen.Int[512, 1232]).Sample((name, records, limit) =>
        {
            var query = Query(name, limit);
            var packet = new DnsAnswer(DnsResponseCode.NoError) { Answers = records }.Write(query, query.UdpLimit);
            Assert.InRange(packet.Length, 12, limit);
            var reply = DnsReply.Read(packet);
            Assert.Equal(reply.Lines.Count < records.Length, reply.IsTruncated);
            Assert.Equal(records.Take(reply.Lines.Count).Select(Text), reply.Lines);
        });

    [Fact]
    public void No_packet_makes_the_reader_loop_or_throw() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.Int[0, 4], Gen.Byte[0xbe, 0xc2]).Sample((bytes, count, pointer) =>
        {
            // Random bytes, and random bytes that look more like a query full of pointers.
            _ = DnsQuery.Read(bytes);
            if (bytes.Length > 20)
            {
                (bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7], bytes[8], bytes[9], bytes[10], bytes[11]) = (1, 0, 0, 1, 0, 0, 0, 0, 0, (byte)count);
                for (var i = 13; i < bytes.Length - 1; i += 7)
                    (bytes[i], bytes[i + 1]) = (pointer, (byte)(bytes[i + 1] % bytes.Length));
            }
            _ = DnsQuery.Read(bytes);
            _ = UpstreamResponse.Read(bytes, 0, Query(DnsName.Parse("a.b"), 0));
        }, iter: 20_000);

    [Fact]
    public void Pointers_that_lead_forward_or_to_themselves_are_malformed()
    {
        foreach (var pointer in (byte[])[12, 13, 14, 40])
        {
            byte[] message = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, pointer, 0, 1, 0, 1];
            Assert.Equal(DnsResponseCode.FormatError, DnsQuery.Read(message)!.Value.Code);
        }
    }

    [Fact]
    public void Names_are_equal_without_case_but_keep_it()
    {
        Assert.Equal(DnsName.Parse("Web.Default.SVC.cluster.local."), DnsName.Parse("web.default.svc.cluster.local"));
        var question = DnsClient.Question("wEb.dEfault", DnsType.A);
        question[13] = (byte)'W';
        var query = DnsQuery.Read(question)!.Value.Query;
        var packet = new DnsAnswer(DnsResponseCode.NoError) { Answers = [new AddressRecord(DnsName.Parse("web.default"), IPAddress.Loopback, 5)] }.Write(query, 512);
        Assert.Equal(question[12..^4], packet[12..(question.Length - 4)]);
        // The answer's owner is a pointer to the question.
        Assert.Equal((byte[])[0xc0, 12], packet[question.Length..(question.Length + 2)]);
    }

    private static string Text(DnsRecord record) => record switch
    {
        AddressRecord r => $"an {r.Owner} {r.TtlSeconds} A {r.Address}",
        NameRecord r => $"an {r.Owner} {r.TtlSeconds} CNAME {r.Target}",
        ServiceRecord r => $"an {r.Owner} {r.TtlSeconds} SRV {r.Priority} {r.Weight} {r.Port} {r.Target}",
        StartOfAuthority r => $"an {r.Owner} {r.TtlSeconds} SOA {r.Server} {r.Mailbox}",
        _ => "",
    };
}
