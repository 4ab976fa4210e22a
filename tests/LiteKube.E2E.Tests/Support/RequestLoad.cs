using System.Collections.Concurrent;

namespace LiteKube.E2E.Tests.Support;

/// <summary>Requests without pause, each on a connection of its own, until stopped.</summary>
internal sealed class RequestLoad : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly SemaphoreSlim _answers = new(0);
    private readonly Task[] _workers;
    private int _answered;

    public RequestLoad(string url, int workers = 2) => _workers = [.. Enumerable.Range(0, workers).Select(_ => WorkAsync(url))];

    /// <summary>Returns when so many more requests were answered.</summary>
    public async Task UntilAnsweredAsync(int count)
    {
        for (var i = 0; i < count; i++)
            Assert.True(await _answers.WaitAsync(TimeSpan.FromSeconds(30)), $"no answer within 30 s; failures: {string.Join("; ", _failures.Take(3))}");
    }

    public async Task<(int Answered, IReadOnlyCollection<string> Failures)> StopAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_workers);
        return (_answered, _failures);
    }

    public void Dispose() => _stopping.Dispose();

    private async Task WorkAsync(string url)
    {
        while (!_stopping.IsCancellationRequested)
        {
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
            try
            {
                var answer = await client.GetStringAsync(url);
                if (answer.Length == 0)
                    _failures.Enqueue("an empty answer");
                Interlocked.Increment(ref _answered);
                _answers.Release();
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                _failures.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} {e.Message}");
            }
        }
    }
}
