using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LiteKube.ApiServer.Certificates;

namespace LiteKube.ApiServer.Authentication;

/// <summary>
/// Users by client certificate (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates):
/// signed by the cluster's authority for client use, the common name is the user, each organization a group.
/// </summary>
public sealed class ClientCertificateAuthenticator(X509Certificate2 authority, TimeProvider time) : IAuthenticator
{
    private const int MaxCached = 4096;
    private const string CommonNameOid = "2.5.4.3";
    private const string OrganizationOid = "2.5.4.10";

    // Building a chain costs about a millisecond; a connection presents the same certificate with each request.
    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    public ValueTask<UserInfo?> AuthenticateAsync(Credentials credentials, CancellationToken cancellationToken)
    {
        if (credentials.ClientCertificate is not { } certificate)
            return ValueTask.FromResult<UserInfo?>(null);
        var now = time.GetUtcNow();
        var fingerprint = certificate.GetCertHashString(HashAlgorithmName.SHA256);
        if (!_known.TryGetValue(fingerprint, out var known))
        {
            if (ChainVerifier.Verify(certificate, authority, now, CertificateIssuer.ClientAuthOid) is not null)
                throw ApiException.Unauthorized();
            known = new(UserOf(certificate, fingerprint), certificate.NotBefore, certificate.NotAfter);
            if (_known.Count >= MaxCached)
                _known.Clear();
            _known[fingerprint] = known;
        }
        if (now < known.NotBefore || now > known.NotAfter)
            throw ApiException.Unauthorized();
        return ValueTask.FromResult(known.User);
    }

    private static UserInfo? UserOf(X509Certificate2 certificate, string fingerprint)
    {
        var name = "";
        var groups = new List<string>();
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false))
        {
            if (part.HasMultipleElements)
                continue;
            var (oid, value) = (part.GetSingleElementType().Value, part.GetSingleElementValue());
            if (oid == CommonNameOid && value is not null)
                name = value;
            else if (oid == OrganizationOid && value is not null)
                groups.Add(value);
        }
        if (name.Length == 0)
            return null;
        groups.Add(UserInfo.AuthenticatedGroup);
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
        {
            ["authentication.kubernetes.io/credential-id"] = ["X509SHA256=" + fingerprint.ToLowerInvariant()],
        };
        return new(name, groups, "", extra);
    }

    private sealed record Known(UserInfo? User, DateTimeOffset NotBefore, DateTimeOffset NotAfter);
}
