using System.Net;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Cri.V1;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Kubelet.Tests.PodWorkers;

/// <summary>The kubelet over a scripted runtime, an API server in memory and a clock that the test drives.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private static readonly TimeSpan WaitLimit = TimeSpan.FromSeconds(20);

    private readonly string _directory = Path.Combine(Path.GetTempPath(), "lk-" + Guid.NewGuid().ToString("N")[..8]);
    private SharedInformers _informers;
    private EventBroadcaster _events;

    public TestNode()
    {
        Kube = new InMemoryKube(Time);
        Runtime = new ScriptedRuntime(Time);
        Runtime.Images["app:1"] = new Image { Id = "sha256:app" };
        (Kubelet, _informers, _events) = Create();
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    public InMemoryKube Kube { get; }
    public ScriptedRuntime Runtime { get; }
    public KubeletComponent Kubelet { get; private set; }

    public static async Task<TestNode> StartAsync()
    {
        var node = new TestNode();
        await node.Kubelet.StartAsync(CancellationToken.None);
        return node;
    }

    /// <summary>The program stops and starts again; runtime and API server go on.</summary>
    public async Task RestartAsync(Action? between = null)
    {
        await StopAsync();
        between?.Invoke();
        (Kubelet, _informers, _events) = Create();
        await Kubelet.StartAsync(CancellationToken.None);
    }

    public V1Pod Pod(string name, Action<V1Pod>? change = null)
    {
        var pod = new V1Pod
        {
            ApiVersion = "v1",
            Kind = "Pod",
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Uid = "uid-" + name, Generation = 1 },
            Spec = new V1PodSpec
            {
                NodeName = "node-a",
                RestartPolicy = "Always",
                TerminationGracePeriodSeconds = 30,
                DnsPolicy = "Default",
                EnableServiceLinks = false,
                Containers = [new V1Container { Name = "main", Image = "app:1", ImagePullPolicy = "IfNotPresent" }],
            },
        };
        change?.Invoke(pod);
        return Kube.Seed(pod);
    }

    public Task<V1Pod?> WaitAsync(string name, Func<V1Pod?, bool> predicate, string what) => Kube.WaitForAsync("default", name, predicate, what);

    public Task<V1Pod?> ReadyAsync(string name) => WaitAsync(name, IsReady, $"pod {name} Ready");

    public static bool IsReady(V1Pod? pod) => pod?.Status?.Conditions?.Any(c => c.Type == "Ready" && c.Status == "True") == true;

    /// <summary>Waits while the clock stands still.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(WaitLimit);
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"{what} did not come");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>Lets the clock run, a second at a time, until the condition holds.</summary>
    public async Task DriveAsync(Func<bool> condition, string what)
    {
        using var limit = new CancellationTokenSource(WaitLimit);
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"{what} did not come");
            Time.Advance(TimeSpan.FromSeconds(1));
            // Real work between two steps: the timers' continuations run on the pool.
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>Times of the calls of this name, as the fake clock had it.</summary>
    public List<DateTimeOffset> TimesOf(string call) => [.. Runtime.Calls.Where(c => c.Call == call).Select(c => c.At)];

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task StopAsync()
    {
        await Kubelet.DisposeAsync();
        await _informers.DisposeAsync();
        await _events.DisposeAsync();
    }

    private (KubeletComponent, SharedInformers, EventBroadcaster) Create()
    {
        var informers = new SharedInformers(Kube.Client, NullLoggerFactory.Instance, Time);
        var events = new EventBroadcaster(Kube.Client, NullLoggerFactory.Instance, Time);
        var options = new KubeletOptions
        {
            NodeName = "node-a",
            DataDir = Path.Combine(_directory, "data"),
            RunDir = Path.Combine(_directory, "run"),
            NodeIps = [IPAddress.Parse("192.0.2.1")],
            CniBinDir = Path.Combine(_directory, "cni"),
            CniConfDir = Path.Combine(_directory, "cni"),
        };
        return (new KubeletComponent(options, null, Kube.Client, informers, events, new KubeletNetwork(), NullLoggerFactory.Instance, Time, Runtime), informers, events);
    }
}
