using System.Globalization;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>The order of versions (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority): v2, v1, v2beta1, v1beta2, v1alpha1, then what is named otherwise.</summary>
internal sealed class VersionPriority : IComparer<string>
{
    /// <summary>The preferred version first.</summary>
    public static VersionPriority PreferredFirst { get; } = new();

    public int Compare(string? x, string? y)
    {
        var (a, b) = (Parse(x ?? ""), Parse(y ?? ""));
        if (a is null || b is null) return a is null && b is null ? string.CompareOrdinal(x, y) : a is null ? 1 : -1;
        return b.Value.CompareTo(a.Value);
    }

    private static (int Stability, int Major, int Minor)? Parse(string version)
    {
        if (version is not ['v', >= '1' and <= '9', ..]) return null;
        var at = 1;
        while (at < version.Length && char.IsAsciiDigit(version[at])) at++;
        if (!int.TryParse(version.AsSpan(1, at - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var major)) return null;
        if (at == version.Length) return (2, major, 0);
        var rest = version[at..];
        var stability = rest.StartsWith("beta", StringComparison.Ordinal) ? 1 : rest.StartsWith("alpha", StringComparison.Ordinal) ? 0 : -1;
        var digits = stability == 1 ? rest[4..] : stability == 0 ? rest[5..] : "";
        return digits is [>= '1' and <= '9', ..] && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var minor) ? (stability, major, minor) : null;
    }
}
