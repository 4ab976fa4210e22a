using System.Text;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Storage.Tests;

/// <summary>A folder for one store's files, gone with the test.</summary>
internal sealed class TempStore : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lkstore").FullName;

    public string Path => System.IO.Path.Combine(_folder, "state.db");

    public SqliteStoreOptions Options => new(Path);

    public static Task<IStateStore> OpenAsync(SqliteStoreOptions options, TimeProvider? timeProvider = null) =>
        SqliteStateStore.OpenAsync(options, timeProvider ?? TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);

    public Task<IStateStore> OpenAsync() => OpenAsync(Options);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

internal static class StoreCalls
{
    /// <summary>How long a test waits for what must come at once.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static ValueTask<WriteResult> PutAsync(this IStateStore store, string key, string value, long? expected = null) =>
        store.PutAsync(key, new ValueTemplate(Encoding.UTF8.GetBytes(value), -1), expected, CancellationToken.None);

    public static ValueTask<WriteResult> DeleteAsync(this IStateStore store, string key, long? expected = null) =>
        store.DeleteAsync(key, expected, tombstone: null, CancellationToken.None);

    public static async Task<RangeResult> RangeAsync(this IStateStore store, string prefix, long revision = 0) =>
        await store.RangeAsync(new RangeRequest(prefix, Revision: revision), CancellationToken.None);

    public static string Text(this StoredValue value) => Encoding.UTF8.GetString(value.Bytes.Span);

    public static string Show(this StoredValue? value) =>
        value is null ? "none" : $"{value.Key}={value.Text()} created {value.CreateRevision} modified {value.ModRevision}";

    public static string Show(this StoreEvent storeEvent) =>
        $"{storeEvent.Revision} {storeEvent.Type} {storeEvent.Value.Show()} was {storeEvent.Previous.Show()}";

    /// <summary>The next events, as many as asked for.</summary>
    public static async Task<List<StoreEvent>> TakeAsync(this StoreWatch watch, int count, string what)
    {
        var events = new List<StoreEvent>();
        using var timeout = new CancellationTokenSource(Patience);
        while (events.Count < count)
        {
            if (watch.TryRead(out var storeEvent))
            {
                events.Add(storeEvent);
                continue;
            }

            try
            {
                if (!await watch.WaitToReadAsync(timeout.Token))
                    throw new InvalidOperationException($"the store closed after {events.Count} of {count} {what}");
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"{what}: only {events.Count} of {count} came");
            }
        }

        return events;
    }

    /// <summary>Every event up to the revision, to which the watch must come without waiting: nothing is being written.</summary>
    public static async Task<List<StoreEvent>> TakeThroughAsync(this StoreWatch watch, long revision)
    {
        var events = new List<StoreEvent>();
        while (true)
        {
            while (watch.TryRead(out var storeEvent))
                events.Add(storeEvent);
            if (watch.Revision >= revision)
                return events;
            using var cancelled = new CancellationTokenSource();
            var wait = watch.WaitToReadAsync(cancelled.Token).AsTask();
            if (wait.IsCompleted)
            {
                Assert.True(await wait, "the store is open");
                continue;
            }

            // It looked on disk, found no further event and waits for the next write.
            Assert.Equal(revision, watch.Revision);
            await cancelled.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
            return events;
        }
    }
}
