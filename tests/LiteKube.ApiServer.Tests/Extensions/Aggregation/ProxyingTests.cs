using System.Net;
using System.Net.WebSockets;
using System.Text;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Tests.Extensions.CustomResources;
using LiteKube.Testing;
using LiteKube.Testing.Extensions;
using static LiteKube.ApiServer.Tests.Extensions.Aggregation.ExtensionServers;

namespace LiteKube.ApiServer.Tests.Extensions.Aggregation;

/// <summary>Requests that another server answers.</summary>
public sealed class ProxyingTests
{
    [Fact]
    public async Task Every_verb_reaches_the_extension_server_with_the_users_name_and_without_what_proves_it()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await server.RegisterAsync(extension);
        await using var watch = await server.WatchAsync($"{Flunders}?watch=true");

        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(Flunders, """{"apiVersion":"wardle.example.com/v1alpha1","kind":"Flunder","metadata":{"name":"a"},"spec":{"reference":"r"}}""")).StatusCode);
        Assert.Equal("r", (await server.GetAsync($"{Flunders}/a")).Json["spec"]!["reference"]!.GetValue<string>());
        Assert.Equal("s", (await server.PatchAsync($"{Flunders}/a", """{"spec":{"reference":"s"}}""")).Json["spec"]!["reference"]!.GetValue<string>());
        Assert.Equal("t", (await server.PutAsync($"{Flunders}/a", """{"spec":{"reference":"t"}}""")).Json["spec"]!["reference"]!.GetValue<string>());
        Assert.Single((await server.GetAsync($"{Flunders}?limit=500")).Json["items"]!.AsArray());
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{Flunders}/a")).StatusCode);
        await server.PostAsync(Flunders, """{"metadata":{"name":"b"}}""");
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync(Flunders)).StatusCode);
        var missing = await server.GetAsync($"{Flunders}/b");
        Assert.Equal("NotFound flunders.wardle.example.com \"b\" not found", $"{missing.Json["reason"]} {missing.Message()}");

        Assert.Equal(["ADDED a", "MODIFIED a", "MODIFIED a", "DELETED a", "ADDED b", "DELETED b"], await watch.TakeAsync(6));
        var listed = extension.Seen.Single(s => s.PathAndQuery == $"{Flunders}?limit=500");
        Assert.Equal("kubernetes-admin", listed.User);
        Assert.Equal(["system:masters", "system:authenticated"], listed.Headers["X-Remote-Group"]);
        Assert.StartsWith("X509SHA256=", Assert.Single(listed.Headers["X-Remote-Extra-authentication.kubernetes.io%2Fcredential-id"]), StringComparison.Ordinal);
        Assert.Equal("sample-api.wardle.svc", Assert.Single(listed.Headers["Host"]));
    }

    [Fact]
    public async Task What_a_client_claims_to_be_and_its_token_do_not_reach_the_extension_server()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await server.RegisterAsync(extension);
        await server.PostAsync("/apis/rbac.authorization.k8s.io/v1/clusterroles", """{"metadata":{"name":"flunders"},"rules":[{"apiGroups":["wardle.example.com"],"resources":["flunders"],"verbs":["get","list"]}]}""");
        await server.PostAsync("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", """{"metadata":{"name":"flunders"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"flunders"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"jane"}]}""");
        using var jane = server.ClientFor(server.Server.Pki.IssueClientCertificate("jane", ["dev"], TimeSpan.FromHours(1)));
        using var request = new HttpRequestMessage(HttpMethod.Get, Flunders) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("X-Remote-User", "root"), ("X-Remote-Uid", "0"), ("X-Remote-Group", "system:masters"), ("x-remote-extra-scopes", "all"), ("Authorization", "Basic c2VjcmV0"), ("X-Kept", "yes")])
            request.Headers.TryAddWithoutValidation(name, value);

        using var answer = await jane.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var seen = extension.Seen.Single(s => s.Method == "GET" && s.PathAndQuery == Flunders);
        Assert.Equal("jane", seen.User);
        Assert.Equal(["dev", "system:authenticated"], seen.Headers["X-Remote-Group"]);
        Assert.Equal("yes", Assert.Single(seen.Headers["X-Kept"]));
        Assert.DoesNotContain(seen.Headers.Keys, k => k is "Authorization" or "X-Remote-Uid" || k.Equals("X-Remote-Extra-Scopes", StringComparison.OrdinalIgnoreCase));
        var refused = await server.SendAsync(HttpMethod.Delete, Flunders, null, null, client: jane);
        Assert.Equal("flunders.wardle.example.com is forbidden: User \"jane\" cannot deletecollection resource \"flunders\" in API group \"wardle.example.com\" in the namespace \"default\"", refused.Message());
        Assert.DoesNotContain(extension.Seen, s => s.Method == "DELETE");
    }

    [Fact]
    public async Task An_impersonated_user_is_the_one_whom_the_extension_server_sees()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await server.RegisterAsync(extension);
        using var request = new HttpRequestMessage(HttpMethod.Get, Flunders) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("Impersonate-User", "jürgen"), ("Impersonate-Uid", "u-1"), ("Impersonate-Group", "system:masters"), ("Impersonate-Extra-example.com%2Fscope", "one two")])
            request.Headers.TryAddWithoutValidation(name, value);
        using var admin = new HttpClient(new SocketsHttpHandler
        {
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
            SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true, ClientCertificates = [server.Server.Pki.Admin.Current] },
        })
        { BaseAddress = server.Address };

        using var answer = await admin.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var seen = extension.Seen.Single(s => s.Method == "GET" && s.PathAndQuery == Flunders);
        Assert.Equal("jürgen u-1 one two", $"{seen.User} {seen.Headers["X-Remote-Uid"][0]} {seen.Headers["X-Remote-Extra-example.com%2Fscope"][0]}");
        Assert.DoesNotContain(seen.Headers.Keys, k => k.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_WebSocket_is_carried_to_the_extension_server_and_back()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await server.RegisterAsync(extension);
        using var socket = new ClientWebSocket();
        socket.Options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        socket.Options.ClientCertificates.Add(server.Server.Pki.Admin.Current);
        socket.Options.SetRequestHeader("X-Remote-User", "root");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));

        await socket.ConnectAsync(new Uri($"wss://127.0.0.1:{server.Address.Port}{Flunders}/a/echo?x=1"), patience.Token);
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, patience.Token);
        var buffer = new byte[100];
        var received = await socket.ReceiveAsync(buffer.AsMemory(), patience.Token);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token);

        Assert.Equal("hello", Encoding.UTF8.GetString(buffer, 0, received.Count));
        var seen = extension.Seen.Single(s => s.PathAndQuery == $"{Flunders}/a/echo?x=1");
        Assert.Equal(["kubernetes-admin"], seen.Headers["X-Remote-User"]);
    }

    [Fact]
    public async Task A_server_that_is_gone_is_an_error_503_until_it_is_found_unavailable()
    {
        await using var server = await TestApiServer.StartAsync();
        var extension = await server.StartExtensionAsync();
        await server.RegisterAsync(extension);
        await extension.DisposeAsync();

        var answer = await server.GetAsync(Flunders);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("text/plain", answer.ContentHeaders.ContentType!.MediaType);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync("/apis/nobody.example.com/v1/things")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync("/apis")).StatusCode);
    }

    [Fact]
    public async Task Components_of_the_process_read_write_and_watch_what_another_server_has()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await server.RegisterAsync(extension);
        var user = new UserInfo("system:apiserver", [UserInfo.MastersGroup]);
        await using var events = server.Server.WatchAsync(new InProcessRequest("GET", $"{Flunders}?watch=true&resourceVersion=0", user), CancellationToken.None).GetAsyncEnumerator();

        var created = await server.Server.ExecuteAsync(new InProcessRequest("POST", Flunders, user, """{"metadata":{"name":"a"}}"""u8.ToArray(), "application/json"), CancellationToken.None);
        Assert.Equal(201, created.StatusCode);
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.StartsWith("{\"type\":\"ADDED\"", Encoding.UTF8.GetString(events.Current.Span), StringComparison.Ordinal);
        Assert.Contains("\"flunders\"", Encoding.UTF8.GetString((await server.Server.ExecuteAsync(new InProcessRequest("GET", "/apis/wardle.example.com/v1alpha1", user), CancellationToken.None)).Body.Span), StringComparison.Ordinal);
        var missing = await server.Server.ExecuteAsync(new InProcessRequest("GET", $"{Flunders}/b", user), CancellationToken.None);
        Assert.Equal(404, missing.StatusCode);
        extension.Instead = context =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        await using var refused = server.Server.WatchAsync(new InProcessRequest("GET", $"{Flunders}?watch=true", user), CancellationToken.None).GetAsyncEnumerator();
        Assert.Equal(500, (await Assert.ThrowsAsync<WatchRefusedException>(async () => await refused.MoveNextAsync())).StatusCode);
    }

    [Fact]
    public async Task An_APIService_takes_a_group_version_over_from_a_CRD_and_gives_it_back()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await server.EstablishAsync(CustomServer.Foo().Replace("foos.example.com", "flunders.wardle.example.com", StringComparison.Ordinal).Replace("\"group\":\"example.com\"", "\"group\":\"wardle.example.com\"", StringComparison.Ordinal)
            .Replace("\"plural\":\"foos\",\"kind\":\"Foo\"", "\"plural\":\"flunders\",\"kind\":\"Flunder\"", StringComparison.Ordinal).Replace("\"name\":\"v1\"", "\"name\":\"v1alpha1\"", StringComparison.Ordinal));
        Succeeded(await server.PostAsync(Flunders, """{"apiVersion":"wardle.example.com/v1alpha1","kind":"Flunder","metadata":{"name":"custom"}}"""));
        await server.WaitForAvailableAsync(c => c["reason"]!.GetValue<string>() == "Local");
        await server.CreateServiceAsync();
        await server.CreateEndpointsAsync(extension.Port);

        // Without the label it is the user's.
        var taken = (await server.GetAsync($"{ApiServices}/{FakeExtensionServer.Name}")).Json;
        taken["metadata"]!.AsObject().Remove("labels");
        taken["spec"] = System.Text.Json.Nodes.JsonNode.Parse(extension.ApiService())!["spec"]!.DeepClone();
        Succeeded(await server.PutAsync($"{ApiServices}/{FakeExtensionServer.Name}", taken.ToJsonString()));
        await server.WaitForAvailableAsync(c => c["reason"]!.GetValue<string>() == "Passed");
        Assert.Empty((await server.GetAsync(Flunders)).Json["items"]!.AsArray());
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{ApiServices}/{FakeExtensionServer.Name}")).StatusCode);

        Assert.Equal("custom", Assert.Single((await server.GetAsync(Flunders)).Json["items"]!.AsArray())!["metadata"]!["name"]!.GetValue<string>());
    }
}
