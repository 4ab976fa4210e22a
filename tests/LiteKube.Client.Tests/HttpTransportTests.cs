using System.Security.Cryptography.X509Certificates;
using k8s.Models;
using LiteKube.Client.Transport;
using LiteKube.Testing;
using Microsoft.AspNetCore.Http;

namespace LiteKube.Client.Tests;

/// <summary>Against Kestrel over TLS and HTTP/2.</summary>
public sealed class HttpTransportTests : IAsyncLifetime
{
    private readonly string _tokenFile = Path.GetTempFileName();
    private TlsServer _server = null!;
    private RequestDelegate _answer = _ => Task.CompletedTask;

    public async Task InitializeAsync() => _server = await TlsServer.StartAsync(TlsServer.SelfSigned("127.0.0.1"), context => _answer(context));

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        File.Delete(_tokenFile);
    }

    [Fact]
    public async Task A_request_carries_the_token_over_http_2_and_the_answer_comes_back_typed()
    {
        await File.WriteAllTextAsync(_tokenFile, "secret\n");
        _answer = async context =>
        {
            Assert.Equal("HTTP/2", context.Request.Protocol);
            Assert.Equal("Bearer secret", context.Request.Headers.Authorization.ToString());
            await context.Response.WriteAsync($$$"""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"{{{context.Request.Path.Value!.Split('/')[^1]}}}"}}""");
        };
        using var transport = Transport(tokenFile: _tokenFile);
        var map = await new KubeClient(transport).GetAsync<V1ConfigMap>("default", "a", default);
        Assert.Equal("a", map.Metadata.Name);
    }

    [Fact]
    public async Task The_client_certificate_reaches_the_server()
    {
        string? seen = null;
        _answer = context =>
        {
            seen = context.Connection.ClientCertificate?.Thumbprint;
            return context.Response.WriteAsync("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}""");
        };
        using var transport = Transport(clientCertificate: () => _server.Certificate);
        await new KubeClient(transport).GetAsync<V1ConfigMap>("default", "a", default);
        Assert.Equal(_server.Certificate.Thumbprint, seen);
    }

    [Fact]
    public async Task A_status_becomes_an_exception_with_its_reason()
    {
        _answer = context =>
        {
            context.Response.StatusCode = 409;
            return context.Response.WriteAsync("""{"kind":"Status","apiVersion":"v1","status":"Failure","message":"already there","reason":"AlreadyExists","code":409}""");
        };
        using var transport = Transport();
        var failure = await Assert.ThrowsAsync<KubeApiException>(() => new KubeClient(transport).GetAsync<V1ConfigMap>("default", "a", default));
        Assert.True(failure.IsAlreadyExists);
        Assert.Equal("already there", failure.Message);
    }

    [Fact]
    public async Task An_answer_that_is_no_status_still_says_what_the_server_said()
    {
        _answer = context =>
        {
            context.Response.StatusCode = 503;
            return context.Response.WriteAsync("upstream is down");
        };
        using var transport = Transport();
        var failure = await Assert.ThrowsAsync<KubeApiException>(() => new KubeClient(transport).GetAsync<V1ConfigMap>("default", "a", default));
        Assert.Equal((503, "ServiceUnavailable", "upstream is down"), (failure.Code, failure.Reason, failure.Message));
    }

    [Fact]
    public async Task A_watch_gives_events_as_they_come_however_the_bytes_are_cut_and_ends_with_the_server()
    {
        var more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _answer = async context =>
        {
            await context.Response.WriteAsync("""{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}}""" + "\n" + """{"type":"MODI""");
            await context.Response.Body.FlushAsync();
            await more.Task;
            await context.Response.WriteAsync("""FIED","object":{"metadata":{"name":"a","resourceVersion":"6"}}}""" + "\n");
            await context.Response.WriteAsync("""{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}""" + "\n");
        };
        using var transport = Transport();
        await using var watch = new KubeClient(transport).WatchAsync<V1ConfigMap>("default", new WatchOptions("1"), default).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal((KubeWatchEventType.Added, "5"), (watch.Current.Type, watch.Current.Object.Metadata.ResourceVersion));
        more.SetResult();
        Assert.True(await watch.MoveNextAsync());
        Assert.Equal((KubeWatchEventType.Modified, "6"), (watch.Current.Type, watch.Current.Object.Metadata.ResourceVersion));
        var expired = await Assert.ThrowsAsync<KubeApiException>(() => watch.MoveNextAsync().AsTask());
        Assert.True(expired.IsGone);
    }

    [Fact]
    public async Task A_server_of_another_authority_is_not_trusted()
    {
        using var other = TlsServer.SelfSigned("127.0.0.1");
        using var transport = new HttpTransport(new HttpTransportOptions(_server.Address, [other]), TimeProvider.System);
        await Assert.ThrowsAsync<HttpRequestException>(() => transport.SendAsync(new KubeRequest("GET", "/version"), default));
    }

    private HttpTransport Transport(string? tokenFile = null, Func<X509Certificate2?>? clientCertificate = null) =>
        new(new HttpTransportOptions(_server.Address, [X509CertificateLoader.LoadCertificate(_server.Certificate.RawData)], clientCertificate, tokenFile), TimeProvider.System);
}
