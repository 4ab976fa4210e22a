using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>What each release of kubectl reads from the OpenAPI documents: explain, validation before sending, dry runs and diff.</summary>
public sealed class ExplainTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    public static TheoryData<string> Releases => Kubectl.Releases;

    [Theory]
    [MemberData(nameof(Releases))]
    public async Task Explain_shows_the_descriptions_of_types_and_fields(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "explain");

        var containers = await kubectl.OkAsync("explain", "pod.spec.containers");
        Assert.Contains("List of containers belonging to the pod.", containers, StringComparison.Ordinal);
        Assert.Matches("(?m)^ +image\\s+<string>", containers);
        Assert.Matches("(?m)^ +ports\\s+<\\[\\](Object|ContainerPort)>", containers);
        Assert.Matches("(?m)^ +name\\s+<string> -required-", containers);
        Assert.Matches("<(string|IntOrString|Object)>", await kubectl.OkAsync("explain", "deployment.spec.strategy.rollingUpdate.maxSurge"));
        Assert.Contains("CreationTimestamp is a timestamp", Unwrapped(await kubectl.OkAsync("explain", "configmap.metadata.creationTimestamp")), StringComparison.Ordinal);
        Assert.Contains("VERSION:", await kubectl.OkAsync("explain", "resourceclaims"), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Releases))]
    public async Task Dry_runs_and_diffs_are_made_by_the_server(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "dryrun");
        const string Before = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n";
        const string After = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: c}\n";

        Assert.Equal("configmap/c created (server dry run)\n", await kubectl.ApplyAsync(Before, "--dry-run=server"));
        Assert.Contains("not found", await kubectl.FailAsync("get", "configmap", "c"), StringComparison.Ordinal);
        await kubectl.ApplyAsync(Before);
        var diff = await kubectl.RunAsync(["diff", "-f", "-"], After);
        Assert.Contains("-  a: b", diff.Out, StringComparison.Ordinal);
        Assert.Contains("+  a: c", diff.Out, StringComparison.Ordinal);
        Assert.Contains("unknown field", await kubectl.FailWithAsync("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\ncolour: red\n", "create", "-f", "-"), StringComparison.Ordinal);
    }

    private static string Unwrapped(string text) => System.Text.RegularExpressions.Regex.Replace(text, "\\s+", " ");
}
