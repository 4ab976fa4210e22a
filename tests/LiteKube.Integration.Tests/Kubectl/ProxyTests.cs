using System.Diagnostics;
using System.Text.RegularExpressions;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>kubectl proxy: plain HTTP on this machine, the user's credentials behind it.</summary>
public sealed class ProxyTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Requests_and_watches_pass_through(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "proxy");
        await kubectl.OkAsync("create", "configmap", "a");
        var start = new ProcessStartInfo(await Clients.KubectlAsync(release), ["proxy", "--port=0"]) { RedirectStandardOutput = true };
        foreach (var (name, value) in server.Environment()) start.Environment[name] = value;
        using var proxy = Process.Start(start)!;
        try
        {
            using var limited = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            var line = await proxy.StandardOutput.ReadLineAsync(limited.Token) ?? "";
            var address = Regex.Match(line, @"^Starting to serve on (127\.0\.0\.1:\d+)$");
            Assert.True(address.Success, line);
            using var http = new HttpClient { BaseAddress = new Uri($"http://{address.Groups[1].Value}") };
            var path = $"/api/v1/namespaces/{kubectl.Namespace}/configmaps";
            Assert.Contains("\"name\":\"a\"", await http.GetStringAsync(path, limited.Token));
            await using var stream = await http.GetStreamAsync(path + "?watch=true&resourceVersion=0&labelSelector=late", limited.Token);
            using var reader = new StreamReader(stream);
            await kubectl.OkAsync("label", "configmap", "a", "late=1");
            Assert.StartsWith("{\"type\":\"ADDED\"", await reader.ReadLineAsync(limited.Token));
        }
        finally
        {
            proxy.Kill();
        }
    }
}
