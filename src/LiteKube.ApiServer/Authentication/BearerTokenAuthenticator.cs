namespace LiteKube.ApiServer.Authentication;

/// <summary>One kind of bearer token.</summary>
public interface ITokenAuthenticator
{
    /// <param name="audiences">For whom the token must be; one of them is enough.</param>
    /// <returns>The user, an error for a token of this kind that is no good, or <see cref="TokenResult.Unknown"/> for another kind's.</returns>
    ValueTask<TokenResult> AuthenticateTokenAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancellationToken);
}

/// <summary>Users by bearer token: each kind is asked in turn, the first user counts.</summary>
public sealed class BearerTokenAuthenticator(IReadOnlyList<string> apiAudiences, params IReadOnlyList<ITokenAuthenticator> kinds) : IAuthenticator, ITokenAuthenticator
{
    /// <summary>For whom a token must be that is to be good here.</summary>
    public IReadOnlyList<string> ApiAudiences { get; } = apiAudiences;

    public async ValueTask<UserInfo?> AuthenticateAsync(Credentials credentials, CancellationToken cancellationToken)
    {
        if (credentials.BearerToken is not { Length: > 0 } token)
            return null;
        return (await AuthenticateTokenAsync(token, ApiAudiences, cancellationToken)).User ?? throw ApiException.Unauthorized();
    }

    public async ValueTask<TokenResult> AuthenticateTokenAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancellationToken)
    {
        List<string>? errors = null;
        foreach (var kind in kinds)
        {
            var result = await kind.AuthenticateTokenAsync(token, audiences, cancellationToken);
            if (result.User is not null)
                return result;
            if (result.Error is { } error)
                (errors ??= []).Add(error);
        }
        return TokenResult.Fail(errors switch
        {
            null => "invalid bearer token",
            [var one] => one,
            _ => $"[{string.Join(", ", errors)}]",
        });
    }

    /// <summary>What a token that names no audience is good for: this server's own audiences, as far as they are asked for.</summary>
    internal static List<string> OwnAudiences(IReadOnlyList<string> apiAudiences, IReadOnlyList<string> asked) => [.. apiAudiences.Where(asked.Contains)];
}
