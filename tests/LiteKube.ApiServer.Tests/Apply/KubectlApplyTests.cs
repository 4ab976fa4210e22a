using System.Diagnostics;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Apply;

/// <summary>The real kubectl, where there is one on the PATH.</summary>
public sealed class KubectlApplyTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private const string Manifest = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: c, image: "i:1", ports: [{containerPort: 80}]}]}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("lk-kubectl-").FullName;
    private TestApiServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        var admin = _server.Server.Pki.Admin.Current;
        var (certificate, key) = (admin.ExportCertificatePem(), System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(admin)!.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(Kubeconfig, $"""
            apiVersion: v1
            kind: Config
            current-context: c
            contexts: [{"{"}name: c, context: {"{"}cluster: c, user: u{"}"}{"}"}]
            clusters: [{"{"}name: c, cluster: {"{"}server: "{_server.Address}", insecure-skip-tls-verify: true{"}"}{"}"}]
            users: [{"{"}name: u, user: {"{"}client-certificate-data: {Base64(certificate)}, client-key-data: {Base64(key)}{"}"}{"}"}]
            """);
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string Kubeconfig => Path.Combine(_folder, "kubeconfig");

    [KubectlFact]
    public async Task Kubectl_applies_on_the_server_meets_conflicts_and_forces()
    {
        Assert.Equal("deployment.apps/web serverside-applied", await OkAsync(Manifest, "apply", "--server-side", "-f", "-"));
        Assert.Equal("deployment.apps/web serverside-applied", await OkAsync(Manifest, "apply", "--server-side", "-f", "-"));
        var (code, _, error) = await RunAsync(Manifest.Replace("replicas: 2", "replicas: 3", StringComparison.Ordinal), "apply", "--server-side", "--field-manager=other", "-f", "-");
        Assert.Equal(1, code);
        Assert.StartsWith("error: Apply failed with 1 conflict: conflict with \"kubectl\": .spec.replicas", error, StringComparison.Ordinal);
        Assert.Equal("deployment.apps/web serverside-applied", await OkAsync(Manifest.Replace("replicas: 2", "replicas: 3", StringComparison.Ordinal), "apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", "-"));
        var shown = await OkAsync(null, "get", "deployment", "web", "--show-managed-fields", "-o", "jsonpath={.metadata.managedFields[*].manager} {.spec.replicas}");
        Assert.Equal("kubectl other 3", shown);
        Assert.Equal("", await OkAsync(Manifest.Replace("replicas: 2", "replicas: 3", StringComparison.Ordinal), "diff", "--server-side", "--field-manager=other", "-f", "-"));
    }

    [KubectlFact]
    public async Task Kubectl_moves_from_client_side_to_server_side_apply_and_back()
    {
        Assert.Equal("deployment.apps/web created", await OkAsync(Manifest, "apply", "-f", "-"));
        Assert.Equal("deployment.apps/web serverside-applied", await OkAsync(Manifest.Replace("i:1", "i:2", StringComparison.Ordinal), "apply", "--server-side", "-f", "-"));
        Assert.Contains("image: i:2", await OkAsync(null, "apply", "view-last-applied", "deployment/web"), StringComparison.Ordinal);
        Assert.Equal("i:2", await OkAsync(null, "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"));
        // kubectl keeps its annotation under a name of its own.
        var managers = await OkAsync(null, "get", "deployment", "web", "--show-managed-fields", "-o", "jsonpath={.metadata.managedFields[*].manager}");
        Assert.Equal(["kubectl", "kubectl-last-applied"], managers.Split(' ').Order(StringComparer.Ordinal));
        // A field that the manifest drops goes although client-side apply had set it.
        Assert.Equal("deployment.apps/web serverside-applied", await OkAsync(Manifest.Replace("replicas: 2", "minReadySeconds: 1", StringComparison.Ordinal), "apply", "--server-side", "-f", "-"));
        Assert.Equal("1", await OkAsync(null, "get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"));
        Assert.Equal("deployment.apps/web configured", await OkAsync(Manifest, "apply", "-f", "-"));
        Assert.Equal("2", await OkAsync(null, "get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"));
    }

    private async Task<string> OkAsync(string? input, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(input, arguments);
        Assert.True(code == 0, $"kubectl {string.Join(' ', arguments)} ended with {code}: {error}{output}");
        return output;
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(string? input, params string[] arguments)
    {
        var start = new ProcessStartInfo("kubectl", ["--kubeconfig", Kubeconfig, "--cache-dir", Path.Combine(_folder, "cache"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        if (input is not null) await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"kubectl {string.Join(' ', arguments)} did not end within {Patience}.");
        }
        return (process.ExitCode, (await output).Trim(), (await error).Trim());
    }

    private static string Base64(string text) => Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(text));
}

/// <summary>Says so where there is no kubectl.</summary>
public sealed class KubectlFactAttribute : FactAttribute
{
    public KubectlFactAttribute()
    {
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        if (!path.Split(':').Any(folder => File.Exists(Path.Combine(folder, "kubectl")))) Skip = "there is no kubectl on the PATH";
    }
}
