using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LiteKube.ApiServer.Certificates;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Authentication;

/// <summary>
/// Users whom a front proxy has authenticated (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy):
/// the headers are believed when they come with a client certificate of the front proxy's authority and an allowed name.
/// </summary>
/// <param name="allowedNames">Common names of the proxies.</param>
public sealed class RequestHeaderAuthenticator(X509Certificate2 authority, IReadOnlyList<string> allowedNames, TimeProvider time) : IAuthenticator
{
    public const string UserHeader = "X-Remote-User";
    public const string UidHeader = "X-Remote-Uid";
    public const string GroupHeader = "X-Remote-Group";
    public const string ExtraPrefix = "X-Remote-Extra-";

    /// <summary>The common name of the certificate with which this server itself asks others.</summary>
    public const string OwnName = "front-proxy-client";

    private const int MaxCached = 256;

    // Building a chain costs about a millisecond; a proxy shows the same certificate with each request.
    private readonly ConcurrentDictionary<string, (DateTimeOffset NotBefore, DateTimeOffset NotAfter)> _known = new(StringComparer.Ordinal);

    public ValueTask<UserInfo?> AuthenticateAsync(Credentials credentials, CancellationToken cancellationToken)
    {
        // The header first: it is what almost no request has.
        if (credentials.Headers is not { } headers || credentials.ClientCertificate is not { } certificate || headers[UserHeader] is not [{ Length: > 0 } name, ..])
            return ValueTask.FromResult<UserInfo?>(null);
        // Another authority's certificate is not wrong: it may prove a user by itself.
        if (!IsProxy(certificate)) return ValueTask.FromResult<UserInfo?>(null);
        var user = new UserInfo(name, Groups(name, headers), headers[UidHeader] is [{ } uid, ..] ? uid : "", Extra(headers));
        Clear(headers);
        return ValueTask.FromResult<UserInfo?>(user);
    }

    private bool IsProxy(X509Certificate2 certificate)
    {
        var now = time.GetUtcNow();
        var fingerprint = certificate.GetCertHashString(HashAlgorithmName.SHA256);
        if (_known.TryGetValue(fingerprint, out var known)) return now >= known.NotBefore && now <= known.NotAfter;
        if (ChainVerifier.Verify(certificate, authority, now, CertificateIssuer.ClientAuthOid) is not null) return false;
        if (!allowedNames.Contains(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false))) return false;
        if (_known.Count >= MaxCached) _known.Clear();
        _known[fingerprint] = (certificate.NotBefore, certificate.NotAfter);
        return true;
    }

    private static List<string> Groups(string name, IHeaderDictionary headers)
    {
        var groups = headers[GroupHeader].OfType<string>().Where(g => g.Length > 0).ToList();
        if (name != UserInfo.Anonymous.Name && !groups.Contains(UserInfo.AuthenticatedGroup) && !groups.Contains(UserInfo.UnauthenticatedGroup)) groups.Add(UserInfo.AuthenticatedGroup);
        return groups;
    }

    private static Dictionary<string, IReadOnlyList<string>>? Extra(IHeaderDictionary headers)
    {
        Dictionary<string, IReadOnlyList<string>>? extra = null;
        foreach (var (name, values) in headers)
        {
            if (!name.StartsWith(ExtraPrefix, StringComparison.OrdinalIgnoreCase)) continue;
            extra ??= new(StringComparer.Ordinal);
            extra[Uri.UnescapeDataString(name[ExtraPrefix.Length..].ToLowerInvariant())] = [.. values.OfType<string>()];
        }
        return extra;
    }

    /// <summary>They have done their work; whoever the request is passed on to must not take them for its own.</summary>
    private static void Clear(IHeaderDictionary headers)
    {
        foreach (var name in headers.Keys.Where(k => k.StartsWith(ExtraPrefix, StringComparison.OrdinalIgnoreCase)).ToList()) headers.Remove(name);
        headers.Remove(UserHeader);
        headers.Remove(UidHeader);
        headers.Remove(GroupHeader);
    }
}
