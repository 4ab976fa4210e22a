using k8s.Models;

namespace LiteKube.Kubelet.Probes;

internal enum ProbeKind
{
    Startup,
    Readiness,
    Liveness,
}

/// <summary>
/// One probe of one container: a timer that is set anew after each run, so that a slow probe never overlaps itself and
/// an idle one costs nothing between its periods. Reports only when a threshold is reached.
/// </summary>
internal sealed class ProbeWorker : IDisposable
{
    /// <summary>How often a probe that could not be made is tried at once before its period is waited for.</summary>
    private const int MaxTries = 3;

    private readonly IProbeRunner _runner;
    private readonly TimeProvider _time;
    private readonly ProbeTarget _target;
    private readonly Action<ProbeWorker, ProbeOutcome> _observed;
    private readonly Action<ProbeWorker, bool> _settled;
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _timer;
    private ProbeResult? _last;
    private int _run;

    /// <param name="observed">Each outcome, for events.</param>
    /// <param name="settled">A threshold was reached: healthy or not.</param>
    public ProbeWorker(ProbeKind kind, ProbeTarget target, IProbeRunner runner, TimeProvider time, Action<ProbeWorker, ProbeOutcome> observed, Action<ProbeWorker, bool> settled)
    {
        Kind = kind;
        _target = target;
        _runner = runner;
        _time = time;
        _observed = observed;
        _settled = settled;
        _timer = time.CreateTimer(static state => _ = ((ProbeWorker)state!).TickAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public ProbeKind Kind { get; }
    public V1Probe Probe => _target.Probe;

    public static TimeSpan Period(V1Probe probe) => TimeSpan.FromSeconds(Math.Max(1, probe.PeriodSeconds ?? 10));

    public void Begin(TimeSpan delay) => _timer.Change(delay > TimeSpan.Zero ? delay : TimeSpan.Zero, Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        if (_stop.IsCancellationRequested)
            return;
        _stop.Cancel();
        _timer.Dispose();
    }

    private async Task TickAsync()
    {
        var began = _time.GetTimestamp();
        try
        {
            await ProbeOnceAsync();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;
        }
        // The loop must outlive whatever a probe may throw; it is told like any probe that could not be made.
        catch (Exception e)
        {
            _observed(this, new ProbeOutcome(ProbeResult.Unknown, e.Message));
        }
        if (_stop.IsCancellationRequested)
            return;
        var rest = Period(Probe) - _time.GetElapsedTime(began);
        _timer.Change(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    private async Task ProbeOnceAsync()
    {
        var outcome = await _runner.RunAsync(_target, _stop.Token);
        for (var tries = 1; outcome.Result == ProbeResult.Unknown && tries < MaxTries; tries++)
            outcome = await _runner.RunAsync(_target, _stop.Token);
        if (_stop.IsCancellationRequested)
            return;
        _observed(this, outcome);
        if (outcome.Result == ProbeResult.Unknown)
            return;

        var result = outcome.Result == ProbeResult.Warning ? ProbeResult.Success : outcome.Result;
        _run = _last == result ? _run + 1 : 1;
        _last = result;
        var isHealthy = result == ProbeResult.Success;
        var threshold = isHealthy ? Probe.SuccessThreshold ?? 1 : Probe.FailureThreshold ?? 3;
        if (_run >= threshold)
            _settled(this, isHealthy);
    }
}
