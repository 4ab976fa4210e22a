using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Authorization;

/// <summary>Members of system:masters may do everything; for the others each authorizer is asked and one yes is enough. Reasons of refusals are joined.</summary>
public sealed class AuthorizerChain(params IReadOnlyList<IAuthorizer> authorizers) : IAuthorizer
{
    public AuthorizationDecision Authorize(UserInfo user, RequestInfo request)
    {
        if (user.IsInGroup(UserInfo.MastersGroup))
            return AuthorizationDecision.Allow;
        var reasons = "";
        foreach (var authorizer in authorizers)
        {
            var decision = authorizer.Authorize(user, request);
            if (decision.Allowed)
                return decision;
            if (decision.Reason.Length > 0)
                reasons = reasons.Length == 0 ? decision.Reason : $"{reasons}\n{decision.Reason}";
        }
        return AuthorizationDecision.Deny(reasons);
    }
}
