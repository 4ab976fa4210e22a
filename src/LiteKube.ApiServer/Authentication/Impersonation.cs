using LiteKube.ApiServer.Authorization;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Authentication;

/// <summary>Impersonate-* headers (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation): each thing asked for needs the verb impersonate.</summary>
public static class Impersonation
{
    private const string UserHeader = "Impersonate-User";
    private const string UidHeader = "Impersonate-Uid";
    private const string GroupHeader = "Impersonate-Group";
    private const string ExtraPrefix = "Impersonate-Extra-";
    private const string AuthenticationGroup = "authentication.k8s.io";

    /// <summary>The user as whom the request goes on: the same one when it asks for nobody else.</summary>
    /// <exception cref="ApiException">403 when the user may not.</exception>
    public static UserInfo Apply(UserInfo user, IHeaderDictionary headers, IAuthorizer authorizer)
    {
        var (name, uid) = (headers[UserHeader].ToString(), headers[UidHeader].ToString());
        var groups = headers[GroupHeader].OfType<string>().ToList();
        var extra = Extra(headers);
        if (name.Length == 0)
        {
            return groups.Count == 0 && extra.Count == 0 && uid.Length == 0 ? user
                : throw ApiException.Internal("requested impersonation of a group, uid or extra without impersonating a user");
        }

        if (ServiceAccountNames.TryParse(name, out var ns, out var account))
            Check(user, authorizer, new() { Verb = "impersonate", Path = "", IsResourceRequest = true, Resource = "serviceaccounts", Namespace = ns, Name = account });
        else
            Check(user, authorizer, new() { Verb = "impersonate", Path = "", IsResourceRequest = true, Resource = "users", Name = name });
        foreach (var group in groups)
            Check(user, authorizer, new() { Verb = "impersonate", Path = "", IsResourceRequest = true, Resource = "groups", Name = group });
        foreach (var (key, values) in extra)
        {
            foreach (var value in values)
                Check(user, authorizer, new() { Verb = "impersonate", Path = "", IsResourceRequest = true, Group = AuthenticationGroup, Version = "v1", Resource = "userextras", Subresource = key, Name = value });
        }
        if (uid.Length > 0)
            Check(user, authorizer, new() { Verb = "impersonate", Path = "", IsResourceRequest = true, Group = AuthenticationGroup, Version = "v1", Resource = "uids", Name = uid });

        if (ns is not null && groups.Count == 0)
            groups.AddRange(ServiceAccountNames.Groups(ns));
        var standard = name == UserInfo.Anonymous.Name ? UserInfo.UnauthenticatedGroup : UserInfo.AuthenticatedGroup;
        if (!groups.Contains(UserInfo.AuthenticatedGroup) && !groups.Contains(UserInfo.UnauthenticatedGroup))
            groups.Add(standard);
        return new(name, groups, uid, extra.Count > 0 ? extra : null);
    }

    private static void Check(UserInfo user, IAuthorizer authorizer, RequestInfo request)
    {
        var decision = authorizer.Authorize(user, request);
        if (!decision.Allowed)
            throw ForbiddenStatus.For(user, request, decision.Reason);
    }

    private static Dictionary<string, IReadOnlyList<string>> Extra(IHeaderDictionary headers)
    {
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var (name, values) in headers)
        {
            if (name.StartsWith(ExtraPrefix, StringComparison.OrdinalIgnoreCase))
                extra[Uri.UnescapeDataString(name[ExtraPrefix.Length..].ToLowerInvariant())] = [.. values.OfType<string>()];
        }
        return extra;
    }
}
