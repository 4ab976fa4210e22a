using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LiteKube.Kubelet.Server.Streaming;

/// <summary>The status line and headers that answer an upgrade request.</summary>
internal sealed record UpgradeAnswer(int StatusCode, IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    public bool IsUpgraded => StatusCode == (int)HttpStatusCode.SwitchingProtocols;

    public string? Header(string name) => Headers.FirstOrDefault(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
}

/// <summary>
/// A connection to the runtime's streaming server that asks for an upgrade by hand: HttpClient would hide the socket,
/// whose half-close has to be passed on.
/// </summary>
internal sealed class UpstreamConnection : IDisposable
{
    private const int MaxHeadBytes = 64 << 10;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);

    private readonly Socket _socket;
    private byte[] _early = [];

    private UpstreamConnection(Socket socket)
    {
        _socket = socket;
        Stream = new NetworkStream(socket, ownsSocket: true);
    }

    private NetworkStream Stream { get; }

    /// <exception cref="IOException">The runtime's streaming server cannot be reached.</exception>
    public static async Task<UpstreamConnection> OpenAsync(Uri target, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target.Host, target.Port, cancellationToken);
            return new UpstreamConnection(socket);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"the container runtime's streaming server at {target.Authority} cannot be reached: {e.Message}", e);
        }
    }

    /// <summary>Sends the request and reads the answer's head; what came after it is read first by <see cref="ReadAsync"/>.</summary>
    /// <exception cref="IOException">It closed the connection, or answered something that is no HTTP.</exception>
    public async Task<UpgradeAnswer> RequestAsync(string method, Uri target, IEnumerable<KeyValuePair<string, string>> headers, TimeProvider time, CancellationToken cancellationToken)
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"{method} {target.PathAndQuery} HTTP/1.1\r\nHost: {target.Authority}\r\n");
        foreach (var (name, value) in headers)
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        head.Append("\r\n");

        using var deadline = new CancellationTokenSource(AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await Stream.WriteAsync(Encoding.Latin1.GetBytes(head.ToString()), either.Token);
            return await ReadHeadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the container runtime's streaming server gave no answer within {AnswerTimeout.TotalSeconds} s");
        }
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_early.Length == 0)
            return await Stream.ReadAsync(buffer, cancellationToken);
        var length = Math.Min(buffer.Length, _early.Length);
        _early.AsMemory(0, length).CopyTo(buffer);
        _early = _early[length..];
        return length;
    }

    public async ValueTask<bool> ReadExactlyAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (buffer.Length > 0)
        {
            var read = await ReadAsync(buffer, cancellationToken);
            if (read == 0)
                return false;
            buffer = buffer[read..];
        }
        return true;
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => Stream.WriteAsync(bytes, cancellationToken);

    /// <summary>Nothing more will be written; reading goes on.</summary>
    public void CloseWrite()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The other side has gone already: reading will tell.
        }
    }

    public void Dispose() => Stream.Dispose();

    private async Task<UpgradeAnswer> ReadHeadAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        var length = 0;
        while (true)
        {
            var read = await Stream.ReadAsync(buffer.AsMemory(length), cancellationToken);
            if (read == 0)
                throw new IOException("the container runtime's streaming server closed the connection");
            length += read;
            var end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                _early = buffer[(end + 4)..length];
                return Parse(Encoding.Latin1.GetString(buffer, 0, end));
            }
            if (length == MaxHeadBytes)
                throw new IOException("the container runtime's streaming server sent a head without an end");
            if (length == buffer.Length)
                Array.Resize(ref buffer, Math.Min(buffer.Length * 2, MaxHeadBytes));
        }
    }

    private static UpgradeAnswer Parse(string head)
    {
        var lines = head.Split("\r\n");
        var status = lines[0].Split(' ', 3);
        if (status.Length < 2 || !int.TryParse(status[1], NumberStyles.None, CultureInfo.InvariantCulture, out var code))
            throw new IOException($"the container runtime's streaming server answered \"{lines[0]}\"");
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
                headers.Add(new(line[..colon], line[(colon + 1)..].Trim()));
        }
        return new UpgradeAnswer(code, headers);
    }
}
