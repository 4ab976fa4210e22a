using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>Commands and logs through the API server to a kubelet, by the kubectls that speak WebSockets; 1.20's SPDY needs a real runtime and is proven there.</summary>
public sealed class StreamTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Theory]
    [InlineData("1.32")]
    [InlineData("1.35")]
    public async Task Commands_run_files_are_copied_and_logs_come(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "stream");
        await using var kubelet = await FakeKubelet.WithPodAsync(server, $"node-{kubectl.Namespace}", kubectl.Namespace);
        Assert.Equal("first line\nsecond line\nthird line\n", await kubectl.OkAsync("logs", "p"));
        Assert.Equal("third line\n", await kubectl.OkAsync("logs", "p", "-c", "c", "--tail=1"));
        Assert.Contains("container nope is not valid for pod p", await kubectl.FailAsync("logs", "p", "-c", "nope"));

        Assert.Equal("a b\n", await kubectl.OkAsync("exec", "p", "--", "echo", "a b"));
        Assert.Equal("to be sorted\n", await kubectl.OkWithAsync("to be sorted\n", "exec", "-i", "p", "-c", "c", "--", "sort"));
        var failed = (await kubectl.RunAsync(["exec", "p", "--", "sh", "-c", "echo out; echo err >&2; exit 7"])).Failure();
        Assert.Equal((7, "out\n"), (failed.ExitCode, failed.Out));
        Assert.StartsWith("err\n", failed.Error);
        Assert.Contains("exit code 7", failed.Error);

        var directory = server.NewDirectory();
        var here = Path.Combine(directory, "here");
        await File.WriteAllTextAsync(here, new string('x', 300_000));
        await kubectl.OkAsync("cp", here, $"{kubectl.Namespace}/p:{directory}/there");
        Assert.Equal(300_000, new FileInfo(Path.Combine(directory, "there")).Length);
        await kubectl.OkAsync("cp", $"{kubectl.Namespace}/p:{directory}/there", Path.Combine(directory, "back"));
        Assert.Equal(300_000, new FileInfo(Path.Combine(directory, "back")).Length);
    }
}
