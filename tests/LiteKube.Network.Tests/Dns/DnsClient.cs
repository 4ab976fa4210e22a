using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using LiteKube.Network.Dns;

namespace LiteKube.Network.Tests.Dns;

/// <summary>Asks and reads answers with the test's own eyes: as text lines.</summary>
internal static class DnsClient
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static byte[] Question(string name, DnsType type, ushort id = 77, int edns = 0, ushort flags = 0x100)
    {
        using var packet = new MemoryStream();
        void UInt16(int value) => packet.Write([(byte)(value >> 8), (byte)value]);
        foreach (var value in (int[])[id, flags, 1, 0, 0, edns > 0 ? 1 : 0])
            UInt16(value);
        packet.Write(DnsName.Parse(name).Wire);
        UInt16((int)type);
        UInt16(1);
        if (edns > 0)
        {
            packet.WriteByte(0);
            UInt16(41);
            UInt16(edns);
            packet.Write([0, 0, 0, 0, 0, 0]);
        }
        return packet.ToArray();
    }

    public static async Task<DnsReply> AskUdpAsync(IPEndPoint server, byte[] question)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        return await AskUdpAsync(socket, server, question);
    }

    public static async Task<DnsReply> AskUdpAsync(Socket socket, IPEndPoint server, byte[] question)
    {
        using var limit = new CancellationTokenSource(Patience);
        await socket.SendToAsync(question, server, limit.Token);
        var buffer = new byte[4096];
        try
        {
            return DnsReply.Read(buffer[..await socket.ReceiveAsync(buffer, limit.Token)]);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"no DNS answer from {server} within {Patience.TotalSeconds} s");
        }
    }

    public static async Task<List<DnsReply>> AskTcpAsync(IPEndPoint server, params byte[][] questions)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var client = new TcpClient();
        await client.ConnectAsync(server, limit.Token);
        var stream = client.GetStream();
        foreach (var question in questions)
            await stream.WriteAsync((byte[])[(byte)(question.Length >> 8), (byte)question.Length, .. question], limit.Token);
        var replies = new List<DnsReply>();
        foreach (var _ in questions)
        {
            var prefix = new byte[2];
            await stream.ReadExactlyAsync(prefix, limit.Token);
            var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
            await stream.ReadExactlyAsync(message, limit.Token);
            replies.Add(DnsReply.Read(message));
        }
        return replies;
    }
}

/// <param name="Lines">"section owner ttl type data", sections an, ns, ar; OPT left out.</param>
internal sealed record DnsReply(ushort Id, int Flags, string Question, IReadOnlyList<string> Lines, int Size)
{
    public int Code => Flags & 0xf;
    public bool IsTruncated => (Flags & 0x200) != 0;
    public bool IsAuthoritative => (Flags & 0x400) != 0;
    public IEnumerable<string> Answers => Lines.Where(l => l.StartsWith("an ", StringComparison.Ordinal)).Select(l => l[3..]);

    public static DnsReply Read(byte[] message)
    {
        var offset = 12;
        var question = "";
        if (DnsQuery.Count(message, 0) == 1)
        {
            var at = offset;
            _ = DnsName.Read(message, ref offset)!;
            question = System.Text.Encoding.Latin1.GetString(message[at..offset]);
            offset += 4;
        }
        var lines = new List<string>();
        foreach (var (section, name) in ((int, string)[])[(1, "an"), (2, "ns"), (3, "ar")])
        {
            for (var i = DnsQuery.Count(message, section); i > 0; i--)
            {
                var record = DnsResourceHeader.Read(message, ref offset) ?? throw new FormatException("malformed record");
                if (record.Type != DnsType.Opt)
                    lines.Add($"{name} {record.Owner} {record.Ttl} {record.Type.ToString().ToUpperInvariant()} {Data(message, record)}");
            }
        }
        Assert.Equal(message.Length, offset);
        return new DnsReply(BinaryPrimitives.ReadUInt16BigEndian(message), BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(2)), question, lines, message.Length);
    }

    private static string Data(byte[] message, DnsResourceHeader record)
    {
        var data = message.AsSpan(record.DataOffset, record.DataLength);
        var offset = record.DataOffset;
        switch (record.Type)
        {
            case DnsType.A or DnsType.Aaaa: return new IPAddress(data).ToString();
            case DnsType.Cname or DnsType.Ptr or DnsType.Ns: return DnsName.Read(message, ref offset)!.ToString();
            case DnsType.Srv:
                offset += 6;
                return $"{data[1]} {data[3]} {BinaryPrimitives.ReadUInt16BigEndian(data[4..])} {DnsName.Read(message, ref offset)}";
            case DnsType.Soa: return $"{DnsName.Read(message, ref offset)} {DnsName.Read(message, ref offset)}";
            case DnsType.Txt: return System.Text.Encoding.UTF8.GetString(data[1..]);
            default: return Convert.ToHexString(data);
        }
    }
}
