using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Proxy;

public sealed class RelayTests
{
    private const string Pods = "/api/v1/namespaces/default/pods";

    private static async Task<TestApiServer> StartAsync(int kubeletPort, TestApiServer server)
    {
        await server.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
        await server.PostAsync("/api/v1/nodes", """{"metadata":{"name":"n1"}}""");
        await server.PatchAsync("/api/v1/nodes/n1/status", $$$"""{"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":{{{kubeletPort}}} } } } }""");
        await server.PostAsync(Pods, """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"busybox"}]}}""");
        await server.PostAsync($"{Pods}/p/binding", """{"metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}}""");
        return server;
    }

    [Fact]
    public async Task Exec_is_relayed_to_the_kubelet_and_each_direction_ends_by_itself()
    {
        await using var server = await TestApiServer.StartAsync();
        var asked = new TaskCompletionSource<string>();
        await using var kubelet = new FakeKubelet(server.Server.Pki, async (head, stream) =>
        {
            asked.SetResult(head);
            // The first bytes come together with the head: none may be lost.
            await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\nhello"));
            var received = new MemoryStream();
            await stream.CopyToAsync(received);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"got {Encoding.ASCII.GetString(received.ToArray())}"));
        });
        await StartAsync(kubelet.Port, server);

        await using var client = await ConnectAsync(server);
        await client.WriteAsync(Encoding.ASCII.GetBytes($"POST {Pods}/p/exec?command=sh&command=-c&command=a%20b&stdin=true&stdout=true&container=c HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\nContent-Length: 0\r\n\r\n"));
        var answer = await ReadUntilAsync(client, "hello");
        Assert.StartsWith("HTTP/1.1 101 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n", answer, StringComparison.OrdinalIgnoreCase);
        await client.WriteAsync("input"u8.ToArray());
        await client.ShutdownAsync();

        Assert.EndsWith("got input", await ReadUntilAsync(client, "got input"), StringComparison.Ordinal);
        var head = await asked.Task;
        Assert.StartsWith("POST /exec/default/p/c?input=1&output=1&command=sh&command=-c&command=a%20b HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Contains("X-Stream-Protocol-Version: v4.channel.k8s.io", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("CN=kube-apiserver-kubelet-client", kubelet.ClientSubject, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, "BadRequest", "")]
    [InlineData(404, "NotFound", "")]
    [InlineData(500, "InternalError", "Internal error occurred: ")]
    public async Task Why_there_is_no_log_is_told_in_a_status(int code, string reason, string prefix)
    {
        const string Why = "container \"c\" in pod \"p\" is waiting to start: trying and failing to pull image";
        await using var server = await TestApiServer.StartAsync();
        await using var kubelet = new FakeKubelet(server.Server.Pki, async (_, stream) =>
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {code} X\r\nContent-Type: text/plain\r\nContent-Length: {Why.Length}\r\n\r\n{Why}")));
        await StartAsync(kubelet.Port, server);

        var answer = await server.GetAsync($"{Pods}/p/log");
        Assert.Equal((code, "Status", reason, prefix + Why), ((int)answer.StatusCode, answer.Json["kind"]!.GetValue<string>(), answer.Json["reason"]!.GetValue<string>(), answer.Json["message"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_refused_upgrade_is_answered_in_the_kubelets_words()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var kubelet = new FakeKubelet(server.Server.Pki, async (_, stream) =>
            await stream.WriteAsync("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\ncontainer not found"u8.ToArray()));
        await StartAsync(kubelet.Port, server);

        await using var client = await ConnectAsync(server);
        await client.WriteAsync(Encoding.ASCII.GetBytes($"GET {Pods}/p/attach?stdout=true HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
        var answer = await ReadUntilAsync(client, "container not found");

        Assert.StartsWith("HTTP/1.1 404 ", answer, StringComparison.Ordinal);
        var plain = await server.PostAsync($"{Pods}/p/exec?command=ls&stdout=true", "");
        Assert.Equal("Upgrade request required", plain.Json["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task Logs_come_as_the_kubelet_sends_them_and_as_frames_for_WebSockets()
    {
        await using var server = await TestApiServer.StartAsync();
        var heads = new List<string>();
        await using var kubelet = new FakeKubelet(server.Server.Pki, async (head, stream) =>
        {
            heads.Add(head);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nline 1\nline 2\n"u8.ToArray());
        });
        await StartAsync(kubelet.Port, server);

        var logs = await server.GetAsync($"{Pods}/p/log?tailLines=2&timestamps=true");
        Assert.Equal("line 1\nline 2\n", logs.Body);
        Assert.StartsWith("GET /containerLogs/default/p/c?timestamps=true&tailLines=2 HTTP/1.1\r\n", heads[0], StringComparison.Ordinal);

        await using var client = await ConnectAsync(server);
        await client.WriteAsync(Encoding.ASCII.GetBytes($"GET {Pods}/p/log HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: binary.k8s.io\r\n\r\n"));
        var answer = await ReadUntilAsync(client, "line 2\n");
        Assert.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Sec-WebSocket-Protocol: binary.k8s.io", answer, StringComparison.OrdinalIgnoreCase);
        var wrong = await server.GetAsync($"{Pods}/p/log?container=other");
        Assert.Equal("container other is not valid for pod p", wrong.Json["message"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.GetAsync($"{Pods}/p/log?tailLines=-1")).StatusCode);
    }

    [Fact]
    public async Task The_nodes_proxy_leads_to_its_kubelet_and_a_dead_one_is_unavailable()
    {
        await using var server = await TestApiServer.StartAsync();
        string? head = null;
        var kubelet = new FakeKubelet(server.Server.Pki, async (h, stream) =>
        {
            head = h;
            await stream.WriteAsync("HTTP/1.1 302 Found\r\nLocation: /elsewhere?x=1\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
        });
        await StartAsync(kubelet.Port, server);
        // Client and kubelet both redirect here: what comes back must be followed by nobody in between.
        using var client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true, ClientCertificateContext = SslStreamCertificateContext.Create(server.Server.Pki.Admin.Current, null, offline: true) },
        })
        { BaseAddress = server.Address, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        var slash = await server.SendAsync(HttpMethod.Get, "/api/v1/nodes/n1/proxy?a=b", null, null, client: client);
        Assert.Equal(HttpStatusCode.MovedPermanently, slash.StatusCode);
        Assert.Equal("/api/v1/nodes/n1/proxy/?a=b", slash.Headers.Location!.ToString());
        var moved = await server.SendAsync(HttpMethod.Get, "/api/v1/nodes/n1/proxy/stats%2Fsummary?only=1", null, null, client: client);
        Assert.Equal("/api/v1/nodes/n1/proxy/elsewhere?x=1", moved.Headers.Location!.ToString());
        Assert.Contains("GET /stats%2Fsummary?only=1 HTTP/1.1", head, StringComparison.Ordinal);
        await kubelet.DisposeAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await server.GetAsync("/api/v1/nodes/n1/proxy/healthz")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync("/api/v1/nodes/n2/proxy/healthz")).StatusCode);
    }

    [Theory]
    [InlineData("Content-Length: 7\r\n\r\nrefused")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n3\r\nref\r\n4;x=y\r\nused\r\n0\r\n\r\n")]
    public async Task A_refused_upgrade_gives_the_backends_words_however_they_are_framed(string rest)
    {
        await using var server = await TestApiServer.StartAsync();
        await using var kubelet = new FakeKubelet(server.Server.Pki, async (_, stream) =>
            await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n" + rest)));
        await StartAsync(kubelet.Port, server);
        await using var client = await ConnectAsync(server);
        await client.WriteAsync(Encoding.ASCII.GetBytes($"POST {Pods}/p/exec?command=true&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n"));

        var answer = await ReadUntilAsync(client, "refused");

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nrefused", answer, StringComparison.Ordinal);
    }

    private static async Task<SslStream> ConnectAsync(TestApiServer server)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Address.Host, server.Address.Port);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "127.0.0.1",
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            ClientCertificateContext = SslStreamCertificateContext.Create(server.Server.Pki.Admin.Current, null, offline: true),
            RemoteCertificateValidationCallback = static (_, _, _, _) => true,
        });
        return stream;
    }

    /// <summary>All that was read when <paramref name="end"/> had come; what follows it, as a WebSocket's close frame, may be there too.</summary>
    private static async Task<string> ReadUntilAsync(SslStream stream, string end)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains(end, StringComparison.Ordinal))
        {
            var count = await stream.ReadAsync(buffer).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
            if (count == 0) throw new EndOfStreamException($"The connection ended before \"{end}\" came; so far: {text}");
            text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        return text.ToString();
    }
}
