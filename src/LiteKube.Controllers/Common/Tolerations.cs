using System.Globalization;
using k8s.Models;

namespace LiteKube.Controllers.Common;

/// <summary>https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/. Pure.</summary>
internal static class Tolerations
{
    public static bool AnyTolerates(IEnumerable<V1Toleration> tolerations, V1Taint taint) => tolerations.Any(t => Tolerates(t, taint));

    /// <summary>An empty key with Exists tolerates every key, an empty effect every effect.</summary>
    public static bool Tolerates(V1Toleration toleration, V1Taint taint)
    {
        if (!string.IsNullOrEmpty(toleration.Effect) && toleration.Effect != taint.Effect)
            return false;
        if (string.IsNullOrEmpty(toleration.Key))
            return toleration.OperatorProperty == "Exists";
        if (toleration.Key != taint.Key)
            return false;
        return toleration.OperatorProperty switch
        {
            "Exists" => true,
            null or "" or "Equal" => (toleration.Value ?? "") == (taint.Value ?? ""),
            "Lt" => Number(taint.Value) < Number(toleration.Value),
            "Gt" => Number(taint.Value) > Number(toleration.Value),
            _ => false,
        };
    }

    // What is no number is neither more nor less.
    private static long? Number(string? text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
