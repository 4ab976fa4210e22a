using System.Text;

namespace LiteKube.ApiServer.Metrics;

/// <summary>A part of the server that has series of its own on /metrics.</summary>
internal interface IMetricsSource
{
    /// <summary>Adds its families in Prometheus' text form.</summary>
    void Write(StringBuilder text);
}
