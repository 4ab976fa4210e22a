using System.Diagnostics;
using System.Globalization;

namespace LiteKube.Storage.Tests;

/// <summary>A process that writes is killed at random instants, again and again on the same file; nothing that it was told is written may be missing.</summary>
public sealed class CrashTests
{
    private const int Rounds = 10;
    private const int Tasks = 6;

    [Fact]
    public async Task A_killed_process_loses_no_acknowledged_write_and_repeats_none()
    {
        using var temp = new TempStore();
        var seed = Random.Shared.Next(1_000_000);
        var random = new Random(seed);
        var newestBefore = 1L;
        for (var round = 0; round < Rounds; round++)
        {
            var acknowledged = await WriteUntilKilledAsync(temp.Path, seed + (round * 1000), random.Next(1, 600));
            try
            {
                newestBefore = await VerifyAsync(temp, acknowledged, newestBefore);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"round {round} of seed {seed}, {acknowledged.Count} writes acknowledged", exception);
            }
        }
    }

    [Fact]
    public async Task A_second_process_is_refused_by_the_first_ones_number()
    {
        using var temp = new TempStore();
        using var writer = Start(temp.Path, seed: 1);
        Assert.Equal("open", await writer.StandardOutput.ReadLineAsync());

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => temp.OpenAsync());

        Assert.Contains($"pid {writer.Id}", refused.Message, StringComparison.Ordinal);
        Assert.Contains(temp.Path, refused.Message, StringComparison.Ordinal);
        writer.Kill();
        await writer.WaitForExitAsync();
        // The kernel let go the lock of the killed one.
        await using var store = await temp.OpenAsync();
        var again = await Assert.ThrowsAsync<StoreUnavailableException>(() => temp.OpenAsync());
        Assert.Contains($"pid {Environment.ProcessId}", again.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_holder_is_named_while_it_opens_and_closes_other_files()
    {
        using var temp = new TempStore();
        // Descriptors below the lock's, free again once the store is open: the busy ones take the lowest, which are listed before the lock.
        var below = Enumerable.Range(0, 8).Select(_ => File.OpenHandle("/dev/null")).ToList();
        await using var store = await temp.OpenAsync();
        below.ForEach(handle => handle.Dispose());
        using var stop = new CancellationTokenSource();
        var busy = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
                File.OpenHandle("/dev/null").Dispose();
        });

        for (var i = 0; i < 200; i++)
        {
            var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => temp.OpenAsync());
            Assert.Contains($"pid {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
        }

        await stop.CancelAsync();
        await busy;
    }

    private static Process Start(string path, int seed)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "LiteKube.Storage.CrashWriter.dll");
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileName(host) == "dotnet" ? host : "dotnet")
        {
            ArgumentList = { program, path, Tasks.ToString(CultureInfo.InvariantCulture), seed.ToString(CultureInfo.InvariantCulture) },
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }

    /// <summary>Runs the writer, kills it after so many answers, and gives all that it reported, also while it was dying.</summary>
    private static async Task<List<Acknowledged>> WriteUntilKilledAsync(string path, int seed, int answers)
    {
        using var writer = Start(path, seed);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var first = await writer.StandardOutput.ReadLineAsync(timeout.Token);
        Assert.Equal("open", first);
        var text = new System.Text.StringBuilder();
        for (var i = 0; i < answers; i++)
            text.Append(await writer.StandardOutput.ReadLineAsync(timeout.Token)).Append('\n');
        writer.Kill();
        text.Append(await writer.StandardOutput.ReadToEndAsync(timeout.Token));
        await writer.WaitForExitAsync(timeout.Token);
        // What follows the last line end is half a report: its writer was not told.
        var whole = text.ToString()[..(text.ToString().LastIndexOf('\n') + 1)];
        return [.. whole.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Acknowledged.Parse)];
    }

    /// <summary>Compares the reports with what a new owner finds in the file; returns the newest revision.</summary>
    private static async Task<long> VerifyAsync(TempStore temp, List<Acknowledged> acknowledged, long newestBefore)
    {
        await using var store = await temp.OpenAsync();
        Assert.Equal(acknowledged.Count, acknowledged.Select(a => a.Revision).Distinct().Count());
        Assert.All(acknowledged, a => Assert.InRange(a.Revision, newestBefore + 1, store.CurrentRevision));

        await using var watch = store.Watch("", store.CompactedRevision);
        var events = await watch.TakeThroughAsync(store.CurrentRevision);
        // Dense, so strictly rising and none twice.
        Assert.Equal(Enumerable.Range(1, events.Count).Select(i => store.CompactedRevision + i), events.Select(e => e.Revision));
        var byRevision = events.ToDictionary(e => e.Revision);
        foreach (var report in acknowledged.Where(a => a.Revision > store.CompactedRevision))
            report.AssertIs(byRevision[report.Revision]);

        var unreported = 0;
        foreach (var last in acknowledged.GroupBy(a => a.Key).Select(key => key.MaxBy(a => a.Revision)!))
        {
            var value = store.Get(last.Key);
            if (value?.ModRevision == last.Revision)
                Assert.StartsWith(last.Value, value.Text(), StringComparison.Ordinal);
            else if (value is not null || !last.IsDeletion)
                unreported++;
        }

        // Each task waits for its answer before its next write: at most one of its writes was committed unreported.
        Assert.InRange(unreported, 0, Tasks);
        return store.CurrentRevision;
    }

    private sealed record Acknowledged(string Key, long Revision, string Value)
    {
        public bool IsDeletion => Value == "deleted";

        public static Acknowledged Parse(string line)
        {
            var parts = line.Split(' ');
            return new Acknowledged(parts[0], long.Parse(parts[1], CultureInfo.InvariantCulture), parts[2]);
        }

        public void AssertIs(StoreEvent storeEvent)
        {
            Assert.Equal(Key, storeEvent.Value.Key);
            Assert.Equal(IsDeletion ? StoreEventType.Delete : StoreEventType.Put, storeEvent.Type);
            if (!IsDeletion)
                Assert.StartsWith(Value, storeEvent.Value.Text(), StringComparison.Ordinal);
        }
    }
}
