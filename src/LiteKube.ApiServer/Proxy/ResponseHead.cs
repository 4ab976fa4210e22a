using System.Globalization;
using System.Text;

namespace LiteKube.ApiServer.Proxy;

/// <summary>Status line and headers of an HTTP/1.1 answer.</summary>
/// <param name="Rest">Bytes that came with the head and belong to what follows.</param>
internal sealed record ResponseHead(int StatusCode, IReadOnlyList<(string Name, string Value)> Headers, ReadOnlyMemory<byte> Rest)
{
    public string? Header(string name)
    {
        foreach (var (key, value) in Headers)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase)) return value;
        }
        return null;
    }

    /// <exception cref="ApiException">502: the answer is no HTTP.</exception>
    public static async Task<ResponseHead> ReadAsync(Stream stream, int maxBytes, CancellationToken cancellationToken)
    {
        var buffer = new byte[maxBytes];
        var have = 0;
        while (true)
        {
            var count = await stream.ReadAsync(buffer.AsMemory(have), cancellationToken);
            if (count == 0) throw Bad("the backend closed the connection before it answered");
            have += count;
            var end = buffer.AsSpan(0, have).IndexOf("\r\n\r\n"u8);
            if (end >= 0) return Parse(Encoding.Latin1.GetString(buffer, 0, end), buffer.AsMemory(end + 4, have - end - 4));
            if (have == maxBytes) throw Bad("the backend's answer has no end of headers");
        }
    }

    private static ResponseHead Parse(string text, ReadOnlyMemory<byte> rest)
    {
        var lines = text.Split("\r\n");
        var status = lines[0].Split(' ', 3);
        if (status.Length < 2 || !status[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || !int.TryParse(status[1], NumberStyles.None, CultureInfo.InvariantCulture, out var code))
            throw Bad("the backend does not speak HTTP/1.1");
        var headers = new List<(string, string)>();
        foreach (var line in lines.AsSpan(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) headers.Add((line[..colon].Trim(), line[(colon + 1)..].Trim()));
        }
        return new(code, headers, rest);
    }

    private static ApiException Bad(string why) => new(502, "InternalError", $"error dialing backend: {why}");
}
