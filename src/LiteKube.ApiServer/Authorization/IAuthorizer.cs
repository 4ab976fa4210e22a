using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Authorization;

/// <param name="Reason">Appended to the Forbidden message where the authorizer has more to say.</param>
public readonly record struct AuthorizationDecision(bool Allowed, string Reason = "")
{
    public static readonly AuthorizationDecision Allow = new(true);
    public static AuthorizationDecision Deny(string reason = "") => new(false, reason);
}

public interface IAuthorizer
{
    AuthorizationDecision Authorize(UserInfo user, RequestInfo request);
}
