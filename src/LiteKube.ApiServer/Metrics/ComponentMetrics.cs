using System.Text;

namespace LiteKube.ApiServer.Metrics;

/// <summary>What other components of the process add to /metrics: in Kubernetes each has a port of its own for them.</summary>
internal sealed class ComponentMetrics : IMetricsSource
{
    private volatile Action<StringBuilder>[] _writers = [];

    public void Add(Action<StringBuilder> writer) => _writers = [.. _writers, writer];

    public void Write(StringBuilder text)
    {
        foreach (var writer in _writers) writer(text);
    }
}
