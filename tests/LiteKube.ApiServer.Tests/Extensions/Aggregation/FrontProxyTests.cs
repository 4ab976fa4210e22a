using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.Aggregation;

/// <summary>This server behind a front proxy: the headers count with the proxy's certificate alone.</summary>
public sealed class FrontProxyTests
{
    private const string SelfReviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

    [Fact]
    public async Task A_front_proxy_says_for_whom_it_asks()
    {
        await using var server = await TestApiServer.StartAsync();
        // Written by hand: HttpClient would make one group of the two.
        const string Body = """{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}""";
        await using var proxy = await ConnectAsync(server);
        await proxy.WriteAsync(Encoding.ASCII.GetBytes($"POST {SelfReviews} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Remote-User: jane\r\nX-Remote-Uid: u-1\r\nX-Remote-Group: dev\r\nX-Remote-Group: ops\r\nX-Remote-Extra-Example.com%2fScope: one\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"));
        using var reader = new StreamReader(proxy);
        var answer = await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20));
        var info = JsonNode.Parse(answer[answer.IndexOf('{', StringComparison.Ordinal)..])!["status"]!["userInfo"]!;

        Assert.Equal("jane u-1", $"{info["username"]} {info["uid"]}");
        Assert.Equal(["dev", "ops", "system:authenticated"], info["groups"]!.AsArray().Select(g => g!.GetValue<string>()));
        Assert.Equal("""{"example.com/scope":["one"]}""", info["extra"]!.ToJsonString());
    }

    [Fact]
    public async Task The_headers_mean_nothing_without_the_proxys_certificate_and_the_certificate_nothing_without_them()
    {
        await using var server = await TestApiServer.StartAsync();
        using var proxy = server.ClientFor(server.Server.Pki.FrontProxyClient.Current);
        using var sameName = server.ClientFor(server.Server.Pki.IssueClientCertificate("front-proxy-client", [], TimeSpan.FromHours(1)));
        using var anonymous = server.ClientFor(null);

        Assert.Equal("kubernetes-admin", NameOf(await ReviewAsync(server, server.Admin, ("X-Remote-User", "jane"))));
        Assert.Equal("front-proxy-client", NameOf(await ReviewAsync(server, sameName, ("X-Remote-User", "jane"))));
        Assert.Equal(HttpStatusCode.Forbidden, (await ReviewAsync(server, anonymous, ("X-Remote-User", "jane"))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await ReviewAsync(server, proxy)).StatusCode);
    }

    private static async Task<SslStream> ConnectAsync(TestApiServer server)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server.Address.Host, server.Address.Port);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "127.0.0.1",
            ClientCertificateContext = SslStreamCertificateContext.Create(server.Server.Pki.FrontProxyClient.Current, null, offline: true),
            RemoteCertificateValidationCallback = static (_, _, _, _) => true,
        });
        return stream;
    }

    private static string NameOf(TestResponse review) => review.Json["status"]!["userInfo"]!["username"]!.GetValue<string>();

    private static async Task<TestResponse> ReviewAsync(TestApiServer server, HttpClient client, params (string Name, string Value)[] headers)
    {
        foreach (var (name, value) in headers) client.DefaultRequestHeaders.TryAddWithoutValidation(name, value);
        return await server.SendAsync(HttpMethod.Post, SelfReviews, """{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}""", "application/json", client: client);
    }
}
