using System.Diagnostics;

namespace LiteKube.Benchmarks;

/// <summary>An instance of the program under test in a data directory of its own, and what the kernel says of its process.</summary>
internal sealed class Instance(string program) : IAsyncDisposable
{
    private const int TicksPerSecond = 100;

    private int? _serverId;

    public string DataDir { get; } = Path.Combine(Path.GetTempPath(), $"litekube-bench-{Guid.NewGuid():N}"[..22]);
    public string Kubeconfig => Path.Combine(DataDir, "admin.kubeconfig");

    /// <summary>Seconds from the command until the node is Ready.</summary>
    public async Task<double> StartAsync(CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        await Commands.RunAsync(program, ["start", "--wait", "--data-dir", DataDir], cancellationToken);
        return watch.Elapsed.TotalSeconds;
    }

    public Task ImportAsync(string archive, CancellationToken cancellationToken) =>
        Commands.RunAsync(program, ["images", "import", archive, "--data-dir", DataDir], cancellationToken);

    /// <summary>Resident memory of the server in MB (10^6 bytes), without containerd and what containers use.</summary>
    public double ResidentMegabytes()
    {
        var line = File.ReadLines($"/proc/{ServerId()}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024 / 1e6;
    }

    /// <summary>CPU that the server used over <paramref name="span"/>, in percent of a core.</summary>
    public async Task<double> CpuPercentAsync(TimeSpan span, CancellationToken cancellationToken)
    {
        var before = CpuSeconds();
        await Task.Delay(span, TimeProvider.System, cancellationToken);
        return (CpuSeconds() - before) * 100 / span.TotalSeconds;
    }

    public async ValueTask DisposeAsync() => await Commands.RunAsync(program, ["reset", "--yes", "--data-dir", DataDir], CancellationToken.None);

    /// <summary>CPU time that the server has used since it started.</summary>
    public double CpuSeconds()
    {
        var stat = File.ReadAllText($"/proc/{_serverId ??= ServerId()}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (double)(long.Parse(fields[11]) + long.Parse(fields[12])) / TicksPerSecond;
    }

    private int ServerId()
    {
        foreach (var process in Process.GetProcessesByName(Path.GetFileName(program)))
        {
            using (process)
            {
                var arguments = File.ReadAllText($"/proc/{process.Id}/cmdline").Split('\0');
                if (arguments.Contains("server") && arguments.Contains(DataDir))
                    return process.Id;
            }
        }
        throw new InvalidOperationException($"no server runs on {DataDir}");
    }
}
