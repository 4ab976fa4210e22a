using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Benchmarks.Scale;

/// <summary>How many pods there are, have a node, run: kept by watching, and waited for.</summary>
internal sealed class PodCounts : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);
    private readonly Lock _lock = new();
    private readonly List<(Func<PodCounts, bool> Condition, TaskCompletionSource Reached)> _waiting = [];
    private readonly IDisposable _handler;

    public PodCounts(IInformer<V1Pod> pods) => _handler = pods.AddHandler(new InformerHandler<V1Pod>(pod => Count(null, pod), Count, pod => Count(pod, null)));

    public int All { get; private set; }
    public int Bound { get; private set; }
    public int Running { get; private set; }

    /// <summary>Arm it before the action.</summary>
    public Task UntilAsync(Func<PodCounts, bool> condition, string what)
    {
        lock (_lock)
        {
            if (condition(this))
                return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((condition, reached));
            return WithinAsync(reached.Task, what);
        }
    }

    public void Dispose() => _handler.Dispose();

    private async Task WithinAsync(Task task, string what)
    {
        try
        {
            await task.WaitAsync(Limit, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"did not come within {Limit}: {what}; there are {All} pods, {Bound} bound, {Running} running");
        }
    }

    private void Count(V1Pod? old, V1Pod? pod)
    {
        lock (_lock)
        {
            All += Of(pod, static _ => true) - Of(old, static _ => true);
            Bound += Of(pod, IsBound) - Of(old, IsBound);
            Running += Of(pod, IsRunning) - Of(old, IsRunning);
            for (var i = _waiting.Count - 1; i >= 0; i--)
            {
                if (!_waiting[i].Condition(this))
                    continue;
                _waiting[i].Reached.TrySetResult();
                _waiting.RemoveAt(i);
            }
        }
    }

    private static int Of(V1Pod? pod, Func<V1Pod, bool> condition) => pod is not null && pod.Metadata.NamespaceProperty == ScaleSuite.Namespace && condition(pod) ? 1 : 0;

    private static bool IsBound(V1Pod pod) => !string.IsNullOrEmpty(pod.Spec.NodeName);

    private static bool IsRunning(V1Pod pod) => pod.Status?.Phase == "Running" && pod.Metadata.DeletionTimestamp is null;
}
