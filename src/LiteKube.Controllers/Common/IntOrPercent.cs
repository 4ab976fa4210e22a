using System.Globalization;
using k8s.Models;

namespace LiteKube.Controllers.Common;

/// <summary>A count or a percentage of a total: maxSurge, maxUnavailable, minAvailable.</summary>
internal static class IntOrPercent
{
    /// <summary>Text that is neither is a count of 0; the API server does not let it in.</summary>
    public static int Scale(IntOrString? value, int total, bool roundUp)
    {
        var text = value?.Value ?? "0";
        if (!text.EndsWith('%'))
            return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count) ? count : 0;
        if (!int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var percent))
            return 0;
        var scaled = (double)percent * total / 100;
        return (int)(roundUp ? Math.Ceiling(scaled) : Math.Floor(scaled));
    }
}
