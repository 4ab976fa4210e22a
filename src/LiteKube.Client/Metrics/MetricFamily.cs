using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace LiteKube.Client.Metrics;

/// <summary>Series of one name, in Prometheus' text form (https://prometheus.io/docs/instrumenting/exposition_formats/).</summary>
public abstract class MetricFamily(string name, string type, string help, string[] labels)
{
    protected string Name { get; } = name;

    public void Write(StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"# HELP {Name} {help}\n# TYPE {Name} {type}\n");
        WriteSeries(text);
    }

    protected abstract void WriteSeries(StringBuilder text);

    /// <summary>Values are names of Kubernetes' kinds, or ones that hold nothing which would need an escape.</summary>
    protected string LabelsText(ReadOnlySpan<string> values)
    {
        if (values.Length != labels.Length)
            throw new ArgumentException($"{Name} has {labels.Length} labels, not {values.Length}", nameof(values));
        var text = new StringBuilder();
        for (var i = 0; i < values.Length; i++)
            text.Append(CultureInfo.InvariantCulture, $"{(i == 0 ? "" : ",")}{labels[i]}=\"{values[i]}\"");
        return text.ToString();
    }

    protected static string Braces(string labelsText) => labelsText.Length == 0 ? "" : $"{{{labelsText}}}";
}

/// <summary>Values that only grow.</summary>
public sealed class CounterFamily(string name, string help, params string[] labels) : MetricFamily(name, "counter", help, labels)
{
    private readonly ConcurrentDictionary<string, Counter> _series = new(StringComparer.Ordinal);

    /// <summary>Worth keeping where it is needed often.</summary>
    public Counter With(params ReadOnlySpan<string> values) => _series.GetOrAdd(LabelsText(values), static _ => new Counter());

    protected override void WriteSeries(StringBuilder text)
    {
        foreach (var (labels, counter) in _series)
            text.Append(CultureInfo.InvariantCulture, $"{Name}{Braces(labels)} {counter.Value}\n");
    }
}

/// <summary>One series of a <see cref="CounterFamily"/>.</summary>
public sealed class Counter
{
    private long _value;

    public long Value => Interlocked.Read(ref _value);

    public void Add(long by = 1) => Interlocked.Add(ref _value, by);
}

/// <summary>Values counted by size.</summary>
public sealed class HistogramFamily(string name, string help, double[] bounds, params string[] labels) : MetricFamily(name, "histogram", help, labels)
{
    private readonly ConcurrentDictionary<string, Histogram> _series = new(StringComparer.Ordinal);

    public Histogram With(params ReadOnlySpan<string> values) => _series.GetOrAdd(LabelsText(values), static (_, bounds) => new Histogram(bounds), bounds);

    /// <summary><paramref name="count"/> bounds from <paramref name="start"/>, each <paramref name="factor"/> times the one before.</summary>
    public static double[] Exponential(double start, double factor, int count)
    {
        var bounds = new double[count];
        for (var i = 0; i < count; i++, start *= factor)
            bounds[i] = start;
        return bounds;
    }

    protected override void WriteSeries(StringBuilder text)
    {
        foreach (var (labels, histogram) in _series)
        {
            var prefix = labels.Length == 0 ? "" : labels + ",";
            long cumulative = 0;
            for (var i = 0; i <= bounds.Length; i++)
            {
                cumulative += histogram.CountAt(i);
                var bound = i < bounds.Length ? bounds[i].ToString("G15", CultureInfo.InvariantCulture) : "+Inf";
                text.Append(CultureInfo.InvariantCulture, $"{Name}_bucket{{{prefix}le=\"{bound}\"}} {cumulative}\n");
            }
            text.Append(CultureInfo.InvariantCulture, $"{Name}_sum{Braces(labels)} {histogram.Sum:G15}\n{Name}_count{Braces(labels)} {cumulative}\n");
        }
    }
}

/// <summary>One series of a <see cref="HistogramFamily"/>; updated without locks.</summary>
public sealed class Histogram(double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    public double Sum => Volatile.Read(ref _sum);

    public long CountAt(int bucket) => Interlocked.Read(ref _counts[bucket]);

    public void Observe(double value)
    {
        var at = Array.BinarySearch(bounds, value);
        Interlocked.Increment(ref _counts[at < 0 ? ~at : at]);
        double seen;
        do
            seen = Volatile.Read(ref _sum);
        while (Interlocked.CompareExchange(ref _sum, seen + value, seen) != seen);
    }
}

/// <summary>Values that are asked for when the metrics are read.</summary>
public sealed class GaugeFamily(string name, string help, Func<IEnumerable<(string[] Labels, double Value)>> read, params string[] labels) : MetricFamily(name, "gauge", help, labels)
{
    protected override void WriteSeries(StringBuilder text)
    {
        foreach (var (values, value) in read())
            text.Append(CultureInfo.InvariantCulture, $"{Name}{Braces(LabelsText(values))} {value:G17}\n");
    }
}
