using System.Collections.Concurrent;

namespace LiteKube.Scheduler;

/// <summary>Work that runs beside the loop, held so that a stop can wait for it.</summary>
internal sealed class BackgroundTasks
{
    private readonly ConcurrentDictionary<Task, byte> _running = new();

    /// <summary>The task must handle its own failures.</summary>
    public void Add(Task task)
    {
        if (task.IsCompletedSuccessfully)
            return;
        _running.TryAdd(task, 0);
        _ = RemoveAsync(task);
    }

    public Task WhenAll() => Task.WhenAll(_running.Keys.Select(static task => Task.WhenAny(task)));

    private async Task RemoveAsync(Task task)
    {
        await Task.WhenAny(task);
        _running.TryRemove(task, out _);
    }
}
