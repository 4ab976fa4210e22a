using CsCheck;
using LiteKube.Storage.Log;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Storage.Tests;

public sealed class RetentionTests
{
    private const int CompactedEvent = 1004;
    private const int VacuumedEvent = 1008;

    [Fact]
    public async Task History_is_kept_for_its_age_and_then_forgotten_without_a_further_write()
    {
        using var temp = new TempStore();
        var time = new FakeTimeProvider();
        using var log = new LogEvents();
        await using var store = await SqliteStateStore.OpenAsync(temp.Options, time, log, CancellationToken.None);
        for (var i = 0; i < 10; i++)
            await store.PutAsync("/registry/items/a", $"{i}");
        var compacted = log.Next(CompactedEvent);

        time.Advance(TimeSpan.FromMinutes(14));
        await store.PutAsync("/registry/items/b", "later");
        Assert.Equal(0, store.CompactedRevision);
        Assert.Equal("3", (await store.RangeAsync("/registry/items/", revision: 5)).Values[0].Text());

        time.Advance(TimeSpan.FromMinutes(1));
        await compacted.WaitAsync(StoreCalls.Patience);
        Assert.InRange(store.CompactedRevision, 2, 11);
        await Assert.ThrowsAsync<CompactedException>(() => store.RangeAsync("/registry/items/", revision: 1));
        Assert.Equal(2, (await store.RangeAsync("/registry/items/", revision: 12)).Values.Count);
    }

    [Fact]
    public async Task The_age_of_history_survives_a_restart()
    {
        using var temp = new TempStore();
        var time = new FakeTimeProvider();
        await using (var store = await TempStore.OpenAsync(temp.Options, time))
        {
            for (var i = 0; i < 10; i++)
                await store.PutAsync("/registry/items/a", $"{i}");
        }

        using var log = new LogEvents();
        var compacted = log.Next(CompactedEvent);
        time.Advance(TimeSpan.FromMinutes(16));
        await using var reopened = await SqliteStateStore.OpenAsync(temp.Options, time, log, CancellationToken.None);

        await compacted.WaitAsync(StoreCalls.Patience);
        Assert.Equal(11, reopened.CompactedRevision);
        Assert.Equal("9", reopened.Get("/registry/items/a")!.Text());
    }

    [Fact]
    public async Task A_revision_is_not_given_again_after_the_newest_row_was_forgotten()
    {
        using var temp = new TempStore();
        await using (var store = await temp.OpenAsync())
        {
            await store.PutAsync("/registry/items/a", "x");
            await store.DeleteAsync("/registry/items/a");
            await store.CompactAsync(3, CancellationToken.None);
        }

        await using var reopened = await temp.OpenAsync();
        Assert.Equal(3, reopened.CurrentRevision);
        Assert.Equal(4, (await reopened.PutAsync("/registry/items/b", "y")).Revision);
    }

    [Fact]
    public async Task The_file_stays_bounded_however_much_is_written()
    {
        using var temp = new TempStore();
        var options = temp.Options with { HistoryMaxBytes = 1 << 20, MemoryMaxBytes = 1 << 20 };
        await using (var store = await TempStore.OpenAsync(options))
        {
            var value = new string('x', 30_000);
            // 60 MB through a store whose present is 300 KB.
            for (var round = 0; round < 200; round++)
                await Task.WhenAll(Enumerable.Range(0, 10).Select(i => store.PutAsync($"/registry/items/{i}", value).AsTask()));
            Assert.InRange(new FileInfo(temp.Path + "-wal").Length, 0, 40 << 20);
            Assert.InRange(store.CurrentRevision - store.CompactedRevision, 1, 200);
        }

        Assert.InRange(new FileInfo(temp.Path).Length, 1, 8 << 20);
    }

    [Fact]
    public async Task Space_that_deletions_free_goes_back_to_the_file_system()
    {
        using var temp = new TempStore();
        using var log = new LogEvents();
        await using var store = await SqliteStateStore.OpenAsync(temp.Options, TimeProvider.System, log, CancellationToken.None);
        var value = new string('x', 3000);
        await Task.WhenAll(Enumerable.Range(0, 3000).Select(i => store.PutAsync($"/registry/items/{i}", value).AsTask()));
        await Task.WhenAll(Enumerable.Range(0, 3000).Select(i => store.DeleteAsync($"/registry/items/{i}").AsTask()));
        var vacuumed = log.Next(VacuumedEvent);

        await store.CompactAsync(store.CurrentRevision, CancellationToken.None);

        await vacuumed.WaitAsync(StoreCalls.Patience);
        Assert.InRange(new FileInfo(temp.Path).Length, 1, 2 << 20);
    }

    [Fact]
    public void No_schedule_forgets_what_is_young_and_small_or_keeps_what_is_old()
    {
        var options = new SqliteStoreOptions("unused") { HistoryMinAge = TimeSpan.FromSeconds(150), HistoryMaxBytes = 15_000 };
        var writes = Gen.Select(Gen.OneOf(0L, 1, 1000, 20_000, 400_000), Gen.Int[1, 3000]).List[1, 100];
        writes.Sample(steps =>
        {
            var schedule = new RetentionSchedule(options, [], revision: 1);
            var times = new List<long> { 0, 0 };
            var sizes = new List<long> { 0, 0 };
            var (nowMs, forgotten) = (0L, 1L);
            foreach (var (passedMs, bytes) in steps)
            {
                nowMs += passedMs;
                times.Add(nowMs);
                sizes.Add(bytes);
                schedule.Add(times.Count - 1, nowMs, bytes);
                var due = schedule.Due(nowMs);
                if (due == 0)
                    continue;
                Assert.True(due > forgotten, "it only moves on");
                // Before the last portion went, the history was too large, or the portion was old.
                var keptBytes = sizes.Skip((int)forgotten + 1).Sum();
                Assert.True(times[(int)due] <= nowMs - 150_000 || keptBytes > 15_000, $"revision {due} of {nowMs - times[(int)due]} ms is forgotten with {keptBytes} bytes kept");
                forgotten = due;
            }

            // Two portions at most stay beyond the limit; with no further write, time takes all.
            Assert.InRange(sizes.Skip((int)forgotten + 1).Sum(), 0, 15_000 + (2 * (1000 + 3000)));
            while (schedule.NextMs() is { } next)
            {
                Assert.True(next > nowMs, "what is due by age was given before");
                nowMs = next;
                forgotten = Math.Max(forgotten, schedule.Due(nowMs));
            }

            Assert.Equal(times.Count - 1, forgotten);
        });
    }

    /// <summary>A logger whose events can be awaited.</summary>
    private sealed class LogEvents : ILoggerFactory, ILogger
    {
        private readonly Lock _lock = new();
        private readonly List<(int Id, TaskCompletionSource Seen)> _awaited = [];

        public Task Next(int id)
        {
            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_lock)
                _awaited.Add((id, seen));
            return seen.Task;
        }

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lock)
            {
                foreach (var (_, seen) in _awaited.Where(awaited => awaited.Id == eventId.Id))
                    seen.TrySetResult();
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("it only listens");

        public void Dispose()
        {
        }
    }
}
