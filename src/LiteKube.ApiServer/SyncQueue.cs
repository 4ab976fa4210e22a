using System.Collections.Concurrent;
using System.Threading.Channels;
using LiteKube.Storage;

namespace LiteKube.ApiServer;

/// <summary>
/// Names of objects that are to be looked at, one after another. What fails for the store's or the API's sake is looked at
/// again after a pause, which grows while it goes on failing and holds up no other name.
/// </summary>
internal sealed class SyncQueue(TimeProvider time)
{
    internal static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    internal static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Channel<string> _queue = Channel.CreateUnbounded<string>(new() { SingleReader = true });
    private readonly ConcurrentDictionary<string, bool> _waiting = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TimeSpan> _pauses = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, DateTimeOffset> _later = new();

    /// <summary>From any thread. A name that waits already waits once.</summary>
    public void Add(string name)
    {
        if (_waiting.TryAdd(name, true)) _queue.Writer.TryWrite(name);
    }

    /// <summary>Works until it is cancelled, or an exception comes that is no failure of store or API.</summary>
    /// <param name="sync">Looks at the object of a name as it is then.</param>
    /// <param name="failed">Is told of the name, the pause and the reason.</param>
    public async Task RunAsync(Func<string, CancellationToken, Task> sync, Action<string, TimeSpan, Exception> failed, CancellationToken cancellationToken)
    {
        while (true)
        {
            var name = await NextAsync(cancellationToken);
            // Before the look at it, so that a change meanwhile is looked at as well.
            _waiting.TryRemove(name, out _);
            try
            {
                await sync(name, cancellationToken);
                _pauses.Remove(name);
            }
            catch (Exception exception) when (exception is ApiException or StoreUnavailableException)
            {
                var pause = _pauses.TryGetValue(name, out var last) ? last * 2 < LongestPause ? last * 2 : LongestPause : FirstPause;
                _pauses[name] = pause;
                _later.Enqueue(name, time.GetUtcNow() + pause);
                failed(name, pause, exception);
            }
        }
    }

    private async ValueTask<string> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_later.TryPeek(out var again, out var due) && due <= time.GetUtcNow()) return _later.Dequeue();
            if (_queue.Reader.TryRead(out var waiting)) return waiting;
            if (again is null)
            {
                await _queue.Reader.WaitToReadAsync(cancellationToken);
                continue;
            }
            using var ripe = new CancellationTokenSource(due - time.GetUtcNow() is { Ticks: > 0 } wait ? wait : TimeSpan.Zero, time);
            // Time may have passed before the clock was set.
            if (due <= time.GetUtcNow()) continue;
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, ripe.Token);
            try
            {
                await _queue.Reader.WaitToReadAsync(either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // A failed one is due.
                continue;
            }
        }
    }
}
