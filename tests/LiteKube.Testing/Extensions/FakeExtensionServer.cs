using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LiteKube.Testing.Extensions;

/// <summary>A request as an extension server got it.</summary>
/// <param name="User">Whom the front proxy named; null: it was not believed.</param>
public sealed record SeenRequest(string Method, string PathAndQuery, string Protocol, string? User, IReadOnlyDictionary<string, string[]> Headers);

/// <summary>
/// An extension API server on Kestrel, as the sample API server is one: flunders of wardle.example.com/v1alpha1, over TLS
/// with a certificate for its service's name. It believes whom the front proxy names when the proxy's certificate fits
/// what the ConfigMap extension-apiserver-authentication says, and answers others 401.
/// </summary>
public sealed class FakeExtensionServer : IAsyncDisposable
{
    public const string Group = "wardle.example.com";
    public const string Version = "v1alpha1";
    public const string Namespace = "wardle";
    public const string Service = "sample-api";
    public const string Name = $"{Version}.{Group}";

    private readonly FrontProxyTrust _trust;
    private TlsServer _server = null!;

    private FakeExtensionServer(FrontProxyTrust trust) => _trust = trust;

    public int Port => _server.Port;
    public FakeFlunders Flunders { get; } = new();
    public ConcurrentQueue<SeenRequest> Seen { get; } = new();

    /// <summary>Answers discovery in the aggregated form as well; false: as servers before Kubernetes 1.27 do.</summary>
    public bool HasAggregatedDiscovery { get; set; } = true;

    /// <summary>False: as servers before Kubernetes 1.23.</summary>
    public bool HasOpenApiV3 { get; set; } = true;

    /// <summary>Every request gets this answer instead; null: its own one.</summary>
    public volatile Func<HttpContext, Task>? Instead;

    public string CaBundle => _server.CaBundle;

    /// <param name="authentication">ConfigMap kube-system/extension-apiserver-authentication.</param>
    public static async Task<FakeExtensionServer> StartAsync(JsonObject authentication, string? certificateName = null)
    {
        var server = new FakeExtensionServer(FrontProxyTrust.Read(authentication));
        server._server = await TlsServer.StartAsync(TlsServer.SelfSigned(certificateName ?? $"{Service}.{Namespace}.svc"), server.AnswerAsync);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        Flunders.EndWatches();
        await _server.DisposeAsync();
    }

    /// <summary>The object that registers it.</summary>
    public string ApiService(string? bundle = null, string extra = "") => $$$"""
        {"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"{{{Name}}}","labels":{"sample":"true"}},
         "spec":{"group":"{{{Group}}}","version":"{{{Version}}}","service":{"namespace":"{{{Namespace}}}","name":"{{{Service}}}","port":7443},"groupPriorityMinimum":2000,"versionPriority":200,"caBundle":"{{{bundle ?? CaBundle}}}"{{{extra}}}}}
        """;

    private async Task AnswerAsync(HttpContext context)
    {
        var user = _trust.UserOf(context);
        Seen.Enqueue(new SeenRequest(context.Request.Method, context.Request.Path + context.Request.QueryString, context.Request.Protocol, user,
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.OfType<string>().ToArray(), StringComparer.OrdinalIgnoreCase)));
        if (Instead is { } instead)
        {
            await instead(context);
            return;
        }
        if (user is null)
        {
            await WriteAsync(context, 401, """{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}""");
            return;
        }
        var path = context.Request.Path.Value!.TrimEnd('/');
        if (path.StartsWith("/openapi/", StringComparison.Ordinal)) await FakeExtensionDocuments.AnswerOpenApiAsync(context, path, HasOpenApiV3);
        else if (path == "/apis" && HasAggregatedDiscovery && context.Request.Headers.Accept.ToString().Contains("as=APIGroupDiscoveryList", StringComparison.Ordinal)) await FakeExtensionDocuments.AnswerAggregatedAsync(context);
        else if (FakeExtensionDocuments.Discovery(path) is { } document) await WriteAsync(context, 200, document);
        else await Flunders.AnswerAsync(context, path);
    }

    internal static async Task WriteAsync(HttpContext context, int code, string body, string contentType = "application/json")
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = contentType;
        await context.Response.WriteAsync(body);
    }

    /// <summary>Whom an extension server believes, read from the ConfigMap as Kubernetes' library for such servers reads it.</summary>
    private sealed record FrontProxyTrust(X509Certificate2Collection Authorities, string[] Names, string UserHeader)
    {
        public static FrontProxyTrust Read(JsonObject config)
        {
            var data = config["data"]!;
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(data["requestheader-client-ca-file"]!.GetValue<string>());
            return new FrontProxyTrust(authorities, List("requestheader-allowed-names"), List("requestheader-username-headers")[0]);

            string[] List(string key) => [.. JsonNode.Parse(data[key]!.GetValue<string>())!.AsArray().Select(n => n!.GetValue<string>())];
        }

        public string? UserOf(HttpContext context)
        {
            if (context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is not { } certificate) return null;
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.CustomTrustStore.AddRange(Authorities);
            chain.ChainPolicy.ApplicationPolicy.Add(new("1.3.6.1.5.5.7.3.2"));
            if (!chain.Build(certificate) || !Names.Contains(certificate.GetNameInfo(X509NameType.SimpleName, false))) return null;
            return context.Request.Headers[UserHeader] is [{ Length: > 0 } user, ..] ? user : null;
        }
    }
}
