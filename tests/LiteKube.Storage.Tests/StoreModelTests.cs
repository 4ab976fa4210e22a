using System.Text;
using CsCheck;

namespace LiteKube.Storage.Tests;

/// <summary>Random histories, answered by the store and by a model; every answer must be the same.</summary>
public sealed class StoreModelTests
{
    private static readonly string[] Keys =
    [
        "/registry/pods/default/a", "/registry/pods/default/ab", "/registry/pods/default/b", "/registry/pods/other/a",
        "/registry/podsets/default/a", "/registry/nodes/n", "/registry/apps/deployments/ns/a", "/registry/apps/deployments/nt/a", "é\uFFFD\U0001F600",
    ];

    private static readonly string[] Prefixes =
    [
        "", "/registry/", "/registry/pods", "/registry/pods/", "/registry/pods/default/", "/registry/pods/default/a",
        "/registry/nodes/n", "/registry/apps/deployments/", "/registry/none/", "\uFFFF",
    ];

    private static readonly Gen<string> Key = Gen.OneOf(Keys);
    private static readonly Gen<string> Prefix = Gen.OneOf(Prefixes);

    /// <summary>Which expectation a write has: none, absent, the right one, a stale one.</summary>
    private static readonly Gen<int> Expectation = Gen.Int[0, 3];

    private static readonly Gen<Step> AnyStep = Gen.Frequency(
        (12, Gen.Select(Key, Gen.Int[0, 5000], Expectation, Gen.Bool).Select((key, size, expectation, stamped) => (Step)new Put(key, size, expectation, stamped))),
        (5, Gen.Select(Key, Expectation, Gen.Int[0, 2]).Select((key, expectation, tombstone) => (Step)new Delete(key, expectation, tombstone))),
        (5, Gen.Select(Prefix, Key.Null(), Gen.Int[0, 4], Gen.Double[0, 1]).Select((prefix, after, limit, revision) => (Step)new Range(prefix, after, limit, revision))),
        (3, Gen.Select(Prefix, Gen.Double[0, 1]).Select((prefix, revision) => (Step)new StartWatch(prefix, revision))),
        (3, Gen.Int[0, 20].Select(index => (Step)new ReadWatch(index))),
        (1, Gen.Double[0, 1].Select(revision => (Step)new Compact(revision))),
        (1, Gen.Const((Step)new Reopen())));

    [Fact]
    public async Task Every_history_reads_pages_and_watches_as_the_model_says()
    {
        var history = Gen.Select(AnyStep.List[1, 60], Gen.OneOf(1, 4, 1000), Gen.OneOf(6000L, 1L << 20));
        await history.SampleAsync(
            async (steps, maxEvents, maxBytes) =>
            {
                using var temp = new TempStore();
                await using var run = await StoreRun.StartAsync(temp.Options with { MemoryMaxEvents = maxEvents, MemoryMaxBytes = maxBytes });
                foreach (var step in steps)
                    await run.DoAsync(step);
                await run.FinishAsync();
            },
            iter: 300,
            threads: 2);
    }

    internal abstract record Step;

    internal sealed record Put(string Key, int Size, int Expectation, bool Stamped) : Step;

    internal sealed record Delete(string Key, int Expectation, int Tombstone) : Step;

    /// <param name="Revision">Where between the oldest readable revision and the newest; at the ends also one beyond.</param>
    internal sealed record Range(string Prefix, string? StartAfter, int Limit, double Revision) : Step;

    internal sealed record StartWatch(string Prefix, double Revision) : Step;

    internal sealed record ReadWatch(int Index) : Step;

    internal sealed record Compact(double Revision) : Step;

    internal sealed record Reopen : Step;

    private sealed class StoreRun(SqliteStoreOptions options, IStateStore store) : IAsyncDisposable
    {
        private readonly ModelStore _model = new();
        private readonly List<(StoreWatch Watch, string Prefix, long After, long Joined)> _watches = [];
        private IStateStore _store = store;
        private int _written;

        public static async Task<StoreRun> StartAsync(SqliteStoreOptions options) => new(options, await TempStore.OpenAsync(options));

        public async Task DoAsync(Step step)
        {
            await (step switch
            {
                Put put => PutAsync(put),
                Delete delete => DeleteAsync(delete),
                Range range => RangeAsync(range),
                StartWatch watch => StartWatchAsync(watch),
                ReadWatch read => ReadWatchAsync(read),
                Compact compact => CompactAsync(compact),
                _ => ReopenAsync(),
            });
            Assert.Equal(_model.Revision, _store.CurrentRevision);
            Assert.Equal(_model.Compacted, _store.CompactedRevision);
        }

        public async Task FinishAsync()
        {
            for (var i = 0; i < _watches.Count; i++)
                await ReadWatchAsync(new ReadWatch(i));
            foreach (var prefix in Prefixes)
                Assert.Equal(_model.Range(prefix, null, _model.Revision).Count, _store.Count(prefix));
            foreach (var key in Keys)
                Assert.Equal(_model.Get(key, _model.Revision)?.ToString() ?? "none", _store.Get(key).Show());
        }

        public ValueTask DisposeAsync() => _store.DisposeAsync();

        private async Task PutAsync(Put put)
        {
            var text = $"{_written++}-*{new string('v', put.Size)}";
            var expected = Expected(put.Key, put.Expectation);
            if (!put.Stamped)
                text = text.Replace("*", "", StringComparison.Ordinal);
            var result = await _store.PutAsync(put.Key, Template(text), expected, CancellationToken.None);
            Check(result, put.Key, _model.Put(put.Key, text, expected));
            if (result.Status == WriteStatus.Written)
                Assert.Equal(_model.Get(put.Key, _model.Revision)!.ToString(), result.Value.Show());
        }

        private async Task DeleteAsync(Delete delete)
        {
            var expected = Expected(delete.Key, delete.Expectation);
            var tombstone = delete.Tombstone switch { 0 => null, 1 => "gone", _ => "*gone" };
            var result = await _store.DeleteAsync(delete.Key, expected, tombstone is null ? null : Template(tombstone), CancellationToken.None);
            Check(result, delete.Key, _model.Delete(delete.Key, tombstone, expected));
        }

        private void Check(WriteResult result, string key, bool written)
        {
            Assert.Equal(written ? WriteStatus.Written : WriteStatus.Conflict, result.Status);
            Assert.Equal(_model.Revision, result.Revision);
            if (!written)
                Assert.Equal(_model.Get(key, _model.Revision)?.ToString() ?? "none", result.Value.Show());
        }

        private async Task RangeAsync(Range range)
        {
            var revision = At(range.Revision);
            var request = new RangeRequest(range.Prefix, range.StartAfter, range.Limit, revision);
            if (revision != 0 && revision < _model.Compacted)
            {
                await Assert.ThrowsAsync<CompactedException>(async () => await _store.RangeAsync(request, CancellationToken.None));
                return;
            }

            if (revision > _model.Revision)
            {
                await Assert.ThrowsAsync<FutureRevisionException>(async () => await _store.RangeAsync(request, CancellationToken.None));
                return;
            }

            var result = await _store.RangeAsync(request, CancellationToken.None);
            var expected = _model.Range(range.Prefix, range.StartAfter, revision == 0 ? _model.Revision : revision);
            var page = range.Limit == 0 ? expected : expected.Take(range.Limit).ToList();
            Assert.Equal(page.Select(value => value.ToString()), result.Values.Select(value => value.Show()));
            Assert.Equal(expected.Count - page.Count, result.Remaining);
            Assert.Equal(revision == 0 ? _model.Revision : revision, result.Revision);
        }

        private Task StartWatchAsync(StartWatch start)
        {
            var after = At(start.Revision);
            if (after < _model.Compacted)
                Assert.Throws<CompactedException>(() => _store.Watch(start.Prefix, after));
            else if (after > _model.Revision)
                Assert.Throws<FutureRevisionException>(() => _store.Watch(start.Prefix, after));
            else
                _watches.Add((_store.Watch(start.Prefix, after), start.Prefix, after, _model.Revision));
            return Task.CompletedTask;
        }

        private async Task ReadWatchAsync(ReadWatch read)
        {
            if (_watches.Count == 0)
                return;
            var index = read.Index % _watches.Count;
            var (watch, prefix, after, joined) = _watches[index];
            try
            {
                var events = await watch.TakeThroughAsync(_model.Revision);
                Assert.Equal(_model.Events(prefix, after), events.Select(e => e.Show()));
                _watches[index] = (watch, prefix, _model.Revision, joined);
            }
            catch (CompactedException)
            {
                // A watch that never came to the present cannot tell whether it missed something. Any other is sent
                // away only when its directory had one, however long nothing concerned it.
                if (after >= joined)
                    Assert.NotEmpty(_model.Events(prefix[..(prefix.LastIndexOf('/') + 1)], after, _model.Compacted));
                Assert.True(after < _model.Compacted, "what it needs is compacted");
                _watches.RemoveAt(index);
                await watch.DisposeAsync();
            }
        }

        private async Task CompactAsync(Compact compact)
        {
            var revision = At(compact.Revision);
            if (revision > _model.Revision)
            {
                await Assert.ThrowsAsync<FutureRevisionException>(() => _store.CompactAsync(revision, CancellationToken.None));
                return;
            }

            await _store.CompactAsync(revision, CancellationToken.None);
            _model.Compacted = Math.Max(_model.Compacted, revision);
        }

        private async Task ReopenAsync()
        {
            foreach (var (watch, _, _, _) in _watches)
                await watch.DisposeAsync();
            _watches.Clear();
            await _store.DisposeAsync();
            _store = await TempStore.OpenAsync(options);
        }

        private long? Expected(string key, int expectation) => expectation switch
        {
            0 => null,
            1 => 0,
            2 => _model.Get(key, _model.Revision)?.Modified ?? 0,
            _ => Math.Max(1, (_model.Get(key, _model.Revision)?.Modified ?? 1) - 1),
        };

        private long At(double place)
        {
            var (low, high) = (Math.Max(0, _model.Compacted - 1), _model.Revision + 1);
            return low + (long)Math.Round(place * (high - low));
        }

        private static ValueTemplate Template(string text)
        {
            var offset = text.IndexOf('*', StringComparison.Ordinal);
            return new ValueTemplate(Encoding.UTF8.GetBytes(text.Replace("*", "", StringComparison.Ordinal)), offset);
        }
    }
}
