using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace LiteKube.Integration.Tests.Support;

/// <summary>
/// A kubelet whose containers are this machine: exec runs the command here, over the WebSocket protocol that clients speak
/// (https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets), and logs are three lines.
/// </summary>
internal sealed class FakeKubelet : IAsyncDisposable
{
    private const byte In = 0, Out = 1, Err = 2, Result = 3, Close = 255;
    private static readonly string[] LogLines = ["first line\n", "second line\n", "third line\n"];

    private readonly TlsServer _server;

    private FakeKubelet(TlsServer server) => _server = server;

    /// <summary>Starts it as this node's, and a pod p with a container c that runs there.</summary>
    public static async Task<FakeKubelet> WithPodAsync(IntegrationServer server, string node, string ns)
    {
        var kubelet = await TlsServer.StartAsync(server.Api.Server.Pki.KubeletServing(node, ["127.0.0.1"]).Current, AnswerAsync);
        await MustAsync(server.Api.PostAsync("/api/v1/nodes", $$$"""{"metadata":{"name":"{{{node}}}"}}"""));
        await MustAsync(server.Api.PatchAsync($"/api/v1/nodes/{node}/status", $$$"""{"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":{{{kubelet.Port}}} } } } }"""));
        await MustAsync(server.Api.PostAsync($"/api/v1/namespaces/{ns}/pods", $$$"""{"metadata":{"name":"p"},"spec":{"nodeName":"{{{node}}}","tolerations":[{"operator":"Exists"}],"containers":[{"name":"c","image":"busybox"}]}}"""));
        await MustAsync(server.Api.PatchAsync($"/api/v1/namespaces/{ns}/pods/p/status", """{"status":{"phase":"Running"}}"""));
        return new FakeKubelet(kubelet);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static async Task MustAsync(Task<TestResponse> request)
    {
        var answer = await request;
        Assert.True((int)answer.StatusCode < 300, answer.Body);
    }

    private static Task AnswerAsync(HttpContext context) => context.Request.Path.Value!.Split('/')[1] switch
    {
        "containerLogs" => LogAsync(context),
        "exec" when context.WebSockets.IsWebSocketRequest => ExecAsync(context),
        _ => RefuseAsync(context),
    };

    private static Task RefuseAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return context.Response.WriteAsync($"this kubelet has no {context.Request.Path}");
    }

    private static Task LogAsync(HttpContext context)
    {
        var count = int.TryParse(context.Request.Query["tailLines"], NumberStyles.None, CultureInfo.InvariantCulture, out var tail) ? tail : LogLines.Length;
        return context.Response.WriteAsync(string.Concat(LogLines.TakeLast(count)));
    }

    private static async Task ExecAsync(HttpContext context)
    {
        var protocol = context.WebSockets.WebSocketRequestedProtocols.First(p => p is "v5.channel.k8s.io" or "v4.channel.k8s.io");
        using var socket = await context.WebSockets.AcceptWebSocketAsync(protocol);
        var query = context.Request.Query;
        var command = query["command"];
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(command[0]!, command.Skip(1)!) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true },
        };
        using var sending = new SemaphoreSlim(1, 1);
        string result;
        try
        {
            process.Start();
            using var ended = new CancellationTokenSource();
            var feeding = FeedAsync(socket, process, query["input"] == "1", ended.Token);
            await Task.WhenAll(CopyAsync(process.StandardOutput.BaseStream, Out, query["output"] == "1"), CopyAsync(process.StandardError.BaseStream, Err, query["error"] == "1"));
            await process.WaitForExitAsync();
            result = process.ExitCode == 0
                ? """{"metadata":{},"status":"Success"}"""
                : $$$"""{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status {{{process.ExitCode}}}","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"{{{process.ExitCode}}}"}]}}""";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            result = $$$"""{"metadata":{},"status":"Failure","message":"exec: {{{command[0]}}}: not found","reason":"InternalError","code":500}""";
        }
        await SendAsync(Result, Encoding.UTF8.GetBytes(result));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

        async Task CopyAsync(Stream from, byte channel, bool isAsked)
        {
            var buffer = new byte[16 * 1024];
            int count;
            while ((count = await from.ReadAsync(buffer)) > 0)
            {
                if (isAsked) await SendAsync(channel, buffer.AsMemory(0, count));
            }
        }

        async Task SendAsync(byte channel, ReadOnlyMemory<byte> bytes)
        {
            await sending.WaitAsync();
            try
            {
                await socket.SendAsync((byte[])[channel, .. bytes.Span], WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
            }
            finally
            {
                sending.Release();
            }
        }
    }

    /// <summary>Gives the command what comes for it until either end says that it was all.</summary>
    private static async Task FeedAsync(WebSocket socket, Process process, bool isAsked, CancellationToken cancellationToken)
    {
        var input = process.StandardInput.BaseStream;
        if (!isAsked) input.Close();
        var buffer = new byte[64 * 1024];
        var atStart = true;
        byte channel = 0;
        try
        {
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
                if (received.MessageType == WebSocketMessageType.Close) break;
                if (received.Count == 0) continue;
                if (atStart) channel = buffer[0];
                var data = buffer.AsMemory(atStart ? 1 : 0, received.Count - (atStart ? 1 : 0));
                atStart = received.EndOfMessage;
                if (channel == Close && data.Span is [In]) input.Close();
                else if (channel == In && isAsked) await input.WriteAsync(data, cancellationToken);
                if (channel == In && isAsked) await input.FlushAsync(cancellationToken);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The client went, or the command ended without reading on.
            return;
        }
        input.Close();
    }
}
