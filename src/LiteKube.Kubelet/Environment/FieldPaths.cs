using System.Globalization;
using System.Text;
using k8s.Models;

namespace LiteKube.Kubelet.Environment;

/// <summary>
/// Reads the fields of a pod that downward API variables and files may name
/// (https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#available-fields).
/// </summary>
internal static class FieldPaths
{
    /// <summary>A field that both variables and files may use.</summary>
    /// <exception cref="FormatException">No such field, in the kubelet's words.</exception>
    public static string Read(V1Pod pod, string path)
    {
        var metadata = pod.Metadata;
        if (TrySplitSubscript(path, out var field, out var key))
        {
            var map = field switch
            {
                "metadata.annotations" => metadata.Annotations,
                "metadata.labels" => metadata.Labels,
                _ => throw new FormatException($"fieldPath {GoText.Quote(path)} does not support subscript"),
            };
            return map is not null && map.TryGetValue(key, out var value) ? value : "";
        }
        return path switch
        {
            "metadata.annotations" => FormatMap(metadata.Annotations),
            "metadata.labels" => FormatMap(metadata.Labels),
            "metadata.name" => metadata.Name ?? "",
            "metadata.namespace" => metadata.NamespaceProperty ?? "",
            "metadata.uid" => metadata.Uid ?? "",
            _ => throw new FormatException($"unsupported fieldPath: {path}"),
        };
    }

    /// <summary>A field for an environment variable: also what only the running pod knows.</summary>
    public static string Read(V1Pod pod, string path, IReadOnlyList<string> podIps, IReadOnlyList<string> hostIps) => path switch
    {
        "spec.nodeName" => pod.Spec.NodeName ?? "",
        "spec.serviceAccountName" => pod.Spec.ServiceAccountName ?? "",
        "status.hostIP" => hostIps.Count > 0 ? hostIps[0] : "",
        "status.hostIPs" => string.Join(',', hostIps),
        "status.podIP" => podIps.Count > 0 ? podIps[0] : "",
        "status.podIPs" => string.Join(',', podIps),
        _ => Read(pod, path),
    };

    /// <summary><c>key="escaped value"</c> by line, sorted by key.</summary>
    public static string FormatMap(IDictionary<string, string>? map)
    {
        if (map is null)
            return "";
        return string.Join('\n', map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={GoText.Quote(p.Value)}"));
    }

    private static bool TrySplitSubscript(string path, out string field, out string key)
    {
        field = key = "";
        if (!path.EndsWith("']", StringComparison.Ordinal))
            return false;
        var start = path.IndexOf("['", StringComparison.Ordinal);
        if (start <= 0)
            return false;
        field = path[..start];
        key = path[(start + 2)..^2];
        return true;
    }
}

/// <summary>Text as Go's <c>%q</c> writes it, which applications parse out of downward API files.</summary>
internal static class GoText
{
    public static string Quote(string? text)
    {
        var result = new StringBuilder("\"");
        foreach (var rune in (text ?? "").EnumerateRunes())
            Append(result, rune);
        return result.Append('"').ToString();
    }

    private static void Append(StringBuilder result, Rune rune)
    {
        switch (rune.Value)
        {
            case '"': result.Append("\\\""); return;
            case '\\': result.Append(@"\\"); return;
            case '\a': result.Append(@"\a"); return;
            case '\b': result.Append(@"\b"); return;
            case '\f': result.Append(@"\f"); return;
            case '\n': result.Append(@"\n"); return;
            case '\r': result.Append(@"\r"); return;
            case '\t': result.Append(@"\t"); return;
            case '\v': result.Append(@"\v"); return;
        }
        if (IsPrintable(rune))
            result.Append(rune.ToString());
        else if (rune.Value < ' ' || rune.Value == 0x7f)
            result.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}");
        else if (rune.Value < 0x10000)
            result.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
        else
            result.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
    }

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
