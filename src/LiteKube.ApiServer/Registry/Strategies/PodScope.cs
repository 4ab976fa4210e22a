using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>What the parts of a pod's spec need to know of the whole while they are judged.</summary>
internal sealed class PodScope
{
    private PodScope(JsonObject spec, bool isPod, string podName) => (Spec, IsPod, PodName) = (spec, isPod, podName);

    public JsonObject Spec { get; }

    /// <summary>A pod itself and no template.</summary>
    public bool IsPod { get; }

    /// <summary>"" for a template.</summary>
    public string PodName { get; }

    public Dictionary<string, JsonObject> Volumes { get; } = new(StringComparer.Ordinal);
    public HashSet<string> Claims { get; } = new(StringComparer.Ordinal);
    public long? GracePeriodSeconds { get; private init; }
    public string RestartPolicy { get; private init; } = "";
    public bool UsesHostUsers { get; private init; }

    /// <param name="podName">The pod's name; null for a template.</param>
    public static PodScope Of(JsonObject spec, string? podName)
    {
        var scope = new PodScope(spec, podName is not null, podName ?? "")
        {
            GracePeriodSeconds = spec.LongOrNull("terminationGracePeriodSeconds"),
            RestartPolicy = spec.Str("restartPolicy"),
            UsesHostUsers = spec.BoolOrNull("hostUsers") ?? true,
        };
        foreach (var volume in spec.Items("volumes"))
            scope.Volumes.TryAdd(volume.Str("name"), volume);
        foreach (var claim in spec.Items("resourceClaims"))
        {
            if (claim.Str("name") is { Length: > 0 } name)
                scope.Claims.Add(name);
        }
        return scope;
    }
}
