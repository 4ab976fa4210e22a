using System.Security.Cryptography.X509Certificates;
using LiteKube.ApiServer.Certificates;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Controllers;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Integration.Tests.Support;

/// <summary>The API server over TLS with the controllers, and what a client program needs to reach it.</summary>
public sealed class IntegrationServer : IAsyncLifetime
{
    private readonly string _home = Directory.CreateTempSubdirectory("lk-integration-").FullName;
    private ControllerSet _controllers = null!;
    private SharedInformers _informers = null!;
    private EventBroadcaster _events = null!;

    public TestApiServer Api { get; private set; } = null!;

    /// <summary>A kubeconfig file of kubernetes-admin.</summary>
    public string Kubeconfig { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Api = await TestApiServer.StartAsync();
        Kubeconfig = Save("admin", Api.Server.Pki.AdminKubeconfig(ServerUrl));
        _informers = new SharedInformers(Client("generic-garbage-collector"), NullLoggerFactory.Instance, TimeProvider.System);
        _events = new EventBroadcaster(Client("deployment-controller"), NullLoggerFactory.Instance, TimeProvider.System);
        _controllers = new ControllerSet(Client, Api.Server.Pki.CertificateAuthority, _informers, _events, NullLoggerFactory.Instance, TimeProvider.System);
        await _controllers.StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        await _controllers.StopAsync(default);
        await _events.DisposeAsync();
        await _informers.DisposeAsync();
        await Api.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }

    public string ServerUrl => Api.Address.ToString().TrimEnd('/');

    /// <summary>A kubeconfig file with a client certificate of this user.</summary>
    public string KubeconfigOf(string user, params IReadOnlyList<string> groups)
    {
        using var certificate = Api.Server.Pki.IssueClientCertificate(user, groups, TimeSpan.FromHours(1));
        using var ecdsa = certificate.GetECDsaPrivateKey();
        using var rsa = certificate.GetRSAPrivateKey();
        var key = ecdsa?.ExportPkcs8PrivateKeyPem() ?? rsa!.ExportPkcs8PrivateKeyPem();
        return Save(user, KubeconfigText.Write(ServerUrl, "litekube", user, Api.Server.Pki.CertificateAuthorityPem, certificate.ExportCertificatePem() + "\n", key + "\n"));
    }

    public IReadOnlyDictionary<string, string?> Environment(string? kubeconfig = null) =>
        new Dictionary<string, string?> { ["KUBECONFIG"] = kubeconfig ?? Kubeconfig, ["HOME"] = _home, ["KUBE_EDITOR"] = null };

    /// <summary>A new empty directory that goes with the server.</summary>
    public string NewDirectory() => Directory.CreateDirectory(Path.Combine(_home, Guid.NewGuid().ToString("N"))).FullName;

    private string Save(string name, string text)
    {
        var path = Path.Combine(_home, name + ".kubeconfig");
        File.WriteAllText(path, text);
        return path;
    }

    private KubeClient Client(string controller) => new(new ServerTransport(Api.Server, controller));
}
