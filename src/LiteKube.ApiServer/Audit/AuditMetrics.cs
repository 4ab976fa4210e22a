using System.Globalization;
using System.Text;
using LiteKube.ApiServer.Metrics;

namespace LiteKube.ApiServer.Audit;

/// <summary>What was recorded and what could not be, under upstream's names (https://kubernetes.io/docs/reference/instrumentation/metrics/).</summary>
internal sealed class AuditMetrics : IMetricsSource
{
    private const string Prefix = "apiserver_audit_";

    private readonly long[] _levels = new long[Enum.GetValues<AuditLevel>().Length];
    private long _events;
    private long _lost;

    /// <summary>A request was judged by the policy.</summary>
    public void Judged(AuditLevel level) => Interlocked.Increment(ref _levels[(int)level]);

    /// <summary>An event goes to the log.</summary>
    public void Sent() => Interlocked.Increment(ref _events);

    /// <summary>Events will not be in the log.</summary>
    public void Lost(int events) => Interlocked.Add(ref _lost, events);

    public void Write(StringBuilder text)
    {
        Family(text, "error_total", "Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.");
        if (Volatile.Read(ref _lost) is > 0 and var lost) text.Append(CultureInfo.InvariantCulture, $"{Prefix}error_total{{plugin=\"log\"}} {lost}\n");
        Family(text, "event_total", "Counter of audit events generated and sent to the audit backend.");
        text.Append(CultureInfo.InvariantCulture, $"{Prefix}event_total {Volatile.Read(ref _events)}\n");
        Family(text, "level_total", "Counter of policy levels for audit events (1 per request).");
        foreach (var level in Enum.GetValues<AuditLevel>())
        {
            if (Volatile.Read(ref _levels[(int)level]) is > 0 and var count) text.Append(CultureInfo.InvariantCulture, $"{Prefix}level_total{{level=\"{level}\"}} {count}\n");
        }
    }

    private static void Family(StringBuilder text, string name, string help) => text.Append(CultureInfo.InvariantCulture, $"# HELP {Prefix}{name} {help}\n# TYPE {Prefix}{name} counter\n");
}
