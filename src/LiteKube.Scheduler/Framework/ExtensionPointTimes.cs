using LiteKube.Client.Metrics;
using LiteKube.Scheduler.Metrics;

namespace LiteKube.Scheduler.Framework;

/// <summary>
/// The time that a profile's plugins take, by extension point always, by plugin in one of ten cycles. The series are
/// looked up once: there are a handful, and each is needed for every pod.
/// </summary>
internal sealed class ExtensionPointTimes(SchedulerMetrics? metrics, string profile, TimeProvider timeProvider)
{
    private readonly Dictionary<(string Point, string Status), Histogram> _points = [];
    private readonly Dictionary<(string Plugin, string Point, string Status), Histogram> _plugins = [];
    private readonly Dictionary<(string Plugin, string Point), Counter> _evaluations = [];
    private readonly Lock _lock = new();

    public long Start() => metrics is null ? 0 : timeProvider.GetTimestamp();

    public void Point(string point, long started, PluginStatus? status = null)
    {
        if (metrics is null)
            return;
        var text = Text(status);
        Histogram? series;
        // Binding of many pods runs at once.
        lock (_lock)
        {
            if (!_points.TryGetValue((point, text), out series))
                _points[(point, text)] = series = metrics.ExtensionPoint(point, text, profile);
        }
        series.Observe(timeProvider.GetElapsedTime(started).TotalSeconds);
    }

    public long StartPlugin(CycleState state) => metrics is not null && state.IsMeasured ? timeProvider.GetTimestamp() : 0;

    public void Plugin(CycleState state, string plugin, string point, long started, PluginStatus? status = null)
    {
        if (metrics is null || !state.IsMeasured || started == 0)
            return;
        var text = Text(status);
        Histogram? series;
        lock (_lock)
        {
            if (!_plugins.TryGetValue((plugin, point, text), out series))
                _plugins[(plugin, point, text)] = series = metrics.Plugin(plugin, point, text);
        }
        series.Observe(timeProvider.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Once an attempt, not once a node.</summary>
    public void Evaluated(string plugin, string point)
    {
        if (metrics is null)
            return;
        Counter? series;
        lock (_lock)
        {
            if (!_evaluations.TryGetValue((plugin, point), out series))
                _evaluations[(plugin, point)] = series = metrics.Evaluations(plugin, point, profile);
        }
        series.Add();
    }

    private static string Text(PluginStatus? status) => status switch
    {
        null => "Success",
        { Code: StatusCode.Error } => "Error",
        { Code: StatusCode.Unschedulable } => "Unschedulable",
        { Code: StatusCode.UnschedulableAndUnresolvable } => "UnschedulableAndUnresolvable",
        { Code: StatusCode.Pending } => "Pending",
        _ => "Skip",
    };
}
