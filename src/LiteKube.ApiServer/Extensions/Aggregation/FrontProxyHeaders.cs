using System.Text;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>
/// How this server tells an extension server who asks (https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#kubernetes-apiserver-client-authentication).
/// They are believed because of the certificate that is shown with them.
/// </summary>
internal static class FrontProxyHeaders
{
    // RFC 9110's token characters without "%", which is what the others are escaped with.
    private const string KeyCharacters = "!#$&'*+-.^_`|~";

    /// <summary>Whether a client's header must not reach an extension server: it would be believed there.</summary>
    public static bool Claims(string header) =>
        header.Equals(RequestHeaderAuthenticator.UserHeader, StringComparison.OrdinalIgnoreCase)
        || header.Equals(RequestHeaderAuthenticator.UidHeader, StringComparison.OrdinalIgnoreCase)
        || header.Equals(RequestHeaderAuthenticator.GroupHeader, StringComparison.OrdinalIgnoreCase)
        || header.StartsWith(RequestHeaderAuthenticator.ExtraPrefix, StringComparison.OrdinalIgnoreCase);

    /// <exception cref="ApiException">400: a name that no header can hold.</exception>
    public static IEnumerable<KeyValuePair<string, string>> Of(UserInfo user)
    {
        yield return new(RequestHeaderAuthenticator.UserHeader, Checked(user.Name));
        if (user.Uid.Length > 0) yield return new(RequestHeaderAuthenticator.UidHeader, Checked(user.Uid));
        foreach (var group in user.Groups) yield return new(RequestHeaderAuthenticator.GroupHeader, Checked(group));
        if (user.Extra is null) yield break;
        foreach (var (key, values) in user.Extra)
        {
            foreach (var value in values) yield return new(RequestHeaderAuthenticator.ExtraPrefix + Escape(key), Checked(value));
        }
    }

    private static string Checked(string value) => value.AsSpan().IndexOfAny('\r', '\n', '\0') < 0 ? value
        : throw ApiException.BadRequest("the user's name, groups or extra values hold a line break: no extension API server can be told of them");

    private static string Escape(string key)
    {
        var escaped = new StringBuilder(key.Length);
        foreach (var b in Encoding.UTF8.GetBytes(key))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || KeyCharacters.Contains((char)b, StringComparison.Ordinal)) escaped.Append((char)b);
            else escaped.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
        return escaped.ToString();
    }
}
