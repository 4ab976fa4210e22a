using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.PodSecurity;

/// <summary>A pod, or a controller's template of one, as the checks see it.</summary>
internal sealed class CheckedPod(JsonObject? metadata, JsonObject spec)
{
    public JsonObject Spec => spec;
    public JsonObject? SecurityContext { get; } = spec.Obj("securityContext");
    public List<JsonObject> Containers { get; } = [.. PodReferences.Containers(spec)];
    public Dictionary<string, string> Annotations => field ??= metadata.StringMap("annotations");
    public bool IsWindows => spec.Obj("os").Str("name") == "windows";

    /// <summary>In a user namespace of its own, root is nobody on the host.</summary>
    public bool HasUserNamespace => spec.BoolOrNull("hostUsers") == false;
}

/// <summary>What a pod breaks: the reason in few words, and the places.</summary>
internal sealed record Violation(string Reason, string Detail)
{
    public override string ToString() => Detail.Length == 0 ? Reason : $"{Reason} ({Detail})";
}

/// <summary>One check of one level, in the forms that it had over the releases.</summary>
/// <param name="Versions">From which minor version on which form holds; ascending.</param>
/// <param name="Overrides">The check of the level below that this one includes.</param>
internal sealed record PodSecurityCheck(string Id, PodSecurityLevel Level, (int Minor, Func<CheckedPod, Violation?> Run)[] Versions, string? Overrides = null)
{
    public Func<CheckedPod, Violation?>? At(int minor)
    {
        Func<CheckedPod, Violation?>? found = null;
        foreach (var (from, run) in Versions)
        {
            if (from <= minor)
                found = run;
        }
        return found;
    }
}

/// <summary>The checks of the Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/).</summary>
internal static class PodSecurityChecks
{
    private static readonly PodSecurityCheck[] All = [.. BaselineChecks.All.OrderBy(c => c.Id, StringComparer.Ordinal), .. RestrictedChecks.All.OrderBy(c => c.Id, StringComparer.Ordinal)];

    /// <summary>What the pod breaks of the level, in Kubernetes' order; empty when it may run.</summary>
    public static List<Violation> Run(LevelVersion wanted, CheckedPod pod)
    {
        var found = new List<Violation>();
        if (wanted.Level == PodSecurityLevel.Privileged)
            return found;
        var overridden = wanted.Level == PodSecurityLevel.Restricted
            ? RestrictedChecks.All.Where(c => c.Overrides is not null && c.At(wanted.Minor) is not null).Select(c => c.Overrides).ToHashSet(StringComparer.Ordinal)
            : [];
        foreach (var check in All)
        {
            if (check.Level <= wanted.Level && !overridden.Contains(check.Id) && check.At(wanted.Minor)?.Invoke(pod) is { } violation)
                found.Add(violation);
        }
        return found;
    }

    /// <summary>The containers that break a rule, as <c>containers "a", "b" must not ...</c>.</summary>
    public static Violation? OfContainers(CheckedPod pod, string reason, Func<JsonObject, bool> isBad, string rule)
    {
        var bad = Names(pod, isBad);
        return bad.Count == 0 ? null : new(reason, $"{Listed("container", bad)} {rule}");
    }

    public static List<string> Names(CheckedPod pod, Func<JsonObject, bool> isBad) => [.. pod.Containers.Where(isBad).Select(c => c.Str("name"))];

    /// <summary>Who set something bad: the pod, its containers or both.</summary>
    public static string Setters(bool isPod, List<string> containers) =>
        string.Join(" and ", ((string?[])[isPod ? "pod" : null, containers.Count > 0 ? Listed("container", containers) : null]).OfType<string>());

    public static string Listed(string noun, IReadOnlyCollection<string> names) => $"{Plural(noun, names.Count)} {Quoted(names)}";

    public static string Plural(string noun, int count) => count == 1 ? noun : noun + "s";

    public static string Uses(int count) => count == 1 ? "uses" : "use";

    public static string Quoted(IEnumerable<string> names) => string.Join(", ", names.Select(n => $"\"{n}\""));

    public static SortedSet<string> Sorted() => new(StringComparer.Ordinal);
}
