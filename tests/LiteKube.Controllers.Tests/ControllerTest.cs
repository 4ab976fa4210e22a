using System.Collections.Concurrent;
using k8s;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Queues;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Controllers.Tests;

/// <summary>A server in memory, informers on it, and time that stands still.</summary>
public abstract class ControllerTest : IAsyncLifetime
{
    private readonly List<ControllerRunner> _runners = [];

    protected ControllerTest()
    {
        Time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));
        Kube = new InMemoryKube(Time);
        Informers = new SharedInformers(Kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
    }

    protected FakeTimeProvider Time { get; }
    protected InMemoryKube Kube { get; }
    protected SharedInformers Informers { get; }
    internal RecordedEvents Events { get; } = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var runner in _runners)
            await runner.StopAsync(default);
        await Informers.DisposeAsync();
    }

    protected async Task StartAsync(ControllerRunner runner)
    {
        _runners.Add(runner);
        await runner.StartAsync(default);
    }

    /// <summary>Until the informer shows the object (null while absent) as wanted: what a reconciler then reads.</summary>
    protected async Task SeenAsync<T>(string ns, string name, Func<T?, bool> wanted) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var informer = Informers.Get<T>();
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Check()
        {
            if (wanted(informer.Find(ns, name)))
                seen.TrySetResult();
        }
        await informer.WaitForSyncAsync(default);
        using var handler = informer.AddHandler(new InformerHandler<T>(_ => Check(), (_, _) => Check(), _ => Check()));
        Check();
        try
        {
            await seen.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"the informer did not show {typeof(T).Name} {ns}/{name} as wanted", e);
        }
    }
}

internal sealed class RecordedEvents : IEventRecorder
{
    public ConcurrentQueue<string> All { get; } = new();

    public void Record(V1ObjectReference about, string type, string reason, string message) => All.Enqueue($"{type} {reason} {message}");
}
