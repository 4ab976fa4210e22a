using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Authorization;

/// <summary>The Status of a request that is not allowed, in the words that kubectl prints.</summary>
public static class ForbiddenStatus
{
    public static ApiException For(UserInfo user, RequestInfo request, string reason = "")
    {
        var message = Describe(user, request);
        if (reason.Length > 0)
            message += ": " + reason;
        return request.IsResourceRequest
            ? ApiException.Forbidden(new GroupResource(request.Group, request.Resource), request.Name, message)
            : new ApiException(403, "Forbidden", "forbidden: " + message, new JsonObject());
    }

    private static string Describe(UserInfo user, RequestInfo request)
    {
        if (!request.IsResourceRequest)
            return $"User \"{user.Name}\" cannot {request.Verb} path \"{request.Path}\"";
        var resource = request.Subresource.Length > 0 ? $"{request.Resource}/{request.Subresource}" : request.Resource;
        var scope = request.Namespace.Length > 0 ? $"in the namespace \"{request.Namespace}\"" : "at the cluster scope";
        return $"User \"{user.Name}\" cannot {request.Verb} resource \"{resource}\" in API group \"{request.Group}\" {scope}";
    }
}
