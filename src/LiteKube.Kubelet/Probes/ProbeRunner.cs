using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using k8s.Models;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Kubelet.Probes;

/// <summary>Makes probes the way the kubelet does (https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/), texts of failures included.</summary>
internal sealed class ProbeRunner(IRuntime runtime, TimeProvider time) : IProbeRunner, IDisposable
{
    /// <summary>What a probe prints is cut here, as is an answer's body.</summary>
    public const int MaxOutputBytes = 10 << 10;

    private readonly HttpProbe _http = new(time);
    private readonly GrpcProbe _grpc = new(time);

    public async Task<ProbeOutcome> RunAsync(ProbeTarget target, CancellationToken cancellationToken)
    {
        var probe = target.Probe;
        try
        {
            if (probe.Exec is { } exec)
                return await ExecAsync(target, exec.Command ?? [], cancellationToken);
            if (probe.HttpGet is { } http)
                return await _http.RunAsync(http, Host(http.Host, target), Port(http.Port, target.Container), target.Timeout, cancellationToken);
            if (probe.TcpSocket is { } tcp)
                return await TcpAsync(Host(tcp.Host, target), Port(tcp.Port, target.Container), target.Timeout, cancellationToken);
            if (probe.Grpc is { } grpc)
                return await _grpc.RunAsync(target.PodIp, grpc.Port, grpc.Service ?? "", grpc.Mode == "TLS", target.Timeout, cancellationToken);
        }
        catch (FormatException e)
        {
            return new ProbeOutcome(ProbeResult.Unknown, e.Message);
        }
        return new ProbeOutcome(ProbeResult.Unknown, $"missing probe handler for {target.Container.Name}");
    }

    public void Dispose()
    {
        _http.Dispose();
        _grpc.Dispose();
    }

    private async Task<ProbeOutcome> ExecAsync(ProbeTarget target, IList<string> command, CancellationToken cancellationToken)
    {
        try
        {
            var result = await runtime.ExecSyncAsync(target.ContainerId, [.. command], target.Timeout, cancellationToken);
            var output = Text(result.Stdout) + Text(result.Stderr);
            return new ProbeOutcome(result.ExitCode == 0 ? ProbeResult.Success : ProbeResult.Failure, output.Length > MaxOutputBytes ? output[..MaxOutputBytes] : output);
        }
        catch (RuntimeException e) when (e.Error == RuntimeError.DeadlineExceeded)
        {
            return new ProbeOutcome(ProbeResult.Failure, $"command timed out: \"{string.Join(' ', command)}\" timed out after {GoDuration.Format(target.Timeout)}");
        }
        catch (RuntimeException e)
        {
            return new ProbeOutcome(ProbeResult.Unknown, e.Message);
        }
    }

    private async Task<ProbeOutcome> TcpAsync(string host, int port, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var address = DialErrors.Address(host, port);
        using var deadline = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(host, port, either.Token);
            // No time in TIME_WAIT: a probe every second would fill the table.
            socket.LingerState = new LingerOption(true, 1);
            return new ProbeOutcome(ProbeResult.Success);
        }
        catch (SocketException e)
        {
            return new ProbeOutcome(ProbeResult.Failure, $"dial tcp {address}: {DialErrors.Describe(e)}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ProbeOutcome(ProbeResult.Failure, $"dial tcp {address}: i/o timeout");
        }
    }

    private static string Host(string? host, ProbeTarget target) => string.IsNullOrEmpty(host) ? target.PodIp : host;

    /// <summary>A number, or the name of one of the container's ports.</summary>
    private static int Port(IntOrString port, V1Container container)
    {
        var text = port.Value ?? "";
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            number = container.Ports?.FirstOrDefault(p => p.Name == text)?.ContainerPort
                ?? throw new FormatException($"couldn't find port: strconv.Atoi: parsing \"{text}\": invalid syntax");
        }
        return number is > 0 and < 65536 ? number : throw new FormatException($"invalid port number: {number}");
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span[..Math.Min(bytes.Length, MaxOutputBytes)]);
}

/// <summary>Connection failures in Go's words, which tools that read events look for.</summary>
internal static class DialErrors
{
    public static string Address(string host, int port) =>
        IPAddress.TryParse(host, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{host}]:{port}" : $"{host}:{port}";

    public static string Describe(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connect: connection refused",
        SocketError.HostUnreachable => "connect: no route to host",
        SocketError.NetworkUnreachable => "connect: network is unreachable",
        SocketError.TimedOut => "i/o timeout",
        SocketError.ConnectionReset => "read: connection reset by peer",
        SocketError.HostNotFound or SocketError.NoData => "lookup: no such host",
        _ => e.Message,
    };
}

internal static class GoDuration
{
    /// <summary>Whole seconds as Go prints them: "30s", "1m30s", "1h0m0s".</summary>
    public static string Format(TimeSpan duration)
    {
        var seconds = (long)duration.TotalSeconds;
        return seconds < 60 ? $"{seconds}s" : seconds < 3600 ? $"{seconds / 60}m{seconds % 60}s" : $"{seconds / 3600}h{seconds / 60 % 60}m{seconds % 60}s";
    }
}
