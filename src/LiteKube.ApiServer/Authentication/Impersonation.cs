using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Authentication;

/// <param name="Constraint">The verb by which it was allowed, of a constrained impersonation; "" of one by the verb impersonate.</param>
internal readonly record struct ImpersonationResult(UserInfo User, string Constraint);

/// <summary>
/// Impersonate-* headers (https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/): each thing asked
/// for needs the verb impersonate. Or, constrained to what the request does (https://kep.k8s.io/5284): the verb
/// impersonate:MODE on each thing and impersonate-on:MODE:VERB on what the request is about. The constrained modes are
/// asked first.
/// </summary>
internal static class Impersonation
{
    private const string UserHeader = "Impersonate-User";
    private const string UidHeader = "Impersonate-Uid";
    private const string GroupHeader = "Impersonate-Group";
    private const string ExtraPrefix = "Impersonate-Extra-";
    private const string AuthenticationGroup = "authentication.k8s.io";
    private const string NodeUserPrefix = "system:node:";
    private const string NodeNameKey = "authentication.kubernetes.io/node-name";

    /// <summary>From so many on, one question for all of them is asked first.</summary>
    private const int ManyChecks = 4;

    /// <summary>Who is asked for, as the headers say it.</summary>
    private sealed record Wanted(string Name, string Uid, IReadOnlyList<string> Groups, IReadOnlyDictionary<string, IReadOnlyList<string>> Extra)
    {
        public bool IsNameAlone => Uid.Length == 0 && Groups.Count == 0 && Extra.Count == 0;
        public string? NodeName => Name.StartsWith(NodeUserPrefix, StringComparison.Ordinal) && NameRules.CheckDns1123Subdomain(Name[NodeUserPrefix.Length..]) is null ? Name[NodeUserPrefix.Length..] : null;
        public bool IsServiceAccount => ServiceAccountNames.TryParse(Name, out _, out _);
    }

    /// <summary>The user as whom the request goes on: the same one when it asks for nobody else.</summary>
    /// <param name="request">What is to be done as that user.</param>
    /// <exception cref="ApiException">403 when the user may not.</exception>
    public static ImpersonationResult Apply(UserInfo user, IHeaderDictionary headers, RequestInfo request, IAuthorizer authorizer)
    {
        if (Read(headers) is not { } wanted)
            return new(user, "");
        ApiException? first = null;
        foreach (var mode in (ReadOnlySpan<string>)["associated-node", "arbitrary-node", "serviceaccount", "user-info", ""])
        {
            if (!Applies(mode, user, wanted))
                continue;
            try
            {
                return mode.Length == 0 ? new(Authorize("impersonate", user, wanted, authorizer, isConstrained: false), "") : Constrained(mode, user, wanted, request, authorizer);
            }
            catch (ApiException exception) when (exception.Code == 403)
            {
                first ??= exception;
            }
        }
        throw first!;
    }

    private static Wanted? Read(IHeaderDictionary headers)
    {
        var (name, uid) = (headers[UserHeader].ToString(), headers[UidHeader].ToString());
        var groups = headers[GroupHeader].OfType<string>().ToList();
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var (header, values) in headers)
        {
            if (header.StartsWith(ExtraPrefix, StringComparison.OrdinalIgnoreCase))
                extra[Uri.UnescapeDataString(header[ExtraPrefix.Length..].ToLowerInvariant())] = [.. values.OfType<string>()];
        }
        if (name.Length > 0)
            return new(name, uid, groups, extra);
        return groups.Count == 0 && extra.Count == 0 && uid.Length == 0 ? null : throw ApiException.BadRequest("requested impersonation of a group, uid or extra without impersonating a user name");
    }

    private static bool Applies(string mode, UserInfo user, Wanted wanted) => mode switch
    {
        // A node agent as its own node: what its token says of where it runs.
        "associated-node" => wanted is { IsNameAlone: true, NodeName: { } node } && ServiceAccountNames.TryParse(user.Name, out _, out _)
            && user.Extra?.GetValueOrDefault(NodeNameKey) is [var own] && own == node,
        "arbitrary-node" => wanted is { IsNameAlone: true, NodeName: not null },
        "serviceaccount" => wanted is { IsNameAlone: true, IsServiceAccount: true },
        "user-info" => wanted is { NodeName: null, IsServiceAccount: false },
        _ => true,
    };

    private static ImpersonationResult Constrained(string mode, UserInfo user, Wanted wanted, RequestInfo request, IAuthorizer authorizer)
    {
        var asks = mode != "associated-node" ? user : user with
        {
            // The association has been checked; which node it is makes no difference to whether it is allowed.
            Extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { ["authentication.kubernetes.io/associated-node-keys"] = [.. (user.Extra?.Keys ?? []).Order(StringComparer.Ordinal)] },
        };
        Check(asks, authorizer, request with { Verb = $"impersonate-on:{mode}:{request.Verb}" });
        var verb = "impersonate:" + mode;
        return new(Authorize(verb, asks, wanted, authorizer, isConstrained: true), verb);
    }

    private static UserInfo Authorize(string verb, UserInfo user, Wanted wanted, IAuthorizer authorizer, bool isConstrained)
    {
        var (group, version) = isConstrained ? (AuthenticationGroup, "v1") : ("", "v1");
        var groups = wanted.Groups.ToList();
        if (ServiceAccountNames.TryParse(wanted.Name, out var ns, out var account))
        {
            Check(user, authorizer, On(verb, group, version, "serviceaccounts", account) with { Namespace = ns });
            if (groups.Count == 0)
                groups.AddRange(ServiceAccountNames.Groups(ns));
        }
        else if (isConstrained && wanted.NodeName is { } node)
        {
            Check(user, authorizer, On(verb, group, version, "nodes", verb == "impersonate:associated-node" ? "*" : node));
            groups = [UserInfo.NodesGroup];
        }
        else
        {
            Check(user, authorizer, On(verb, group, version, "users", wanted.Name));
        }
        if (wanted.Uid.Length > 0)
            Check(user, authorizer, On(verb, AuthenticationGroup, "v1", "uids", wanted.Uid));
        CheckGroups(user, wanted.Groups, authorizer, On(verb, group, version, "groups", ""), isConstrained);
        CheckExtra(user, wanted.Extra, authorizer, On(verb, AuthenticationGroup, "v1", "userextras", ""), isConstrained);

        if (wanted.Name == UserInfo.Anonymous.Name)
            Ensure(groups, UserInfo.UnauthenticatedGroup);
        else if (!groups.Contains(UserInfo.UnauthenticatedGroup))
            Ensure(groups, UserInfo.AuthenticatedGroup);
        return new(wanted.Name, groups, wanted.Uid, wanted.Extra.Count > 0 ? wanted.Extra : null);
    }

    private static void CheckGroups(UserInfo user, IReadOnlyList<string> groups, IAuthorizer authorizer, RequestInfo on, bool isConstrained)
    {
        if (isConstrained && groups.Contains(""))
            throw ForbiddenStatus.For(user, on, "impersonating the empty string group is not allowed");
        if (isConstrained && groups.Contains(UserInfo.MastersGroup))
            throw ForbiddenStatus.For(user, on with { Name = UserInfo.MastersGroup }, "impersonating the system:masters group is not allowed");
        if (isConstrained && groups.Count >= ManyChecks && authorizer.Authorize(user, on with { Name = "*" }).Allowed)
            return;
        foreach (var group in groups)
            Check(user, authorizer, on with { Name = group });
    }

    private static void CheckExtra(UserInfo user, IReadOnlyDictionary<string, IReadOnlyList<string>> extra, IAuthorizer authorizer, RequestInfo on, bool isConstrained)
    {
        if (isConstrained && ExtraProblem(extra) is { } problem)
            throw ForbiddenStatus.For(user, on, problem);
        if (isConstrained && extra.Sum(e => Math.Max(1, e.Value.Count)) >= ManyChecks && authorizer.Authorize(user, on with { Subresource = "*", Name = "*" }).Allowed)
            return;
        foreach (var (key, values) in extra)
        {
            foreach (var value in values)
                Check(user, authorizer, on with { Subresource = key, Name = value });
        }
    }

    private static string? ExtraProblem(IReadOnlyDictionary<string, IReadOnlyList<string>> extra)
    {
        foreach (var (key, values) in extra)
        {
            var slash = key.IndexOf('/', StringComparison.Ordinal);
            if (key.Length == 0)
                return "impersonating the empty string key in extra is not allowed";
            if (slash <= 0 || slash == key.Length - 1 || NameRules.CheckDns1123Subdomain(key[..slash]) is not null)
                return $"impersonating an invalid key in extra is not allowed: extra.key: Invalid value: \"{key}\": must be a domain-prefixed path (such as \"acme.io/foo\")";
            if (values.Count == 0)
                return "impersonating empty values in extra is not allowed";
            if (values.Contains(""))
                return "impersonating the empty string value in extra is not allowed";
        }
        return null;
    }

    private static RequestInfo On(string verb, string group, string version, string resource, string name) =>
        new() { Verb = verb, Path = "", IsResourceRequest = true, Group = group, Version = version, Resource = resource, Name = name };

    private static void Check(UserInfo user, IAuthorizer authorizer, RequestInfo request)
    {
        var decision = authorizer.Authorize(user, request);
        if (!decision.Allowed)
            throw ForbiddenStatus.For(user, request, decision.Reason);
    }

    private static void Ensure(List<string> groups, string group)
    {
        if (!groups.Contains(group))
            groups.Add(group);
    }
}
