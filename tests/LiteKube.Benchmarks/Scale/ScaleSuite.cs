using System.Diagnostics;
using System.Globalization;
using System.Text;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Testing.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Benchmarks.Scale;

/// <param name="Replicas">Of the Deployment whose way from apply to Running, and from deletion to gone, is timed.</param>
/// <param name="Part">Pods whose cost is compared: the first so many, and the last.</param>
internal sealed record ScaleSize(int Nodes, int Pods, int Replicas, int Part);

/// <summary>Fills a cluster of simulated nodes with pods of Deployments, and prints what that takes.</summary>
internal sealed class ScaleSuite
{
    public const string Namespace = "scale";
    private readonly ScaleSize _size;
    private readonly IScaleTarget _target;
    private readonly PodCounts _counts;
    private readonly List<(string Measure, string Target, string Value)> _rows = [];
    private readonly List<CurvePoint> _curve = [];
    private int _deployments;

    private ScaleSuite(ScaleSize size, IScaleTarget target, PodCounts counts) => (_size, _target, _counts) = (size, target, counts);

    /// <param name="program">null to hold everything in this process.</param>
    /// <param name="picture">File for the curve, as SVG.</param>
    public static async Task<int> RunAsync(ScaleSize size, string? program, string? picture, CancellationToken cancellationToken)
    {
        await using IScaleTarget target = program is null ? await InProcessTarget.StartAsync(cancellationToken) : await ProgramTarget.StartAsync(program, cancellationToken);
        var watch = Stopwatch.StartNew();
        await using var nodes = await SimulatedNodes.StartAsync(target.Client, new SimulatedNodeOptions(size.Nodes) { Zones = 3 }, new ConsoleLoggers(), TimeProvider.System, cancellationToken);
        using var counts = new PodCounts(nodes.Pods);
        var suite = new ScaleSuite(size, target, counts);
        suite.Add($"{size.Nodes} nodes registered (s)", "", watch.Elapsed.TotalSeconds);
        try
        {
            await suite.MeasureAsync(cancellationToken);
        }
        finally
        {
            Console.Write(suite.Table());
        }
        if (picture is not null)
            await File.WriteAllTextAsync(picture, Curve.Draw(suite._curve, size.Nodes, TimeProvider.System.GetUtcNow()), cancellationToken);
        return 0;
    }

    private async Task MeasureAsync(CancellationToken cancellationToken)
    {
        await SendAsync("POST", "/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{Namespace}}}"}}""", cancellationToken);
        await AccountAsync(cancellationToken);

        var first = await AddPodsAsync(_size.Part, cancellationToken);
        Add($"CPU a pod, the first {_size.Part} (ms)", "", first.CpuMilliseconds);
        Add($"pods scheduled a second, the first {_size.Part}", "", first.BoundPerSecond);

        var timed = await AddPodsAsync(_size.Replicas, cancellationToken);
        Add($"Deployment of {_size.Replicas}, apply to all Running (s)", "15", timed.Seconds);
        Add($"the same, collected after its deletion (s)", "15", await DeleteAsync(timed.Name, cancellationToken));
        // Those that were deleted are no part of the curve.
        _curve.RemoveAt(_curve.Count - 1);

        var (bound, seconds) = (0, 0.0);
        while (_counts.All + _size.Part < _size.Pods)
        {
            var more = Math.Min(_size.Replicas, _size.Pods - _size.Part - _counts.All);
            var added = await AddPodsAsync(more, cancellationToken);
            (bound, seconds) = (bound + more, seconds + more / added.BoundPerSecond);
        }
        if (seconds > 0)
            Add("pods scheduled a second, sustained", "1,000", bound / seconds);
        var last = await AddPodsAsync(_size.Part, cancellationToken);
        Add($"CPU a pod, the last {_size.Part} of {_counts.All} (ms)", "", last.CpuMilliseconds);
        Add("the last to the first", "2", last.CpuMilliseconds / first.CpuMilliseconds);
        Add($"memory with {_counts.All} pods (MB)", "1,500", _target.ResidentMegabytes());
        // Events are written behind the pods that they tell of.
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, cancellationToken);
        var events = await _target.Client.ListAsync<Corev1Event>(Namespace, new ListOptions(FieldSelector: "reason=Scheduled"), cancellationToken);
        Add("pods with their event Scheduled (%)", "100", 100.0 * events.Items.Count / (_counts.All + _size.Replicas));
    }

    private async Task<(string Name, double Seconds, double BoundPerSecond, double CpuMilliseconds)> AddPodsAsync(int count, CancellationToken cancellationToken)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"d{++_deployments}");
        var (bound, running) = (_counts.Bound + count, _counts.Running + count);
        var whenBound = _counts.UntilAsync(counts => counts.Bound >= bound, $"{bound} pods are bound");
        var whenRunning = _counts.UntilAsync(counts => counts.Running >= running, $"{running} pods run");
        var cpu = _target.CpuSeconds();
        var watch = Stopwatch.StartNew();
        await SendAsync("POST", $"/apis/apps/v1/namespaces/{Namespace}/deployments", Deployment(name, count), cancellationToken);
        await whenBound;
        var rate = count / watch.Elapsed.TotalSeconds;
        await whenRunning;
        var seconds = watch.Elapsed.TotalSeconds;
        var milliseconds = (_target.CpuSeconds() - cpu) * 1000 / count;
        _curve.Add(new CurvePoint(_counts.All, rate, milliseconds, _target.ResidentMegabytes()));
        Say(string.Create(CultureInfo.InvariantCulture, $"{name}: {count} pods running after {seconds:0.0} s, {rate:0} bound a second, {milliseconds:0.00} ms of CPU each; {_counts.All} pods, {_target.ResidentMegabytes():0} MB"));
        return (name, seconds, rate, milliseconds);
    }

    private async Task<double> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var left = _counts.All - _size.Replicas;
        var whenGone = _counts.UntilAsync(counts => counts.All <= left, $"the pods of {name} are gone");
        var watch = Stopwatch.StartNew();
        await SendAsync("DELETE", $"/apis/apps/v1/namespaces/{Namespace}/deployments/{name}", """{"propagationPolicy":"Background"}""", cancellationToken);
        await whenGone;
        return watch.Elapsed.TotalSeconds;
    }

    /// <summary>Without its service account a namespace takes no pods.</summary>
    private async Task AccountAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        var list = await _target.Client.ListAsync<V1ServiceAccount>(Namespace, new ListOptions(), cancellationToken);
        if (list.Items.Count > 0)
            return;
        await foreach (var change in _target.Client.WatchAsync<V1ServiceAccount>(Namespace, new WatchOptions(list.ResourceVersion), limit.Token))
        {
            if (change.Type == KubeWatchEventType.Added)
                return;
        }
        throw new TimeoutException($"the namespace {Namespace} got no service account");
    }

    private async Task SendAsync(string method, string path, string body, CancellationToken cancellationToken)
    {
        var response = await _target.Client.Transport.SendAsync(new KubeRequest(method, path, Encoding.UTF8.GetBytes(body), "application/json"), cancellationToken);
        if (response.StatusCode >= 400)
            throw KubeApiException.From(response);
    }

    private static string Deployment(string name, int replicas) => $$$$"""
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"{{{{name}}}}"},"spec":{"replicas":{{{{replicas}}}},"selector":{"matchLabels":{"app":"{{{{name}}}}"}},
         "template":{"metadata":{"labels":{"app":"{{{{name}}}}"}},"spec":{"nodeSelector":{"type":"simulated"},"terminationGracePeriodSeconds":1,
          "containers":[{"name":"c","image":"registry.invalid/pause:1","resources":{"requests":{"cpu":"100m","memory":"64Mi"}}}]} } } }
        """;

    private void Add(string measure, string target, double value)
    {
        _rows.Add((measure, target, value.ToString(value < 100 ? "0.00" : "#,0", CultureInfo.InvariantCulture)));
        Say($"{measure}: {_rows[^1].Value}");
    }

    private string Table()
    {
        var table = new StringBuilder("\n| measure | target | LiteKube |\n|---|---|---|\n");
        foreach (var (measure, target, value) in _rows)
            table.Append(CultureInfo.InvariantCulture, $"| {measure} | {target} | {value} |\n");
        return table.ToString();
    }

    private static void Say(string text) => Console.Error.WriteLine(text);

    /// <summary>What the simulated nodes could not do is said.</summary>
    private sealed class ConsoleLoggers : ILoggerFactory, ILogger
    {
        public void AddProvider(ILoggerProvider provider) { }
        public ILogger CreateLogger(string categoryName) => categoryName.Contains("Simulated", StringComparison.Ordinal) ? this : NullLogger.Instance;
        public void Dispose() { }
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Console.Error.WriteLine($"{formatter(state, exception)}: {exception?.Message}");
    }
}
