using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace LiteKube.ApiServer.Metrics;

/// <summary>What webhooks cost and refuse, under upstream's names (https://kubernetes.io/docs/reference/instrumentation/metrics/).</summary>
internal sealed class AdmissionMetrics : IMetricsSource
{
    /// <summary>Mutating webhooks, as their series name them.</summary>
    public const string Admit = "admit";
    public const string Validating = "validating";

    /// <summary>Why a request was rejected.</summary>
    public const string NoError = "no_error";
    public const string CallingError = "calling_webhook_error";
    public const string InternalError = "apiserver_internal_error";

    /// <summary>Names are those of configured webhooks, but these may come and go.</summary>
    private const int MaxSeries = 2000;
    private const int MaxCode = 600;
    private const string Prefix = "apiserver_admission_";

    private static readonly double[] Bounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];

    private readonly ConcurrentDictionary<string, Histogram> _durations = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Family, string Labels), Counter> _counters = [];

    /// <param name="error">Null: the request was not rejected.</param>
    public void Called(string name, string type, string operation, bool isRejected, int code, string? error, TimeSpan elapsed)
    {
        var (label, rejected) = (Escape(name), isRejected ? "true" : "false");
        var shownCode = Math.Min(code, MaxCode).ToString(CultureInfo.InvariantCulture);
        var key = $"name=\"{label}\",operation=\"{operation}\",rejected=\"{rejected}\",type=\"{type}\"";
        if (_durations.TryGetValue(key, out var histogram) || _durations.Count < MaxSeries) (histogram ?? _durations.GetOrAdd(key, static _ => new Histogram())).Observe(elapsed.TotalSeconds);
        Count("webhook_request_total", $"code=\"{shownCode}\",{key}");
        if (error is not null) Count("webhook_rejection_count", $"error_type=\"{error}\",name=\"{label}\",operation=\"{operation}\",rejection_code=\"{shownCode}\",type=\"{type}\"");
    }

    public void FailedOpen(string name, string type) => Count("webhook_fail_open_count", $"name=\"{Escape(name)}\",type=\"{type}\"");

    /// <summary>Match conditions left a webhook or policy out.</summary>
    public void Excluded(string name, string kind, string type, string operation) =>
        Count("match_condition_exclusions_total", $"kind=\"{kind}\",name=\"{Escape(name)}\",operation=\"{operation}\",type=\"{type}\"");

    public void Write(StringBuilder text)
    {
        WriteDurations(text);
        Write(text, "webhook_fail_open_count", "Admission webhook fail open count, identified by name and broken out for each admission type (validating or admit).");
        Write(text, "webhook_rejection_count", "Admission webhook rejection count, identified by name and broken out for each admission type (validating or admit) and operation, with the type of the error and the code of the rejection.");
        Write(text, "webhook_request_total", "Admission webhook request total, identified by name and broken out for each admission type (validating or admit) and operation, with the code and whether the request was rejected.");
        Write(text, "match_condition_exclusions_total", "Admission match condition evaluation exclusions count, identified by name of resource containing the match condition and broken out for each kind containing matchConditions (webhook or policy), operation and admission type (validate or admit).");
    }

    private void Count(string family, string labels)
    {
        if (_counters.TryGetValue((family, labels), out var counter) || _counters.Count < MaxSeries) (counter ?? _counters.GetOrAdd((family, labels), static _ => new Counter())).Add();
    }

    private void Write(StringBuilder text, string family, string help)
    {
        var series = _counters.Where(c => c.Key.Family == family).OrderBy(c => c.Key.Labels, StringComparer.Ordinal).ToList();
        if (series.Count == 0) return;
        text.Append(CultureInfo.InvariantCulture, $"# HELP {Prefix}{family} {help}\n# TYPE {Prefix}{family} counter\n");
        foreach (var (key, counter) in series) text.Append(CultureInfo.InvariantCulture, $"{Prefix}{family}{{{key.Labels}}} {counter.Value}\n");
    }

    private void WriteDurations(StringBuilder text)
    {
        if (_durations.IsEmpty) return;
        const string Name = Prefix + "webhook_admission_duration_seconds";
        text.Append(CultureInfo.InvariantCulture, $"# HELP {Name} Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validating or admit).\n# TYPE {Name} histogram\n");
        foreach (var (labels, histogram) in _durations.OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            var (buckets, sum) = histogram.Read();
            long cumulative = 0;
            for (var i = 0; i < buckets.Length; i++)
            {
                cumulative += buckets[i];
                var bound = i < Bounds.Length ? Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
                text.Append(CultureInfo.InvariantCulture, $"{Name}_bucket{{{labels},le=\"{bound}\"}} {cumulative}\n");
            }
            text.Append(CultureInfo.InvariantCulture, $"{Name}_sum{{{labels}}} {sum:G9}\n{Name}_count{{{labels}}} {cumulative}\n");
        }
    }

    private static string Escape(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private sealed class Counter
    {
        private long _value;

        public long Value => Volatile.Read(ref _value);

        public void Add() => Interlocked.Increment(ref _value);
    }

    private sealed class Histogram
    {
        private readonly long[] _buckets = new long[Bounds.Length + 1];
        private long _sumMicroseconds;

        public void Observe(double seconds)
        {
            var bucket = 0;
            while (bucket < Bounds.Length && seconds > Bounds[bucket]) bucket++;
            Interlocked.Increment(ref _buckets[bucket]);
            Interlocked.Add(ref _sumMicroseconds, (long)(seconds * 1e6));
        }

        public (long[] Buckets, double Sum) Read()
        {
            var copy = new long[_buckets.Length];
            for (var i = 0; i < copy.Length; i++) copy[i] = Volatile.Read(ref _buckets[i]);
            return (copy, Volatile.Read(ref _sumMicroseconds) / 1e6);
        }
    }
}
