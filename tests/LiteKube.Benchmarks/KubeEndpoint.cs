using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LiteKube.Client.Transport;
using YamlDotNet.RepresentationModel;

namespace LiteKube.Benchmarks;

/// <summary>Where a kubeconfig leads: an address and client credentials, and HTTP/2 clients that use them.</summary>
internal sealed class KubeEndpoint
{
    private readonly X509Certificate2? _clientCertificate;
    private readonly string? _token;
    private readonly X509Certificate2Collection _authority = [];

    private KubeEndpoint(string path, Uri server, X509Certificate2? clientCertificate, string? token, string? authority)
    {
        if (authority is not null)
            _authority.ImportFromPem(authority);
        Path = path;
        Server = server;
        _clientCertificate = clientCertificate;
        _token = token;
    }

    public string Path { get; }
    public Uri Server { get; }

    public static KubeEndpoint Load(string path)
    {
        var yaml = new YamlStream();
        using (var reader = new StreamReader(path))
            yaml.Load(reader);
        var root = (YamlMappingNode)yaml.Documents[0].RootNode;
        var current = Named(root, "contexts", Text(root, "current-context") ?? throw new InvalidDataException($"{path} has no current-context"), "context");
        var cluster = Named(root, "clusters", Text(current, "cluster")!, "cluster");
        var user = Named(root, "users", Text(current, "user")!, "user");
        var certificate = Pem(user, "client-certificate");
        var key = Pem(user, "client-key");
        return new KubeEndpoint(path, new Uri(Text(cluster, "server")!),
            certificate is null || key is null ? null : X509Certificate2.CreateFromPem(certificate, key), Text(user, "token"), Pem(cluster, "certificate-authority"));
    }

    /// <summary>A client with a connection of its own, as another process would have. The server's certificate is not checked: only speed is measured.</summary>
    public HttpClient Connect()
    {
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = false,
            SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
        };
        if (_clientCertificate is not null)
            handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(_clientCertificate, null, offline: true);
        var client = new HttpClient(handler)
        {
            BaseAddress = Server,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        client.DefaultRequestHeaders.UserAgent.ParseAdd("litekube-bench/1");
        if (_token is not null)
            client.DefaultRequestHeaders.Authorization = new("Bearer", _token);
        return client;
    }

    /// <summary>What components stand on, over HTTP/2. Checks the server's certificate as they do.</summary>
    public HttpTransport Transport() => new(new HttpTransportOptions(Server, _authority, () => _clientCertificate), TimeProvider.System);

    /// <summary>Several clients, on one connection or on one each. Disposing one of those that share disposes all.</summary>
    public HttpClient[] Connect(int count, bool share)
    {
        if (!share)
            return [.. Enumerable.Range(0, count).Select(_ => Connect())];
        var client = Connect();
        return [.. Enumerable.Repeat(client, count)];
    }

    private static YamlMappingNode Named(YamlMappingNode root, string list, string name, string inner) =>
        ((YamlSequenceNode)root.Children[list]).Children.Cast<YamlMappingNode>().Where(n => Text(n, "name") == name).Select(n => (YamlMappingNode)n.Children[inner]).First();

    private static string? Text(YamlMappingNode node, string key) => node.Children.TryGetValue(key, out var value) ? ((YamlScalarNode)value).Value : null;

    private static string? Pem(YamlMappingNode user, string key) =>
        Text(user, key + "-data") is { } data ? Encoding.ASCII.GetString(Convert.FromBase64String(data)) :
        Text(user, key) is { } file ? File.ReadAllText(file) : null;
}
