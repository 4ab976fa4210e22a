namespace LiteKube.ApiServer.Endpoints;

/// <summary>Reads what a request asks for from its path and method, as apiserver's RequestInfoFactory does.</summary>
internal static class RequestInfoParser
{
    private const int MaxSegments = 64;

    /// <param name="path">Decoded, without the query.</param>
    public static RequestInfo Parse(string method, string path, QueryParameters query)
    {
        Span<Range> ranges = stackalloc Range[MaxSegments];
        var text = path.AsSpan();
        var trimmed = text.Trim('/');
        var count = trimmed.Length == 0 ? 0 : trimmed.Split(ranges, '/');
        if (count < 3) return NonResource(method, path);
        var isCore = trimmed[ranges[0]] is "api";
        if (!isCore && trimmed[ranges[0]] is not "apis") return NonResource(method, path);
        var at = 1;
        var group = "";
        if (!isCore)
        {
            if (count < 4) return NonResource(method, path);
            group = trimmed[ranges[at++]].ToString();
        }
        var version = trimmed[ranges[at++]].ToString();
        var verb = VerbOf(method);
        if (at < count && trimmed[ranges[at]] is "watch" && count > at + 1)
        {
            verb = "watch";
            at++;
        }
        var ns = "";
        if (trimmed[ranges[at]] is "namespaces" && count > at + 1)
        {
            ns = trimmed[ranges[at + 1]].ToString();
            // namespaces/NAME[/status|/finalize] is about the namespace itself.
            if (count > at + 2 && trimmed[ranges[at + 2]] is not ("status" or "finalize")) at += 2;
        }
        var resource = trimmed[ranges[at++]].ToString();
        var name = at < count ? trimmed[ranges[at++]].ToString() : "";
        var subresource = at < count ? trimmed[ranges[at++]].ToString() : "";
        if (name.Length == 0) verb = CollectionVerb(verb, query, ref name);
        return new RequestInfo
        {
            Verb = verb,
            Path = path,
            IsResourceRequest = true,
            Group = group,
            Version = version,
            Resource = resource,
            Subresource = subresource,
            Namespace = ns,
            Name = name,
            FieldSelector = verb is "list" or "watch" or "deletecollection" ? query.Get("fieldSelector") ?? "" : "",
        };
    }

    /// <summary>The part of a proxy request's path after the subresource, with its leading slash; empty when there is none.</summary>
    public static string PathAfterSubresource(string rawPath, RequestInfo info)
    {
        var segments = 2 + (info.Group.Length > 0 ? 1 : 0) + (info.Namespace.Length > 0 && info.Resource != "namespaces" ? 2 : 0) + 3;
        var at = 0;
        for (var i = 0; i < segments; i++)
        {
            at = rawPath.IndexOf('/', at + 1);
            if (at < 0) return "";
        }
        return rawPath[at..];
    }

    private static RequestInfo NonResource(string method, string path) => new()
    {
        Verb = method switch { "GET" => "get", "POST" => "post", "PUT" => "put", "DELETE" => "delete", "PATCH" => "patch", "HEAD" => "head", _ => method.ToLowerInvariant() },
        Path = path,
    };

    private static string VerbOf(string method) => method switch
    {
        "POST" => "create",
        "GET" or "HEAD" => "get",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    };

    /// <summary>A get of a collection is a list or a watch; one that a field selector narrows to one name is authorized for that name.</summary>
    private static string CollectionVerb(string verb, QueryParameters query, ref string name)
    {
        if (verb == "delete") verb = "deletecollection";
        else if (verb == "get") verb = query.Flag("watch") ? "watch" : "list";
        if (verb is "list" or "watch" or "deletecollection" && query.Get("fieldSelector") is { } selector)
        {
            foreach (var range in selector.AsSpan().Split(','))
            {
                if (selector.AsSpan(range) is ['m', 'e', 't', 'a', 'd', 'a', 't', 'a', '.', 'n', 'a', 'm', 'e', '=', .. var value] && !value.StartsWith('!'))
                    name = value.TrimStart('=').ToString();
            }
        }
        return verb;
    }
}
