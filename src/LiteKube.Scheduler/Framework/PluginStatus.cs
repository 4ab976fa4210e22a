namespace LiteKube.Scheduler.Framework;

public enum StatusCode
{
    /// <summary>The plugin failed; the pod is tried again with backoff.</summary>
    Error,
    /// <summary>The pod does not fit, but would if other pods went away.</summary>
    Unschedulable,
    /// <summary>The pod does not fit whatever pods go away.</summary>
    UnschedulableAndUnresolvable,
    /// <summary>PreFilter, PreScore: the plugin has nothing to do for this pod.</summary>
    Skip,
}

/// <summary>Why a plugin did not simply succeed; success is null. Filters return shared instances: a status is made once, not once a node.</summary>
public sealed record PluginStatus(StatusCode Code, params IReadOnlyList<string> Reasons)
{
    public static readonly PluginStatus Skip = new(StatusCode.Skip);

    /// <summary>The plugin that gave it; set by the framework.</summary>
    public string Plugin { get; init; } = "";

    public bool IsUnschedulable => Code is StatusCode.Unschedulable or StatusCode.UnschedulableAndUnresolvable;
    public string Message => string.Join(", ", Reasons);

    public static PluginStatus Unschedulable(params IReadOnlyList<string> reasons) => new(StatusCode.Unschedulable, reasons);
    public static PluginStatus Unresolvable(params IReadOnlyList<string> reasons) => new(StatusCode.UnschedulableAndUnresolvable, reasons);
    public static PluginStatus Error(string reason) => new(StatusCode.Error, reason);
}
