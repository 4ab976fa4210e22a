namespace LiteKube.ApiServer.Audit;

/// <summary>What is recorded of requests, and where to; under the names of kube-apiserver's --audit-... options.</summary>
public sealed record AuditOptions
{
    /// <summary>An audit.k8s.io/v1 Policy.</summary>
    public required string PolicyFile { get; init; }

    /// <summary>The file that gets one JSON event a line; "-" is the standard output.</summary>
    public required string LogPath { get; init; }

    /// <summary>At this size the file is put aside and a new one begun; 0: never.</summary>
    public int MaxSizeMegabytes { get; init; } = 100;

    /// <summary>The most files put aside that are kept; 0: all.</summary>
    public int MaxBackups { get; init; } = 10;

    /// <summary>Files put aside longer ago than this are removed; 0: none for its age.</summary>
    public int MaxAgeDays { get; init; }
}
