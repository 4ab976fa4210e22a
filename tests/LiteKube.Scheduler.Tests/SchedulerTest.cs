using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Scheduler.Tests;

/// <summary>The whole scheduler against the in-memory server, in time that stands still until the test moves it.</summary>
/// <remarks>What needs the API server's part as well (defaults, admission, controllers) is in Conformance/SchedulingCluster.</remarks>
public abstract class SchedulerTest : IAsyncLifetime
{
    private readonly SharedInformers _informers;
    private readonly EventBroadcaster _events;

    private protected SchedulerTest(SchedulerOptions? options = null)
    {
        _informers = new SharedInformers(Kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        _events = new EventBroadcaster(Kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        Scheduler = new Scheduler(options ?? new SchedulerOptions(), Kube.Client, _informers, _events, NullLoggerFactory.Instance, Time);
    }

    protected FakeTimeProvider Time { get; } = new(DateTimeOffset.Parse("2025-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
    protected InMemoryKube Kube { get; } = new();

    /// <summary>Started by the test when what it needs is there.</summary>
    protected Scheduler Scheduler { get; }

    public virtual Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await Scheduler.StopAsync(default);
        await _informers.DisposeAsync();
        await _events.DisposeAsync();
    }

    protected Task StartAsync() => Scheduler.StartAsync(default);

    protected Task<V1Pod> CreateAsync(V1Pod pod) => Kube.Client.CreateAsync(pod, default);

    /// <summary>Deletes a pod whose containers have ended.</summary>
    protected Task DeleteAsync(string name) => Kube.Client.DeleteAsync<V1Pod>("default", name, new DeleteOptions(GracePeriodSeconds: 0), default);

    protected async Task<V1Pod> BoundAsync(string name) =>
        (await Kube.WaitForAsync<V1Pod>("default", name, pod => !string.IsNullOrEmpty(pod?.Spec.NodeName), $"{name} is bound"))!;

    /// <summary>Until the pod is not scheduled for this reason.</summary>
    /// <param name="ending">Of the message; the whole of it when that is given; null for any.</param>
    protected Task NotScheduledAsync(string name, string? ending = null, string reason = "Unschedulable") => Kube.WaitForAsync<V1Pod>("default", name,
        pod => pod?.Status?.Conditions?.Any(c => c.Type == "PodScheduled" && c.Status == "False" && c.Reason == reason && (ending is null || c.Message.EndsWith(ending, StringComparison.Ordinal))) == true,
        $"{name} has the condition {reason}: {ending}");

    protected Task EventAsync(string reason, string message) => Kube.WaitForAllAsync<Corev1Event>(null,
        events => events.Any(e => e.Reason == reason && e.Message == message && e.Source.Component == "default-scheduler"), $"an event {reason}: {message}");
}
