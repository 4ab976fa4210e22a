using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

public sealed class WatchSocketTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static Task<TestResponse> CreateAsync(TestApiServer server, string name) => server.PostAsync(ConfigMaps, $$$"""{"metadata":{"name":"{{{name}}}"}}""");

    private static HttpMessageInvoker Invoker(TestApiServer server)
    {
        var tls = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, _, _, _) => true };
        tls.ClientCertificateContext = SslStreamCertificateContext.Create(server.Server.Pki.Admin.Current, null, offline: true);
        return new HttpMessageInvoker(new SocketsHttpHandler { SslOptions = tls });
    }

    private static Uri AddressOf(TestApiServer server, string query) => new UriBuilder(server.Address) { Scheme = "wss", Path = ConfigMaps, Query = query }.Uri;

    private static async Task<(WebSocketMessageType Type, byte[] Bytes)> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[64 * 1024];
        var length = 0;
        while (true)
        {
            using var alarm = new CancellationTokenSource(Patience);
            var part = await socket.ReceiveAsync(buffer.AsMemory(length), alarm.Token);
            length += part.Count;
            if (part.EndOfMessage) return (part.MessageType, buffer[..length]);
        }
    }

    [Fact]
    public async Task Each_event_is_a_text_message_of_its_own()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a");
        using var invoker = Invoker(server);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", "http://localhost");
        await socket.ConnectAsync(AddressOf(server, $"watch=1&resourceVersion={server.Store.CurrentRevision}"), invoker, CancellationToken.None);

        await CreateAsync(server, "b");
        await CreateAsync(server, "c");

        foreach (var name in (string[])["b", "c"])
        {
            var (type, bytes) = await ReceiveAsync(socket);
            var change = JsonNode.Parse(bytes)!;
            Assert.Equal((WebSocketMessageType.Text, "ADDED", name), (type, (string?)change["type"], (string?)change["object"]!["metadata"]!["name"]));
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(Patience);
        Assert.Equal(WebSocketState.Closed, socket.State);
    }

    [Fact]
    public async Task A_watch_that_is_over_closes_its_socket()
    {
        await using var server = await TestApiServer.StartAsync();
        using var invoker = Invoker(server);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", "http://localhost");
        await socket.ConnectAsync(AddressOf(server, "watch=1&resourceVersion=1&timeoutSeconds=1"), invoker, CancellationToken.None);

        Assert.Equal(WebSocketMessageType.Close, (await ReceiveAsync(socket)).Type);
    }

    [Fact]
    public async Task Protobuf_comes_in_binary_messages()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a");
        using var invoker = Invoker(server);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", "http://localhost");
        socket.Options.SetRequestHeader("Accept", "application/vnd.kubernetes.protobuf;stream=watch");
        await socket.ConnectAsync(AddressOf(server, "watch=1"), invoker, CancellationToken.None);

        var (type, bytes) = await ReceiveAsync(socket);

        Assert.Equal(WebSocketMessageType.Binary, type);
        // WatchEvent {type, object {raw}}, with no length before it.
        Assert.Equal("ADDED", Encoding.ASCII.GetString(bytes, 2, bytes[1]));
        var start = bytes.AsSpan().IndexOf("k8s\0"u8);
        Assert.Equal("ConfigMap", ProtobufEnvelope.Read(bytes.AsSpan(start)).Kind);
    }

    [Fact]
    public async Task The_one_subprotocol_offered_is_taken_and_of_several_none()
    {
        await using var server = await TestApiServer.StartAsync();
        using var invoker = Invoker(server);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", "http://localhost");
        socket.Options.AddSubProtocol("binary.k8s.io");
        await socket.ConnectAsync(AddressOf(server, "watch=1"), invoker, CancellationToken.None);
        Assert.Equal("binary.k8s.io", socket.SubProtocol);

        using var second = new ClientWebSocket();
        second.Options.CollectHttpResponseDetails = true;
        second.Options.SetRequestHeader("Origin", "http://localhost");
        second.Options.AddSubProtocol("a");
        second.Options.AddSubProtocol("b");
        await Assert.ThrowsAsync<WebSocketException>(() => second.ConnectAsync(AddressOf(server, "watch=1"), invoker, CancellationToken.None));
        Assert.Equal(HttpStatusCode.BadRequest, second.HttpStatusCode);

        using var third = new ClientWebSocket();
        third.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() => third.ConnectAsync(AddressOf(server, "watch=1"), invoker, CancellationToken.None));
        Assert.Equal(HttpStatusCode.Forbidden, third.HttpStatusCode);
    }
}
