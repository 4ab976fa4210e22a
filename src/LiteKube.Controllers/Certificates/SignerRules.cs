using LiteKube.Apis.Certificates;

namespace LiteKube.Controllers.Certificates;

/// <summary>What Kubernetes' own signers sign (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers).</summary>
internal static class SignerRules
{
    public const string Client = "kubernetes.io/kube-apiserver-client";
    public const string KubeletClient = "kubernetes.io/kube-apiserver-client-kubelet";
    public const string KubeletServing = "kubernetes.io/kubelet-serving";
    public const string LegacyUnknown = "kubernetes.io/legacy-unknown";
    private const string NodeUserPrefix = "system:node:";
    private const string NodesGroup = "system:nodes";

    public static bool IsOurs(string signerName) => signerName is Client or KubeletClient or KubeletServing or LegacyUnknown;

    /// <summary>Null when the signer may sign it, else why not.</summary>
    public static string? Refusal(string signerName, SigningRequest request, IReadOnlyCollection<string> usages) => signerName switch
    {
        Client => ClientRefusal(usages),
        KubeletClient => KubeletClientRefusal(request, usages),
        KubeletServing => KubeletServingRefusal(request, usages),
        LegacyUnknown => null,
        _ => $"unrecognized signerName: \"{signerName}\"",
    };

    public static string? KubeletClientRefusal(SigningRequest request, IReadOnlyCollection<string> usages)
    {
        if (!request.Names.Organizations.SequenceEqual([NodesGroup]))
            return "subject organization is not system:nodes";
        var names = request.Alternatives;
        if (names.Dns.Count > 0)
            return "DNS subjectAltNames are not allowed";
        if (names.Emails.Count > 0)
            return "Email subjectAltNames are not allowed";
        if (names.Addresses.Count > 0)
            return "IP subjectAltNames are not allowed";
        if (names.Uris.Count > 0)
            return "URI subjectAltNames are not allowed";
        if (!request.Names.CommonName.StartsWith(NodeUserPrefix, StringComparison.Ordinal))
            return "subject common name does not begin with system:node:";
        return HasExactly(usages, KeyUsages.ClientAuth) ? null : $"usages did not match [{KeyUsages.ClientAuth} {KeyUsages.DigitalSignature} {KeyUsages.KeyEncipherment}]";
    }

    private static string? ClientRefusal(IReadOnlyCollection<string> usages)
    {
        foreach (var usage in usages)
        {
            if (usage is not (KeyUsages.DigitalSignature or KeyUsages.KeyEncipherment or KeyUsages.ClientAuth))
                return $"invalid usage for client certificate: {usage}";
        }
        return usages.Contains(KeyUsages.ClientAuth) ? null : $"missing required usage for client certificate: {KeyUsages.ClientAuth}";
    }

    private static string? KubeletServingRefusal(SigningRequest request, IReadOnlyCollection<string> usages)
    {
        if (!request.Names.Organizations.SequenceEqual([NodesGroup]))
            return "subject organization is not system:nodes";
        var names = request.Alternatives;
        if (names.Dns.Count == 0 && names.Addresses.Count == 0)
            return "DNS or IP subjectAltName is required";
        if (names.Emails.Count > 0)
            return "Email subjectAltNames are not allowed";
        if (names.Uris.Count > 0)
            return "URI subjectAltNames are not allowed";
        if (!HasExactly(usages, KeyUsages.ServerAuth))
            return $"usages did not match [{KeyUsages.DigitalSignature} {KeyUsages.KeyEncipherment} {KeyUsages.ServerAuth}]";
        return request.Names.CommonName.StartsWith(NodeUserPrefix, StringComparison.Ordinal) ? null : "subject common name does not begin with system:node:";
    }

    /// <summary>Key encipherment is for RSA keys; others come without it.</summary>
    private static bool HasExactly(IReadOnlyCollection<string> usages, string purpose)
    {
        var set = usages.ToHashSet(StringComparer.Ordinal);
        return set.SetEquals([KeyUsages.DigitalSignature, purpose]) || set.SetEquals([KeyUsages.DigitalSignature, KeyUsages.KeyEncipherment, purpose]);
    }
}
