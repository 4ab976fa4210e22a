using System.Collections.Concurrent;

namespace LiteKube.Storage.Tests;

public sealed class ConcurrencyTests
{
    private const int Writers = 8;
    private const int WritesEach = 300;

    [Theory]
    [InlineData(100_000)]
    [InlineData(16)]
    public async Task Ranges_read_under_writers_are_the_states_that_the_events_make(int memoryMaxEvents)
    {
        using var temp = new TempStore();
        await using var store = await TempStore.OpenAsync(temp.Options with { MemoryMaxEvents = memoryMaxEvents });
        await using var watch = store.Watch("/registry/", 1);
        var ranges = new ConcurrentQueue<(RangeRequest Request, RangeResult Result)>();
        var revisions = new ConcurrentQueue<long>();
        using var written = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(i => Task.Run(() => ReadAsync(store, new Random(i), ranges, written.Token))).ToArray();
        var reading = watch.TakeAsync(Writers * WritesEach, "writes");

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(i => Task.Run(() => WriteAsync(store, new Random(100 + i), revisions))));
        await written.CancelAsync();
        await Task.WhenAll(readers);
        var events = await reading;

        // Every write was acknowledged with a revision of its own, and the watch had each once and in order.
        Assert.Equal(Enumerable.Range(2, Writers * WritesEach).Select(i => (long)i), revisions.Order());
        Assert.Equal(Enumerable.Range(2, Writers * WritesEach).Select(i => (long)i), events.Select(e => e.Revision));
        AssertStates(events, ranges);
    }

    [Fact]
    public async Task Of_writers_that_expect_one_revision_one_wins()
    {
        using var temp = new TempStore();
        await using var store = await temp.OpenAsync();
        await store.PutAsync("/registry/counter", "0");

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            for (var added = 0; added < 50;)
            {
                var current = store.Get("/registry/counter")!;
                var next = int.Parse(current.Text(), System.Globalization.CultureInfo.InvariantCulture) + 1;
                var result = await store.PutAsync("/registry/counter", $"{next}", current.ModRevision);
                if (result.Status == WriteStatus.Written)
                    added++;
                else
                    Assert.True(result.Value!.ModRevision > current.ModRevision, "a conflict shows the newer value");
            }
        })));

        Assert.Equal($"{Writers * 50}", store.Get("/registry/counter")!.Text());
    }

    [Fact]
    public async Task Compaction_under_writers_and_watchers_loses_no_event_of_a_watch_that_keeps_up()
    {
        using var temp = new TempStore();
        await using var store = await TempStore.OpenAsync(temp.Options with { MemoryMaxEvents = 16 });
        var watches = Enumerable.Range(0, 20).Select(i => store.Watch($"/registry/items/{i % 4}/", 1)).ToArray();
        var reads = watches.Select((watch, i) => Task.Run(() => watch.TakeAsync(100, $"writes to {i % 4}"))).ToArray();

        for (var i = 0; i < 400; i++)
        {
            await store.PutAsync($"/registry/items/{i % 4}/a", $"{i}");
            if (i % 10 == 9)
            {
                // No further than what every watch has had.
                await store.CompactAsync(Math.Max(store.CompactedRevision, watches.Min(watch => watch.Revision)), CancellationToken.None);
            }
        }

        for (var i = 0; i < reads.Length; i++)
        {
            var events = await reads[i];
            Assert.Equal(Enumerable.Range(0, 100).Select(n => $"{(n * 4) + (i % 4)}"), events.Select(e => e.Value.Text()));
            await watches[i].DisposeAsync();
        }
    }

    private static async Task WriteAsync(IStateStore store, Random random, ConcurrentQueue<long> revisions)
    {
        for (var i = 0; i < WritesEach;)
        {
            var key = $"/registry/{(random.Next(2) == 0 ? "pods" : "nodes")}/{random.Next(12)}";
            var result = random.Next(3) == 0 ? await store.DeleteAsync(key) : await store.PutAsync(key, $"{random.Next()}");
            if (result.Status == WriteStatus.Conflict)
                continue;
            revisions.Enqueue(result.Revision);
            i++;
            // What was acknowledged is readable.
            Assert.True(store.CurrentRevision >= result.Revision, "a write is read after it is acknowledged");
        }
    }

    private static async Task ReadAsync(IStateStore store, Random random, ConcurrentQueue<(RangeRequest, RangeResult)> ranges, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var revision = random.Next(2) == 0 ? 0 : Math.Max(1, store.CurrentRevision - random.Next(100));
            var request = new RangeRequest(random.Next(2) == 0 ? "/registry/pods/" : "/registry/", Limit: random.Next(8), Revision: revision);
            ranges.Enqueue((request, await store.RangeAsync(request, CancellationToken.None)));
            await Task.Yield();
        }
    }

    private static void AssertStates(List<StoreEvent> events, IEnumerable<(RangeRequest Request, RangeResult Result)> ranges)
    {
        var byRevision = ranges.OrderBy(range => range.Result.Revision).ToList();
        Assert.NotEmpty(byRevision);
        var state = new SortedDictionary<string, StoreEvent>(StringComparer.Ordinal);
        var next = 0;
        foreach (var (request, result) in byRevision)
        {
            for (; next < events.Count && events[next].Revision <= result.Revision; next++)
            {
                if (events[next].Type == StoreEventType.Put)
                    state[events[next].Value.Key] = events[next];
                else
                    state.Remove(events[next].Value.Key);
            }

            var expected = state.Values.Where(e => e.Value.Key.StartsWith(request.Prefix, StringComparison.Ordinal)).Select(e => e.Value.Show()).ToList();
            var page = request.Limit == 0 ? expected : expected.Take(request.Limit).ToList();
            Assert.Equal(page, result.Values.Select(value => value.Show()));
            Assert.Equal(expected.Count - page.Count, result.Remaining);
        }
    }
}
