using System.Collections.Frozen;
using System.Security.Cryptography.X509Certificates;

namespace LiteKube.Apis.Certificates;

/// <summary>The words of spec.usages (https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/certificate-signing-request-v1/) and what they become in a certificate.</summary>
public static class KeyUsages
{
    public const string DigitalSignature = "digital signature";
    public const string KeyEncipherment = "key encipherment";
    public const string ServerAuth = "server auth";
    public const string ClientAuth = "client auth";

    private static readonly FrozenDictionary<string, X509KeyUsageFlags> Flags = new Dictionary<string, X509KeyUsageFlags>(StringComparer.Ordinal)
    {
        ["signing"] = X509KeyUsageFlags.DigitalSignature,
        [DigitalSignature] = X509KeyUsageFlags.DigitalSignature,
        ["content commitment"] = X509KeyUsageFlags.NonRepudiation,
        [KeyEncipherment] = X509KeyUsageFlags.KeyEncipherment,
        ["key agreement"] = X509KeyUsageFlags.KeyAgreement,
        ["data encipherment"] = X509KeyUsageFlags.DataEncipherment,
        ["cert sign"] = X509KeyUsageFlags.KeyCertSign,
        ["crl sign"] = X509KeyUsageFlags.CrlSign,
        ["encipher only"] = X509KeyUsageFlags.EncipherOnly,
        ["decipher only"] = X509KeyUsageFlags.DecipherOnly,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>In the order in which certificates list them.</summary>
    private static readonly (string Word, string Oid)[] Purposes =
    [
        ("any", "2.5.29.37.0"),
        (ServerAuth, "1.3.6.1.5.5.7.3.1"),
        (ClientAuth, "1.3.6.1.5.5.7.3.2"),
        ("code signing", "1.3.6.1.5.5.7.3.3"),
        ("email protection", "1.3.6.1.5.5.7.3.4"),
        ("s/mime", "1.3.6.1.5.5.7.3.4"),
        ("ipsec end system", "1.3.6.1.5.5.7.3.5"),
        ("ipsec tunnel", "1.3.6.1.5.5.7.3.6"),
        ("ipsec user", "1.3.6.1.5.5.7.3.7"),
        ("timestamping", "1.3.6.1.5.5.7.3.8"),
        ("ocsp signing", "1.3.6.1.5.5.7.3.9"),
        ("microsoft sgc", "1.3.6.1.4.1.311.10.3.3"),
        ("netscape sgc", "2.16.840.1.113730.4.1"),
    ];

    public static IReadOnlyList<string> All { get; } = [.. Flags.Keys.Concat(Purposes.Select(p => p.Word)).Order(StringComparer.Ordinal)];

    public static bool IsKnown(string usage) => Flags.ContainsKey(usage) || Purposes.Any(p => p.Word == usage);

    public static X509KeyUsageFlags FlagsOf(IEnumerable<string> usages) => usages.Aggregate(X509KeyUsageFlags.None, (flags, usage) => flags | Flags.GetValueOrDefault(usage));

    /// <summary>Object identifiers of extended key usages, each once.</summary>
    public static IReadOnlyList<string> PurposesOf(IEnumerable<string> usages)
    {
        var wanted = usages.ToHashSet(StringComparer.Ordinal);
        return [.. Purposes.Where(p => wanted.Contains(p.Word)).Select(p => p.Oid).Distinct()];
    }
}
