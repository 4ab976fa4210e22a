using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

/// <summary>The real kubectl against CRDs and their instances.</summary>
public sealed class KubectlTests
{
    private const string Kubectl = "/usr/bin/kubectl";

    private const string Manifest = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata:
          name: foos.example.com
        spec:
          group: example.com
          scope: Namespaced
          names: {plural: foos, kind: Foo, shortNames: [fo]}
          versions:
          - name: v1
            served: true
            storage: true
            subresources:
              status: {}
              scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
            additionalPrinterColumns:
            - {name: Color, type: string, jsonPath: .spec.color}
            schema:
              openAPIV3Schema:
                type: object
                description: A foo does what foos do.
                properties:
                  spec:
                    type: object
                    properties:
                      color: {type: string, description: How it looks.}
                      replicas: {type: integer}
                  status:
                    type: object
                    properties:
                      replicas: {type: integer}
        """;

    private const string Instance = """
        apiVersion: example.com/v1
        kind: Foo
        metadata:
          name: one
        spec:
          color: red
          replicas: 1
        """;

    [Fact]
    public async Task It_applies_explains_gets_scales_and_deletes()
    {
        if (!File.Exists(Kubectl)) return;
        await using var server = await TestApiServer.StartAsync();
        using var client = new Client(server);

        Assert.Equal("customresourcedefinition.apiextensions.k8s.io/foos.example.com created", await client.RunAsync("apply -f -", Manifest));
        Assert.Equal("customresourcedefinition.apiextensions.k8s.io/foos.example.com condition met", await client.RunAsync("wait --for=condition=Established crd/foos.example.com --timeout=20s"));
        Assert.Equal("foo.example.com/one created", await client.RunAsync("apply -f -", Instance));
        Assert.Equal("foo.example.com/one configured", await client.RunAsync("apply -f -", Instance.Replace("red", "green", StringComparison.Ordinal)));
        Assert.Matches("^NAME +COLOR\none +green$", await client.RunAsync("get fo"));
        var explained = await client.RunAsync("explain foos.spec.color");
        Assert.Contains("How it looks.", explained, StringComparison.Ordinal);
        Assert.Contains("FIELD: color <string>", explained, StringComparison.Ordinal);
        Assert.Contains("unknown field \"spec.colour\"", await client.RunAsync("apply -f -", Instance.Replace("color", "colour", StringComparison.Ordinal), succeeds: false), StringComparison.Ordinal);
        Assert.Equal("foo.example.com/one scaled", await client.RunAsync("scale foo/one --replicas=4"));
        Assert.Equal("4", await client.RunAsync("get foo one -o jsonpath={.spec.replicas}"));
        Assert.Contains("customresourcedefinition.apiextensions.k8s.io \"foos.example.com\" deleted", await client.RunAsync("delete crd foos.example.com"), StringComparison.Ordinal);
        // It still remembers that there were foos; the server does not.
        Assert.Contains("(NotFound)", await client.RunAsync("get foo", succeeds: false), StringComparison.Ordinal);
    }

    private sealed class Client : IDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
        private readonly string _home = Directory.CreateTempSubdirectory("lk-kubectl-").FullName;

        public Client(TestApiServer server)
        {
            var admin = server.Server.Pki.Admin.Current;
            File.WriteAllText(Path.Combine(_home, "tls.crt"), admin.ExportCertificatePem());
            File.WriteAllText(Path.Combine(_home, "tls.key"), admin.GetECDsaPrivateKey()?.ExportPkcs8PrivateKeyPem() ?? admin.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
            File.WriteAllText(Path.Combine(_home, "config"), $$"""
                apiVersion: v1
                kind: Config
                clusters: [{name: c, cluster: {server: "{{server.Address}}", insecure-skip-tls-verify: true} }]
                users: [{name: u, user: {client-certificate: "{{_home}}/tls.crt", client-key: "{{_home}}/tls.key"} }]
                contexts: [{name: x, context: {cluster: c, user: u} }]
                current-context: x
                """);
        }

        public async Task<string> RunAsync(string arguments, string? input = null, bool succeeds = true)
        {
            var start = new ProcessStartInfo(Kubectl, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["KUBECONFIG"] = Path.Combine(_home, "config");
            start.Environment["HOME"] = _home;
            using var process = Process.Start(start)!;
            if (input is not null) await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            try
            {
                await process.WaitForExitAsync().WaitAsync(Patience);
            }
            catch (TimeoutException)
            {
                process.Kill(entireProcessTree: true);
                throw new TimeoutException($"kubectl {arguments} did not end within {Patience}.");
            }
            Assert.True(process.ExitCode == 0 == succeeds, $"kubectl {arguments}: {await output}{await error}");
            return (succeeds ? await output : await error).Trim();
        }

        public void Dispose() => Directory.Delete(_home, recursive: true);
    }
}
