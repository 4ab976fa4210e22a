using System.Text.Json.Nodes;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Webhooks;

/// <summary>The rules for the versions of AdmissionReview and ConversionReview that a webhook understands.</summary>
internal static class ReviewVersionRules
{
    /// <summary>Those that this server can send.</summary>
    public static readonly IReadOnlyList<string> Known = ["v1", "v1beta1"];

    /// <param name="missing">What is said when there are none.</param>
    /// <param name="allowsUnknown">None of them need be one that this server can send.</param>
    public static void Validate(IReadOnlyList<string> versions, FieldPath path, string missing, bool allowsUnknown, FieldErrors errors)
    {
        if (versions.Count == 0)
        {
            errors.Required(path, missing);
            return;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < versions.Count; i++)
        {
            if (!seen.Add(versions[i])) errors.Invalid(path.Index(i), versions[i], "duplicate version");
            else
                foreach (var complaint in NameFormats.Dns1035Label(versions[i])) errors.Invalid(path.Index(i), versions[i], complaint);
        }
        if (!allowsUnknown && !Known.Any(seen.Contains))
            errors.Invalid(path, new JsonArray([.. versions.Select(v => (JsonNode)v)]), $"must include at least one of {string.Join(", ", Known)}");
    }
}
