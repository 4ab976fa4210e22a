using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authorization;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Matching;

/// <summary>Answers an expression's questions of what the user of a request, or a service account, may do.</summary>
internal sealed class RequestAuthorizer(IAuthorizer authorizer, UserInfo user) : ICelAuthorizer
{
    public CelAuthorizationDecision Authorize(CelAuthorizationAttributes attributes)
    {
        var asked = attributes.ServiceAccount is { } account ? new UserInfo(ServiceAccountNames.User(account.Namespace, account.Name), ServiceAccountNames.Groups(account.Namespace)) : user;
        var request = attributes.Path is { } path
            ? new RequestInfo { Verb = attributes.Verb, Path = path }
            : new RequestInfo
            {
                Verb = attributes.Verb,
                Path = "",
                IsResourceRequest = true,
                Group = attributes.Group,
                Version = "*",
                Resource = attributes.Resource,
                Subresource = attributes.Subresource,
                Namespace = attributes.Namespace,
                Name = attributes.Name,
                FieldSelector = attributes.FieldSelector,
            };
        var decision = authorizer.Authorize(asked, request);
        return new(decision.Allowed, decision.Reason);
    }
}
