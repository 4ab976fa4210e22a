namespace LiteKube.E2E.Tests.Support;

/// <summary>A cluster of the published program in a data directory of its own, as a user would run it.</summary>
internal sealed class LiteKubeCluster : IAsyncDisposable
{
    private static int s_counter;

    private readonly Enclosure? _enclosure;

    private LiteKubeCluster(string dataDir, Enclosure? enclosure) => (DataDir, _enclosure) = (dataDir, enclosure);

    public static string Program { get; } = Environment.GetEnvironmentVariable("LITEKUBE_PROGRAM")
        ?? Path.Combine(RepositoryRoot.Path, "out", "litekube");

    public string DataDir { get; }
    public string Kubeconfig => Path.Combine(DataDir, "admin.kubeconfig");

    /// <summary>Starts from an empty directory and returns when the cluster is ready.</summary>
    public static async Task<LiteKubeCluster> StartAsync(params string[] options)
    {
        var cluster = Prepare("/tmp");
        await cluster.StartAgainAsync(options);
        return cluster;
    }

    /// <summary>The same, all of it inside.</summary>
    public static async Task<LiteKubeCluster> StartInAsync(Enclosure enclosure)
    {
        var cluster = Prepare("/var/lib", enclosure);
        await cluster.StartAgainAsync();
        return cluster;
    }

    /// <summary>A data directory that does not exist yet, and nothing running.</summary>
    public static LiteKubeCluster Prepare(string parent, Enclosure? enclosure = null)
    {
        Assert.True(File.Exists(Program), $"there is no program at {Program}; build it with scripts/build, or name one in LITEKUBE_PROGRAM");
        Assert.True(Environment.IsPrivilegedProcess, "end-to-end tests run real containers and need root");
        return new LiteKubeCluster($"{parent}/litekube-e2e-{Environment.ProcessId}-{Interlocked.Increment(ref s_counter)}", enclosure);
    }

    public async Task StartAgainAsync(params string[] options)
    {
        var started = await LiteKubeAsync(["start", "--wait", "--timeout", "60s", .. options]);
        if (started.ExitCode != 0)
            throw new Xunit.Sdk.XunitException($"{started.Out}{started.Error}\n{(await InAsync("sh", ["-c", $"cat {DataDir}/log/start.log; tail -50 {DataDir}/log/litekube.log"])).Out}");
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
        InAsync(Program, [.. arguments, "--data-dir", DataDir], timeout: timeout);

    public Task<Ran> KubectlAsync(params string[] arguments) => KubectlAsync(arguments, input: null);

    public Task<Ran> KubectlAsync(IEnumerable<string> arguments, string? input, string program = "kubectl") =>
        InAsync(program, arguments, input);

    /// <summary>One value by its JSONPath, without the braces around it.</summary>
    public async Task<string> GetAsync(string ns, string what, string jsonPath) =>
        (await KubectlAsync("-n", ns, "get", what, "-o", $"jsonpath={{{jsonPath}}}")).Success().Trim();

    /// <summary>Waits until the value by that JSONPath is there and as given.</summary>
    public async Task WaitAsync(string ns, string what, string condition, string timeout = "60s")
    {
        var waited = await KubectlAsync("-n", ns, "wait", "--for=" + condition, what, "--timeout=" + timeout);
        if (waited.ExitCode != 0)
            throw new Xunit.Sdk.XunitException($"{waited.Command}\n{waited.Error}\n{(await KubectlAsync("-n", ns, "describe", what)).Out}");
    }

    public async Task<Ran> ExecAsync(string ns, string pod, string script) => await KubectlAsync("-n", ns, "exec", pod, "--", "sh", "-c", script);

    /// <summary>The id of a process whose command line holds the text: of this cluster's server, containerd, ...</summary>
    public async Task<string> ProcessAsync(string commandLine)
    {
        var found = (await InAsync("pgrep", ["-f", "--", commandLine])).Success().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return Assert.Single(found);
    }

    public Task<string> ServerProcessAsync() => ProcessAsync($"^[^ ]*litekube server .*--data-dir {DataDir}( |$)");

    public Task<string> ContainerdProcessAsync() => ProcessAsync($"^[^ ]*containerd --config {DataDir}/");

    /// <summary>A command where the cluster is, with its kubeconfig.</summary>
    public Task<Ran> InAsync(string program, IEnumerable<string> arguments, string? input = null, TimeSpan? timeout = null) =>
        _enclosure is null
            ? Run.Async(program, arguments, input, ClientEnvironment, timeout)
            : Run.Async(_enclosure.Enter[0], [.. _enclosure.Enter.Skip(1), program, .. arguments], input, ClientEnvironment, timeout);

    public async Task<string> ApplyAsync(string manifest) => (await KubectlAsync(["apply", "-f", "-"], manifest)).Success();

    public IReadOnlyDictionary<string, string?> ClientEnvironment => new Dictionary<string, string?> { ["KUBECONFIG"] = Kubeconfig, ["HOME"] = DataDir };

    public async ValueTask DisposeAsync()
    {
        var reset = await LiteKubeAsync(["reset", "--yes"]);
        if (reset.ExitCode != 0)
            throw new Xunit.Sdk.XunitException($"reset left something behind:\n{reset.Out}{reset.Error}");
    }
}
