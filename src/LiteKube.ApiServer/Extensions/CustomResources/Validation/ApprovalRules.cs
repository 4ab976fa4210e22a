using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

internal enum ApprovalState
{
    Invalid,
    Approved,
    Bypassed,
    Missing,
}

/// <summary>Groups under k8s.io and kubernetes.io are the community's: a CRD there says who approved it (https://github.com/kubernetes/enhancements/pull/1111).</summary>
internal static class ApprovalRules
{
    private const string Annotation = "api-approved.kubernetes.io";

    public static bool IsProtected(string group) =>
        group is "k8s.io" or "kubernetes.io" || group.EndsWith(".k8s.io", StringComparison.Ordinal) || group.EndsWith(".kubernetes.io", StringComparison.Ordinal);

    public static (ApprovalState State, string Reason) Of(Definition definition)
    {
        var text = definition.Value.Annotations().GetValueOrDefault(Annotation, "");
        if (text.Length == 0) return (ApprovalState.Missing, $"protected groups must have approval annotation \"{Annotation}\", see https://github.com/kubernetes/enhancements/pull/1111");
        if (text.StartsWith("unapproved", StringComparison.Ordinal)) return (ApprovalState.Bypassed, $"not approved: {GoValues.Quote(text)}");
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0
            ? (ApprovalState.Approved, $"approved in {text}")
            : (ApprovalState.Invalid, $"protected groups must have approval annotation \"{Annotation}\" with either a URL or a reason starting with \"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111");
    }

    public static void Validate(Definition definition, Definition? before, FieldErrors errors)
    {
        if (!IsProtected(definition.Group)) return;
        var (state, reason) = Of(definition);
        if (before is not null && Of(before).State == state) return;
        var path = FieldPath.Of("metadata").Child("annotations").Key(Annotation);
        if (state == ApprovalState.Missing) errors.Required(path, reason);
        else if (state == ApprovalState.Invalid) errors.Invalid(path, definition.Value.Annotations().GetValueOrDefault(Annotation, ""), reason);
    }
}
