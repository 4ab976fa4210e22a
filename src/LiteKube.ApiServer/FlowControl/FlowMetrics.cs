using System.Globalization;
using System.Text;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>The apiserver_flowcontrol_* series (https://kubernetes.io/docs/reference/instrumentation/metrics/).</summary>
internal static class FlowMetrics
{
    private const string Prefix = "apiserver_flowcontrol_";

    public static void Write(StringBuilder text, FlowController flows)
    {
        var series = flows.Series();
        WriteRejected(text, series);
        Each(text, "dispatched_requests_total", "counter", "Number of requests executed by API Priority and Fairness subsystem", series, s => s.Dispatched);
        Each(text, "current_inqueue_requests", "gauge", "Number of requests currently pending in queues of the API Priority and Fairness subsystem", series, s => s.Waiting);
        Each(text, "current_inqueue_seats", "gauge", "Number of seats currently pending in queues of the API Priority and Fairness subsystem", series, s => s.SeatsWaiting);
        Each(text, "current_executing_requests", "gauge", "Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem", series, s => s.Executing);
        Each(text, "current_executing_seats", "gauge", "Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem", series, s => s.SeatsExecuting);

        Head(text, "request_wait_duration_seconds", "histogram", "Length of time a request spent waiting in its queue");
        foreach (var (level, schema, one) in series)
        {
            Histogram(text, "request_wait_duration_seconds", $"execute=\"true\",{Labels(level, schema)}", one.WaitOfExecuted);
            Histogram(text, "request_wait_duration_seconds", $"execute=\"false\",{Labels(level, schema)}", one.WaitOfRejected);
        }
        Head(text, "request_execution_seconds", "histogram", "Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in the API Priority and Fairness subsystem");
        foreach (var (level, schema, one) in series) Histogram(text, "request_execution_seconds", Labels(level, schema), one.Execution);

        var levels = flows.Levels;
        Each(text, "nominal_limit_seats", "Nominal number of execution seats configured for each priority level", levels, l => l.Nominal);
        Each(text, "lower_limit_seats", "Configured lower bound on number of execution seats available to each priority level", levels, l => l.Lower);
        Each(text, "upper_limit_seats", "Configured upper bound on number of execution seats available to each priority level", levels, l => l.Upper);
        Each(text, "current_limit_seats", "current derived number of execution seats available to each priority level", levels, l => l.Limit);
        Each(text, "demand_seats_high_watermark", "High watermark, over last adjustment period, of demand_seats", levels, l => l.Demand.HighWatermark);
        Each(text, "demand_seats_average", "Time-weighted average, over last adjustment period, of demand_seats", levels, l => l.Demand.Average);
        Each(text, "demand_seats_stdev", "Time-weighted standard deviation, over last adjustment period, of demand_seats", levels, l => l.Demand.Deviation);
        Each(text, "demand_seats_smoothed", "Smoothed seat demands", levels, l => l.Demand.Smoothed);
        Head(text, "seat_fair_frac", "gauge", "Fair fraction of server's concurrency to allocate to each priority level that can use it");
        text.Append(CultureInfo.InvariantCulture, $"{Prefix}seat_fair_frac {flows.FairFraction:G9}\n");
    }

    private static void WriteRejected(StringBuilder text, IReadOnlyList<(string Level, string Schema, FlowSeries Series)> series)
    {
        Head(text, "rejected_requests_total", "counter", "Number of requests rejected by API Priority and Fairness subsystem");
        foreach (var (level, schema, one) in series)
        {
            foreach (var reason in (FlowRejection[])[FlowRejection.ConcurrencyLimit, FlowRejection.QueueFull, FlowRejection.TimeOut])
            {
                if (one.Rejected(reason) is > 0 and var count)
                    text.Append(CultureInfo.InvariantCulture, $"{Prefix}rejected_requests_total{{{Labels(level, schema)},reason=\"{FlowSeries.ReasonOf(reason)}\"}} {count}\n");
            }
        }
    }

    private static void Each(StringBuilder text, string name, string type, string help, IReadOnlyList<(string Level, string Schema, FlowSeries Series)> series, Func<FlowSeries, long> value)
    {
        Head(text, name, type, help);
        foreach (var (level, schema, one) in series) text.Append(CultureInfo.InvariantCulture, $"{Prefix}{name}{{{Labels(level, schema)}}} {value(one)}\n");
    }

    private static void Each(StringBuilder text, string name, string help, IReadOnlyList<PriorityLevel> levels, Func<PriorityLevel, double> value)
    {
        Head(text, name, "gauge", help);
        foreach (var level in levels) text.Append(CultureInfo.InvariantCulture, $"{Prefix}{name}{{priority_level=\"{level.Name}\"}} {value(level):G9}\n");
    }

    private static void Histogram(StringBuilder text, string name, string labels, FlowHistogram histogram)
    {
        long total = 0;
        for (var i = 0; i < histogram.Counts.Length; i++)
        {
            total += histogram.Counts[i];
            var bound = i < FlowSeries.Bounds.Length ? FlowSeries.Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            text.Append(CultureInfo.InvariantCulture, $"{Prefix}{name}_bucket{{{labels},le=\"{bound}\"}} {total}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"{Prefix}{name}_sum{{{labels}}} {histogram.Sum:G9}\n{Prefix}{name}_count{{{labels}}} {total}\n");
    }

    // Names of objects are DNS subdomains: nothing in them needs escaping.
    private static string Labels(string level, string schema) => $"flow_schema=\"{schema}\",priority_level=\"{level}\"";

    private static void Head(StringBuilder text, string name, string type, string help) => text.Append(CultureInfo.InvariantCulture, $"# HELP {Prefix}{name} {help}\n# TYPE {Prefix}{name} {type}\n");
}
