using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LiteKube.Apis.Certificates;
using LiteKube.ApiServer.Certificates;

namespace LiteKube.ApiServer.Authentication;

/// <summary>
/// Users by client certificate (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates):
/// signed by the cluster's authority for client use, the common name is the user, each organization a group; a uid may be named too.
/// </summary>
public sealed class ClientCertificateAuthenticator(X509Certificate2 authority, TimeProvider time) : IAuthenticator
{
    private const int MaxCached = 4096;

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
        SubjectNames subject;
        try
        {
            subject = SubjectNames.Read(certificate.SubjectName);
        }
        catch (CryptographicException)
        {
            throw ApiException.Unauthorized();
        }
        if (subject.CommonName.Length == 0)
            return null;
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
        {
            ["authentication.kubernetes.io/credential-id"] = ["X509SHA256=" + fingerprint.ToLowerInvariant()],
        };
        return new(subject.CommonName, [.. subject.Organizations, UserInfo.AuthenticatedGroup], subject.Uid, extra);
    }

    private sealed record Known(UserInfo? User, DateTimeOffset NotBefore, DateTimeOffset NotAfter);
}
