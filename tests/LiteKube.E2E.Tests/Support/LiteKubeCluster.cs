namespace LiteKube.E2E.Tests.Support;

/// <summary>A cluster of the published program in a data directory of its own, as a user would run it.</summary>
internal sealed class LiteKubeCluster : IAsyncDisposable
{
    private static int s_counter;

    private LiteKubeCluster(string dataDir) => DataDir = dataDir;

    public static string Program { get; } = Environment.GetEnvironmentVariable("LITEKUBE_PROGRAM")
        ?? Path.Combine(RepositoryRoot.Path, "out", "litekube");

    public string DataDir { get; }
    public string Kubeconfig => Path.Combine(DataDir, "admin.kubeconfig");

    /// <summary>Starts from an empty directory and returns when the cluster is ready.</summary>
    public static async Task<LiteKubeCluster> StartAsync(params string[] options)
    {
        Assert.True(File.Exists(Program), $"there is no program at {Program}; build it with scripts/build, or name one in LITEKUBE_PROGRAM");
        Assert.True(Environment.IsPrivilegedProcess, "end-to-end tests run real containers and need root");
        var cluster = new LiteKubeCluster($"/tmp/litekube-e2e-{Environment.ProcessId}-{Interlocked.Increment(ref s_counter)}");
        await cluster.StartAgainAsync(options);
        return cluster;
    }

    public async Task StartAgainAsync(params string[] options)
    {
        var started = await LiteKubeAsync(["start", "--wait", "--timeout", "60s", .. options]);
        if (started.ExitCode != 0)
            throw new Xunit.Sdk.XunitException($"{started.Out}{started.Error}\n{await Run.Shell($"cat {DataDir}/log/start.log; tail -50 {DataDir}/log/litekube.log")}");
    }

    public async Task ImportTestImageAsync()
    {
        var file = Path.Combine(Path.GetTempPath(), $"litekube-e2e-image-{Guid.NewGuid():N}.tar");
        await File.WriteAllBytesAsync(file, TestImage.Build());
        try
        {
            (await LiteKubeAsync(["images", "import", file])).Success();
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>`litekube ARGUMENTS --data-dir ...` on this instance.</summary>
    public Task<Ran> LiteKubeAsync(IEnumerable<string> arguments, TimeSpan? timeout = null) =>
        Run.Async(Program, [.. arguments, "--data-dir", DataDir], timeout: timeout);

    public Task<Ran> KubectlAsync(params string[] arguments) => KubectlAsync(arguments, input: null);

    public Task<Ran> KubectlAsync(IEnumerable<string> arguments, string? input, string program = "kubectl") =>
        Run.Async(program, arguments, input, ClientEnvironment);

    public async Task<string> ApplyAsync(string manifest) => (await KubectlAsync(["apply", "-f", "-"], manifest)).Success();

    public IReadOnlyDictionary<string, string?> ClientEnvironment => new Dictionary<string, string?> { ["KUBECONFIG"] = Kubeconfig, ["HOME"] = DataDir };

    public async ValueTask DisposeAsync()
    {
        var reset = await LiteKubeAsync(["reset", "--yes"]);
        if (reset.ExitCode != 0)
            throw new Xunit.Sdk.XunitException($"reset left something behind:\n{reset.Out}{reset.Error}");
    }
}
