using System.Globalization;
using System.Text;

namespace LiteKube.ApiServer.Proxy;

/// <summary>The body after a <see cref="ResponseHead"/>, whole: by its length, in chunks (RFC 9112, section 7.1), or until the connection ends.</summary>
internal static class ResponseBody
{
    /// <summary>At most <paramref name="maxBytes"/>; what is longer is cut there.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream stream, ResponseHead head, int maxBytes, CancellationToken cancellationToken)
    {
        var isChunked = head.Header("Transfer-Encoding") is { } encoding && encoding.EndsWith("chunked", StringComparison.OrdinalIgnoreCase);
        var length = !isChunked && long.TryParse(head.Header("Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? Math.Min(given, maxBytes) : maxBytes;
        var buffer = new byte[Math.Max(length, head.Rest.Length)];
        head.Rest.CopyTo(buffer);
        var have = head.Rest.Length;
        while (have < length)
        {
            if (isChunked && Decode(buffer.AsSpan(0, have), out var whole)) return whole;
            var count = await stream.ReadAsync(buffer.AsMemory(have), cancellationToken);
            if (count == 0) break;
            have += count;
        }
        if (!isChunked) return buffer.AsMemory(0, (int)Math.Min(have, length));
        Decode(buffer.AsSpan(0, have), out var decoded);
        return decoded;
    }

    /// <summary>Whether the last chunk is there; what the chunks before it held is given in any case.</summary>
    private static bool Decode(ReadOnlySpan<byte> chunks, out byte[] body)
    {
        var output = new MemoryStream();
        var isWhole = false;
        while (chunks.IndexOf("\r\n"u8) is >= 0 and var end)
        {
            var digits = Encoding.ASCII.GetString(chunks[..end]).Split(';')[0].Trim();
            if (!int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size) || size < 0) break;
            chunks = chunks[(end + 2)..];
            isWhole = size == 0;
            if (isWhole) break;
            output.Write(chunks[..Math.Min(size, chunks.Length)]);
            if (chunks.Length < size + 2) break;
            chunks = chunks[(size + 2)..];
        }
        body = output.ToArray();
        return isWhole;
    }
}
