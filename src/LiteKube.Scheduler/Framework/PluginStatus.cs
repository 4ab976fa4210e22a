namespace LiteKube.Scheduler.Framework;

public enum StatusCode
{
    /// <summary>The plugin failed; the pod is tried again with backoff.</summary>
    Error,
    /// <summary>The pod does not fit, but would if other pods went away.</summary>
    Unschedulable,
    /// <summary>The pod does not fit whatever pods go away.</summary>
    UnschedulableAndUnresolvable,
    /// <summary>Like UnschedulableAndUnresolvable, and something that the plugin has begun will help: tried again then, without backoff.</summary>
    Pending,
    /// <summary>PreFilter, PreScore, Bind: the plugin has nothing to do for this pod.</summary>
    Skip,
}

/// <summary>Why a plugin did not simply succeed; success is null. Filters return shared instances: a status is made once, not once a node.</summary>
public sealed record PluginStatus(StatusCode Code, params IReadOnlyList<string> Reasons)
{
    public static readonly PluginStatus Skip = new(StatusCode.Skip);

    /// <summary>The plugin that gave it; set by the framework.</summary>
    public string Plugin { get; private set; } = "";

    /// <summary>The pod was turned away, in contrast to an error.</summary>
    public bool IsRejected => Code is StatusCode.Unschedulable or StatusCode.UnschedulableAndUnresolvable or StatusCode.Pending;

    public string Message => string.Join(", ", Reasons);

    public static PluginStatus Unschedulable(params IReadOnlyList<string> reasons) => new(StatusCode.Unschedulable, reasons);
    public static PluginStatus Unresolvable(params IReadOnlyList<string> reasons) => new(StatusCode.UnschedulableAndUnresolvable, reasons);
    public static PluginStatus Error(string reason) => new(StatusCode.Error, reason);

    /// <summary>Without a copy where it can be: a shared status always comes from the same plugin.</summary>
    internal PluginStatus From(string plugin)
    {
        if (Plugin.Length == 0)
            Plugin = plugin;
        return Plugin == plugin ? this : this with { Plugin = plugin };
    }
}

/// <summary>A plugin failed for a reason that has nothing to do with the pod's place; the message is the pod's.</summary>
internal sealed class PluginFailedException(string message) : Exception(message);
