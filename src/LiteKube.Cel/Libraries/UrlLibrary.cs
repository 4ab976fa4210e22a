using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>url(), isURL() and the parts of a URL.</summary>
internal static class UrlLibrary
{
    public static CelLibrary Create() => new("kubernetes.urls",
    [
        Function("url", Global("string_to_url", [CelType.String], GoUrl.UrlType, args =>
            GoUrl.TryParse(args[0].AsString, out var url, out var error) ? CelValue.Object(url) : CelValue.Error($"URL parse error during conversion from string: {error}"))),
        Function("isURL", Global("is_url_string", [CelType.String], CelType.Bool, args => CelValue.Bool(GoUrl.TryParse(args[0].AsString, out _, out _)))),
        Part("getScheme", "url_get_scheme", u => u.Scheme),
        Part("getHost", "url_get_host", u => u.Host),
        Part("getHostname", "url_get_hostname", u => u.Hostname),
        Part("getPort", "url_get_port", u => u.Port),
        Part("getEscapedPath", "url_get_escaped_path", u => u.EscapedPath),
        Function("getQuery", Member("url_get_query", [GoUrl.UrlType], CelType.Map(CelType.String, StringList), args => ((GoUrl)args[0].AsObject).Query())),
    ], types: [GoUrl.UrlType]);

    private static CelFunction Part(string name, string id, Func<GoUrl, string> read) =>
        Function(name, Member(id, [GoUrl.UrlType], CelType.String, args => CelValue.String(read((GoUrl)args[0].AsObject))));
}
