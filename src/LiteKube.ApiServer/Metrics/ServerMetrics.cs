using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.FlowControl;

namespace LiteKube.ApiServer.Metrics;

/// <summary>The server's counters in Prometheus' text form, under upstream's names (https://kubernetes.io/docs/reference/instrumentation/metrics/).</summary>
internal sealed class ServerMetrics(TimeProvider time, FlowGate gate, FlowController flows, Func<IEnumerable<(string Name, string Help, double Value)>> gauges, params IReadOnlyList<IMetricsSource> sources)
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Clients may ask for resources that do not exist: their series must not grow without bound.</summary>
    private const int MaxSeries = 5000;

    private readonly ConcurrentDictionary<RequestLabels, RequestSeries> _requests = new();
    private readonly DateTimeOffset _started = time.GetUtcNow();

    private readonly record struct RequestLabels(string Verb, string Group, string Version, string Resource, string Subresource, string Scope, int Code);

    public long Start() => time.GetTimestamp();

    public void Finish(ApiRequest request, int statusCode, long started)
    {
        // A request whose path could not be read has no series.
        if (request.Info is not { } info) return;
        var labels = info.IsResourceRequest
            ? new RequestLabels(UpperVerb(info.Verb), info.Group, info.Version, info.Resource, info.Subresource, Scope(info), statusCode)
            : new RequestLabels(UpperVerb(info.Verb), "", "", "", "", "", statusCode);
        if (!_requests.TryGetValue(labels, out var series))
        {
            if (_requests.Count >= MaxSeries) return;
            series = _requests.GetOrAdd(labels, static _ => new RequestSeries());
        }
        series.Observe(info.Verb == "watch" ? null : time.GetElapsedTime(started).TotalSeconds);
    }

    public byte[] Write()
    {
        var text = new StringBuilder(64 * 1024);
        WriteCounts(text);
        WriteDurations(text);
        Head(text, "apiserver_current_inflight_requests", "gauge", "Maximal number of currently used inflight request limit of this apiserver per request kind in last second.");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_current_inflight_requests{{request_kind=\"mutating\"}} {gate.Mutating}\n");
        text.Append(CultureInfo.InvariantCulture, $"apiserver_current_inflight_requests{{request_kind=\"readOnly\"}} {gate.ReadOnly}\n");
        FlowMetrics.Write(text, flows);
        WriteProcess(text);
        foreach (var (name, help, value) in gauges()) Gauge(text, name, help, value);
        foreach (var source in sources) source.Write(text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private void WriteCounts(StringBuilder text)
    {
        Head(text, "apiserver_request_total", "counter", "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.");
        foreach (var (labels, series) in _requests)
            text.Append(CultureInfo.InvariantCulture, $"apiserver_request_total{{code=\"{labels.Code}\",{Common(labels)}}} {series.Count}\n");
    }

    private void WriteDurations(StringBuilder text)
    {
        const string Name = "apiserver_request_duration_seconds";
        Head(text, Name, "histogram", "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.");
        foreach (var group in _requests.GroupBy(r => r.Key with { Code = 0 }))
        {
            var buckets = new long[RequestSeries.Bounds.Length + 1];
            var sum = 0.0;
            foreach (var (_, series) in group) sum += series.AddTo(buckets);
            var common = Common(group.Key);
            long cumulative = 0;
            for (var i = 0; i < buckets.Length; i++)
            {
                cumulative += buckets[i];
                var bound = i < RequestSeries.Bounds.Length ? RequestSeries.Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
                text.Append(CultureInfo.InvariantCulture, $"{Name}_bucket{{{common},le=\"{bound}\"}} {cumulative}\n");
            }
            text.Append(CultureInfo.InvariantCulture, $"{Name}_sum{{{common}}} {sum:G9}\n{Name}_count{{{common}}} {cumulative}\n");
        }
    }

    private void WriteProcess(StringBuilder text)
    {
        using var process = Process.GetCurrentProcess();
        Head(text, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.");
        Line(text, "process_cpu_seconds_total", process.TotalProcessorTime.TotalSeconds);
        Gauge(text, "process_resident_memory_bytes", "Resident memory size in bytes.", process.WorkingSet64);
        Gauge(text, "process_virtual_memory_bytes", "Virtual memory size in bytes.", process.VirtualMemorySize64);
        Gauge(text, "process_threads", "Number of OS threads in the process.", process.Threads.Count);
        Gauge(text, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.", _started.ToUnixTimeMilliseconds() / 1000.0);
    }

    private static void Gauge(StringBuilder text, string name, string help, double value)
    {
        Head(text, name, "gauge", help);
        Line(text, name, value);
    }

    private static void Line(StringBuilder text, string name, double value) => text.Append(CultureInfo.InvariantCulture, $"{name} {value:G17}\n");

    private static void Head(StringBuilder text, string name, string type, string help) => text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");

    private static string Common(RequestLabels labels) =>
        $"component=\"apiserver\",dry_run=\"\",group=\"{Escape(labels.Group)}\",resource=\"{Escape(labels.Resource)}\",scope=\"{labels.Scope}\",subresource=\"{Escape(labels.Subresource)}\",verb=\"{labels.Verb}\",version=\"{Escape(labels.Version)}\"";

    /// <summary>Paths may hold anything; a label value may not.</summary>
    private static string Escape(string value) => value.AsSpan().IndexOfAny('\\', '"', '\n') < 0 ? value : value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Scope(RequestInfo info) => info.Name.Length > 0 ? "resource" : info.Namespace.Length > 0 ? "namespace" : "cluster";

    private static string UpperVerb(string verb) => verb switch
    {
        "get" => "GET",
        "list" => "LIST",
        "watch" => "WATCH",
        "create" => "POST",
        "update" => "PUT",
        "patch" => "PATCH",
        "delete" => "DELETE",
        "deletecollection" => "DELETECOLLECTION",
        _ => "other",
    };
}
