using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer;
using LiteKube.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Testing;

/// <summary>An answer of the server with its body read.</summary>
public sealed record TestResponse(HttpStatusCode StatusCode, string Body, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
{
    public JsonObject Json => JsonNode.Parse(Body)!.AsObject();

    /// <summary>The body as it came.</summary>
    public byte[] Bytes { get; init; } = [];
}

/// <summary>The whole API server on Kestrel at port 0 with SQLite on disk, in a directory of its own that goes with it.</summary>
public sealed class TestApiServer : IAsyncDisposable
{
    /// <summary>Where the cluster is told that the server is: no Endpoints may have the loopback address where it listens.</summary>
    public static readonly IPAddress AdvertiseAddress = IPAddress.Parse("192.0.2.10");

    private readonly string _directory;

    private TestApiServer(string directory, IStateStore store, ApiServer.ApiServer server)
    {
        (_directory, Store, Server) = (directory, store, server);
        Address = new Uri($"https://127.0.0.1:{server.Endpoints[0].Port}");
        Admin = ClientFor(server.Pki.Admin.Current);
    }

    public IStateStore Store { get; }
    /// <summary>The folder with the database and its -wal.</summary>
    public string Folder => _directory;
    public ApiServer.ApiServer Server { get; }
    public Uri Address { get; }

    /// <summary>HTTP/2 as kubernetes-admin.</summary>
    public HttpClient Admin { get; }

    public static async Task<TestApiServer> StartAsync(TimeProvider? time = null, Func<ApiServerOptions, ApiServerOptions>? configure = null, IValueTransformer? transformer = null)
    {
        var directory = Directory.CreateTempSubdirectory("lk-api-").FullName;
        time ??= TimeProvider.System;
        var store = await SqliteStateStore.OpenAsync(new SqliteStoreOptions(Path.Combine(directory, "state.db")) { Transformer = transformer }, time, NullLoggerFactory.Instance, CancellationToken.None);
        var options = new ApiServerOptions { Listen = [new(IPAddress.Loopback, 0)], DataDirectory = directory, AdvertiseAddress = AdvertiseAddress };
        var server = new ApiServer.ApiServer(configure is null ? options : configure(options), store, NullLoggerFactory.Instance, time);
        await server.StartAsync(CancellationToken.None);
        return new TestApiServer(directory, store, server);
    }

    /// <param name="certificate">Null: anonymous.</param>
    public HttpClient ClientFor(X509Certificate2? certificate, Version? version = null)
    {
        var tls = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, _, _, _) => true };
        if (certificate is not null) tls.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true);
        return new HttpClient(new SocketsHttpHandler { SslOptions = tls, EnableMultipleHttp2Connections = true })
        {
            BaseAddress = Address,
            DefaultRequestVersion = version ?? HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeSpan.FromSeconds(30),
        };
    }

    public Task<TestResponse> GetAsync(string path, string? accept = null) => SendAsync(HttpMethod.Get, path, null, null, accept);

    public Task<TestResponse> PostAsync(string path, string body, string contentType = "application/json") => SendAsync(HttpMethod.Post, path, body, contentType);

    public Task<TestResponse> PutAsync(string path, string body) => SendAsync(HttpMethod.Put, path, body, "application/json");

    public Task<TestResponse> PatchAsync(string path, string body, string contentType = "application/merge-patch+json") => SendAsync(HttpMethod.Patch, path, body, contentType);

    public Task<TestResponse> DeleteAsync(string path, string? body = null) => SendAsync(HttpMethod.Delete, path, body, "application/json");

    public Task<TestResponse> SendAsync(HttpMethod method, string path, string? body, string? contentType, string? accept = null, HttpClient? client = null) =>
        SendBytesAsync(method, path, body is null ? null : Encoding.UTF8.GetBytes(body), contentType, accept, client);

    public async Task<TestResponse> SendBytesAsync(HttpMethod method, string path, byte[]? body, string? contentType, string? accept = null, HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(method, path) { Version = (client ?? Admin).DefaultRequestVersion, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (body is not null) request.Content = new ByteArrayContent(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(contentType ?? "application/json") } };
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await (client ?? Admin).SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        return new(response.StatusCode, Encoding.UTF8.GetString(bytes), response.Headers, response.Content.Headers) { Bytes = bytes };
    }

    /// <summary>Opens a watch; it is open when this returns.</summary>
    public async Task<TestWatch> WatchAsync(string pathAndQuery, string? accept = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, pathAndQuery) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        var response = await Admin.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return new TestWatch(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    public async ValueTask DisposeAsync()
    {
        Admin.Dispose();
        await Server.DisposeAsync();
        await Store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>An open watch and its events in order.</summary>
public sealed class TestWatch(HttpResponseMessage response, StreamReader reader) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public HttpStatusCode StatusCode => response.StatusCode;

    /// <summary>The next event; null when the server ended the watch.</summary>
    public async Task<JsonObject?> NextAsync()
    {
        try
        {
            return await reader.ReadLineAsync().WaitAsync(Patience) is { } line ? JsonNode.Parse(line)!.AsObject() : null;
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"No watch event came within {Patience} ({response.RequestMessage?.RequestUri}).");
        }
    }

    /// <summary>So many events as "TYPE name".</summary>
    public async Task<IReadOnlyList<string>> TakeAsync(int count)
    {
        var events = new List<string>();
        while (events.Count < count && await NextAsync() is { } next) events.Add($"{next["type"]} {next["object"]?["metadata"]?["name"]}");
        return events;
    }

    public ValueTask DisposeAsync()
    {
        reader.Dispose();
        response.Dispose();
        return ValueTask.CompletedTask;
    }
}
