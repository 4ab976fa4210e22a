using System.Collections.Immutable;
using System.Globalization;
using LiteKube.Cri.V1;

namespace LiteKube.Kubelet.PodWorkers;

/// <param name="IsHostNetwork">The pod's processes are in the node's network namespace.</param>
/// <param name="Ips">Empty for a host-network sandbox.</param>
internal sealed record SandboxRecord(string Id, uint Attempt, bool IsReady, DateTimeOffset CreatedAt, bool IsHostNetwork, IReadOnlyList<string> Ips, IReadOnlyDictionary<string, string> Annotations)
{
    public static SandboxRecord Of(PodSandboxStatus status)
    {
        List<string> ips = [];
        if (status.Network is { Ip.Length: > 0 } network)
        {
            ips.Add(network.Ip);
            ips.AddRange(network.AdditionalIps.Select(i => i.Ip));
        }
        return new SandboxRecord(status.Id, status.Metadata?.Attempt ?? 0, status.State == PodSandboxState.SandboxReady, Nanoseconds.ToTime(status.CreatedAt),
            status.Linux?.Namespaces?.Options?.Network == NamespaceMode.Node, ips, status.Annotations);
    }
}

internal enum ContainerPhase
{
    Created,
    Running,
    Exited,

    /// <summary>The runtime lost sight of it: it may or may not run.</summary>
    Unknown,
}

internal sealed record ContainerRecord
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string SandboxId { get; init; }
    public required int RestartCount { get; init; }
    public required string Hash { get; init; }
    public required ContainerPhase Phase { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public int ExitCode { get; init; }
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";
    public string Image { get; init; } = "";
    public string ImageId { get; init; } = "";
    public string LogPath { get; init; } = "";
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = ImmutableDictionary<string, string>.Empty;

    public bool IsRunning => Phase == ContainerPhase.Running;

    public static ContainerRecord Of(ContainerStatus status, string sandboxId) => new()
    {
        Id = status.Id,
        Name = status.Labels.TryGetValue(PodLabels.ContainerName, out var name) ? name : status.Metadata.Name,
        SandboxId = sandboxId,
        RestartCount = (int)status.Metadata.Attempt,
        Hash = status.Annotations.TryGetValue(PodLabels.ContainerHash, out var hash) ? hash : "",
        Phase = PhaseOf(status.State),
        CreatedAt = Nanoseconds.ToTime(status.CreatedAt),
        StartedAt = status.StartedAt > 0 ? Nanoseconds.ToTime(status.StartedAt) : null,
        FinishedAt = status.FinishedAt > 0 ? Nanoseconds.ToTime(status.FinishedAt) : null,
        ExitCode = status.ExitCode,
        Reason = status.Reason,
        Message = status.Message,
        Image = status.Image?.Image ?? "",
        ImageId = status.ImageRef,
        LogPath = status.LogPath,
        Annotations = status.Annotations,
    };

    public static ContainerPhase PhaseOf(ContainerState state) => state switch
    {
        ContainerState.ContainerCreated => ContainerPhase.Created,
        ContainerState.ContainerRunning => ContainerPhase.Running,
        ContainerState.ContainerExited => ContainerPhase.Exited,
        _ => ContainerPhase.Unknown,
    };
}

/// <summary>What the runtime has of one pod. Never changed, only replaced: readers need no lock.</summary>
internal sealed record PodSnapshot(ImmutableArray<SandboxRecord> Sandboxes, ImmutableArray<ContainerRecord> Containers)
{
    public static readonly PodSnapshot Empty = new([], []);

    public SandboxRecord? NewestSandbox => Sandboxes.IsEmpty ? null : Sandboxes.MaxBy(s => (s.Attempt, s.CreatedAt));

    public ContainerRecord? Newest(string name) => Containers.Where(c => c.Name == name).MaxBy(c => (c.RestartCount, c.CreatedAt));

    public ContainerRecord? Previous(string name) => Containers.Where(c => c.Name == name).OrderByDescending(c => (c.RestartCount, c.CreatedAt)).Skip(1).FirstOrDefault();

    public ContainerRecord? Find(string id) => Containers.FirstOrDefault(c => c.Id == id);

    public bool Has(string id) => Containers.Any(c => c.Id == id) || Sandboxes.Any(s => s.Id == id);

    public PodSnapshot With(SandboxRecord sandbox) => this with { Sandboxes = Sandboxes.RemoveAll(s => s.Id == sandbox.Id).Add(sandbox) };

    public PodSnapshot With(ContainerRecord container) => this with { Containers = Containers.RemoveAll(c => c.Id == container.Id).Add(container) };

    public PodSnapshot Without(string id) => new(Sandboxes.RemoveAll(s => s.Id == id), Containers.RemoveAll(c => c.Id == id));
}

/// <summary>CRI's times: nanoseconds after 1970.</summary>
internal static class Nanoseconds
{
    public static DateTimeOffset ToTime(long nanoseconds) => DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100);

    public static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
