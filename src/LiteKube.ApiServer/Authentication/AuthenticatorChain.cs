namespace LiteKube.ApiServer.Authentication;

/// <summary>Asks each way in turn: the first user counts, whatever the others say; wrong credentials are an error only when nothing proves a user.</summary>
public sealed class AuthenticatorChain(params IReadOnlyList<IAuthenticator> authenticators) : IAuthenticator
{
    public async ValueTask<UserInfo?> AuthenticateAsync(Credentials credentials, CancellationToken cancellationToken)
    {
        ApiException? refusal = null;
        foreach (var authenticator in authenticators)
        {
            try
            {
                if (await authenticator.AuthenticateAsync(credentials, cancellationToken) is { } user)
                    return user;
            }
            catch (ApiException e) when (e.Code == 401)
            {
                refusal = e;
            }
        }
        return refusal is null ? null : throw refusal;
    }
}
