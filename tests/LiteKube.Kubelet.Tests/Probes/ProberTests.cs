using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Client.Events;
using LiteKube.Kubelet.Probes;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Kubelet.Tests.Probes;

public sealed class ProberTests : IDisposable
{
    private const string Uid = "uid-1";

    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedProbes _probes = new();
    private readonly RecordedEvents _events = new();
    private readonly Prober _prober;
    private readonly List<ProbeFailure> _failures = [];
    private int _changes;

    public ProberTests()
    {
        _prober = new Prober(_probes, _events, _time);
        _prober.ContainerFailed += _failures.Add;
        _prober.PodChanged += _ => _changes++;
    }

    public void Dispose() => _prober.Dispose();

    [Fact]
    public void Without_probes_a_running_container_is_started_and_ready_and_an_unknown_one_is_neither()
    {
        Start(new V1Container { Name = "c" });
        Assert.True(_prober.IsStarted(Uid, "c", "id-1"));
        Assert.True(_prober.IsReady(Uid, "c", "id-1"));
        Assert.False(_prober.IsReady(Uid, "c", "another-id"));
        Assert.False(_prober.IsStarted(Uid, "other", "id-1"));
    }

    [Fact]
    public void Readiness_waits_for_the_delay_and_follows_the_thresholds()
    {
        Start(new V1Container { Name = "c", ReadinessProbe = Probe(delay: 3, period: 5, successes: 2, failures: 2) });
        Pass(2.9);
        Assert.Equal(0, _probes.Count);
        Pass(0.2);
        Assert.Equal((1, false), (_probes.Count, Ready));
        Pass(5);
        Assert.Equal((2, true, 1), (_probes.Count, Ready, _changes));

        _probes.Next = new ProbeOutcome(ProbeResult.Failure, "HTTP probe failed with statuscode: 500");
        Pass(5);
        Assert.True(Ready);
        Pass(5);
        Assert.Equal((false, 2), (Ready, _changes));
        Assert.Equal("Warning Unhealthy spec.containers{c} Readiness probe failed: HTTP probe failed with statuscode: 500", _events.Last);
        Assert.Empty(_failures);
    }

    [Fact]
    public void A_startup_probe_holds_the_others_back_until_it_succeeds()
    {
        _probes.Next = new ProbeOutcome(ProbeResult.Failure, "no");
        Start(new V1Container { Name = "c", StartupProbe = Probe(period: 1, failures: 30), ReadinessProbe = Probe(), LivenessProbe = Probe() });
        Pass(5);
        Assert.All(_probes.Kinds, k => Assert.Equal("startup", k));
        Assert.False(_prober.IsStarted(Uid, "c", "id-1"));

        _probes.Next = new ProbeOutcome(ProbeResult.Success);
        Pass(1);
        Assert.True(_prober.IsStarted(Uid, "c", "id-1"));
        Assert.True(Ready);
        var startups = _probes.Kinds.Count(k => k == "startup");
        Pass(60);
        Assert.Equal(startups, _probes.Kinds.Count(k => k == "startup"));
        Assert.Contains("liveness", _probes.Kinds);
    }

    [Fact]
    public void A_liveness_probe_that_fails_too_often_reports_once_with_its_own_grace_period_and_stops()
    {
        var probe = Probe(period: 10, failures: 3);
        probe.TerminationGracePeriodSeconds = 7;
        Start(new V1Container { Name = "c", LivenessProbe = probe });
        Pass(1);
        _probes.Next = new ProbeOutcome(ProbeResult.Failure, "dead");
        Pass(20);
        Assert.Empty(_failures);
        Pass(10);
        Assert.Equal(new ProbeFailure(Uid, "c", "id-1", "Liveness", 7), Assert.Single(_failures));
        var count = _probes.Count;
        Pass(100);
        Assert.Equal(count, _probes.Count);
        Assert.True(Ready);

        Start(new V1Container { Name = "c", LivenessProbe = probe }, "id-2");
        Pass(1);
        Assert.Equal(count + 1, _probes.Count);
    }

    [Fact]
    public void A_probe_that_could_not_be_made_counts_neither_way_and_is_tried_three_times()
    {
        Start(new V1Container { Name = "c", ReadinessProbe = Probe(period: 5, failures: 1) });
        Pass(1);
        Assert.True(Ready);
        _probes.Next = new ProbeOutcome(ProbeResult.Unknown, "rpc error");
        Pass(5);
        Assert.Equal(4, _probes.Count);
        Assert.True(Ready);
        Assert.Equal("Warning Unhealthy spec.containers{c} Readiness probe errored and resulted in unknown state: rpc error", _events.Last);
    }

    [Fact]
    public void A_warning_is_a_success_that_is_told()
    {
        _probes.Next = new ProbeOutcome(ProbeResult.Warning, "Probe terminated redirects");
        Start(new V1Container { Name = "c", ReadinessProbe = Probe() });
        Pass(1);
        Assert.True(Ready);
        Assert.Equal("Warning ProbeWarning spec.containers{c} Readiness probe warning: Probe terminated redirects", _events.Last);
    }

    [Fact]
    public void A_terminating_pod_keeps_readiness_alone_and_a_stopped_container_is_unready_at_once()
    {
        Start(new V1Container { Name = "c", ReadinessProbe = Probe(), LivenessProbe = Probe() });
        Pass(1);
        _prober.PodTerminating(Uid);
        _probes.Kinds.Clear();
        Pass(30);
        Assert.NotEmpty(_probes.Kinds);
        Assert.All(_probes.Kinds, k => Assert.Equal("readiness", k));

        _prober.ContainerStopped(Uid, "c", "id-1");
        Assert.False(Ready);
        var count = _probes.Count;
        Pass(60);
        Assert.Equal(count, _probes.Count);
    }

    [Fact]
    public void After_a_restart_of_the_program_a_ready_container_stays_ready_and_its_probes_are_spread()
    {
        var container = new V1Container { Name = "c", StartupProbe = Probe(), ReadinessProbe = Probe(period: 100) };
        _prober.ContainerStarted(Pod(container), container, "id-1", "10.1.0.5", _time.GetUtcNow() - TimeSpan.FromHours(1), wasStarted: true, wasReady: true);
        Assert.True(Ready);
        Pass(101);
        Assert.InRange(_probes.Count, 1, 2);
        Assert.All(_probes.Kinds, k => Assert.Equal("readiness", k));
    }

    [Fact]
    public void A_slow_probe_never_overlaps_itself()
    {
        var slow = new TaskCompletionSource<ProbeOutcome>();
        _probes.Pending = slow.Task;
        Start(new V1Container { Name = "c", ReadinessProbe = Probe(period: 1) });
        Pass(10);
        Assert.Equal(1, _probes.Count);
        _probes.Pending = null;
        slow.SetResult(new ProbeOutcome(ProbeResult.Success));
        Assert.True(Ready);
    }

    private bool Ready => _prober.IsReady(Uid, "c", "id-1");

    private void Start(V1Container container, string id = "id-1") =>
        _prober.ContainerStarted(Pod(container), container, id, "10.1.0.5", _time.GetUtcNow(), wasStarted: false, wasReady: false);

    /// <summary>In small steps, as each run sets the timer of the next.</summary>
    private void Pass(double seconds)
    {
        for (var step = 0; step < seconds * 10; step++)
            _time.Advance(TimeSpan.FromMilliseconds(100));
    }

    private static V1Pod Pod(V1Container container) => new()
    {
        Metadata = new V1ObjectMeta { Name = "pod-a", NamespaceProperty = "ns", Uid = Uid },
        Spec = new V1PodSpec { Containers = [container] },
    };

    private static V1Probe Probe(int delay = 0, int period = 10, int successes = 1, int failures = 3) => new()
    {
        InitialDelaySeconds = delay,
        PeriodSeconds = period,
        SuccessThreshold = successes,
        FailureThreshold = failures,
        TcpSocket = new V1TCPSocketAction { Port = 80 },
    };

    private sealed class ScriptedProbes : IProbeRunner
    {
        public ProbeOutcome Next { get; set; } = new(ProbeResult.Success);
        public Task<ProbeOutcome>? Pending { get; set; }
        public ConcurrentBag<string> Kinds { get; } = [];
        public int Count { get; private set; }

        public Task<ProbeOutcome> RunAsync(ProbeTarget target, CancellationToken cancellationToken)
        {
            Count++;
            Kinds.Add(target.Probe == target.Container.StartupProbe ? "startup" : target.Probe == target.Container.LivenessProbe ? "liveness" : "readiness");
            return Pending ?? Task.FromResult(Next);
        }
    }

    private sealed class RecordedEvents : IEventRecorder
    {
        public string? Last { get; private set; }

        public void Record(V1ObjectReference about, string type, string reason, string message) => Last = $"{type} {reason} {about.FieldPath} {message}";
    }
}
