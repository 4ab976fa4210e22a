using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>PodCertificateRequests (KEP-4317): what is asked for is fixed, and who it is for must be named whole.</summary>
internal static class PodCertificateValidation
{
    private const int MinPodCertificateSeconds = 3600;
    private const int MaxPodCertificateSeconds = 91 * 86400;
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        CertificateValidation.SignerName(errors, Spec.Child("signerName"), spec.Str("signerName"));
        foreach (var field in (ReadOnlySpan<string>)["podName", "serviceAccountName", "nodeName"])
            Checks.RequiredName(errors, spec, Spec, field, NameChecks.DnsSubdomain);
        foreach (var field in (ReadOnlySpan<string>)["podUID", "serviceAccountUID", "nodeUID"])
            Checks.Required(errors, spec, Spec, field, "must not be empty");
        if (spec.LongOrNull("maxExpirationSeconds") is not { } seconds)
            errors.Required(Spec.Child("maxExpirationSeconds"), "must be set");
        else if (seconds < MinPodCertificateSeconds)
            errors.Invalid(Spec.Child("maxExpirationSeconds"), seconds, $"must be in the range [{MinPodCertificateSeconds}, {MaxPodCertificateSeconds}]");
        else if (seconds > MaxPodCertificateSeconds)
            errors.Invalid(Spec.Child("maxExpirationSeconds"), seconds, $"must be in the range [{MinPodCertificateSeconds}, {MaxPodCertificateSeconds}]");
        Checks.Required(errors, spec, Spec, "stubPKCS10Request");
        if (old is not null)
            Checks.Immutable(errors, spec, old["spec"], Spec);
    }
}
