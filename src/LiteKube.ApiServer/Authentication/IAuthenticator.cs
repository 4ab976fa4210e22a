using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Authentication;

/// <param name="ClientCertificate">As presented in the TLS handshake; not yet checked.</param>
/// <param name="BearerToken">From the Authorization header (or the WebSocket subprotocol form).</param>
/// <param name="Headers">The request's, in which a front proxy says for whom it asks; null: there are none.</param>
public readonly record struct Credentials(X509Certificate2? ClientCertificate, string? BearerToken, IHeaderDictionary? Headers = null);

public interface IAuthenticator
{
    /// <summary>The user, or null when these credentials prove nothing. Credentials that are given and wrong throw <see cref="ApiException"/> 401; none at all gives null (anonymous).</summary>
    ValueTask<UserInfo?> AuthenticateAsync(Credentials credentials, CancellationToken cancellationToken);
}
