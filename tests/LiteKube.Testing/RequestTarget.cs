using System.Reflection;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;

namespace LiteKube.Testing;

/// <summary>What a path means: /api/v1/namespaces/default/pods/a/status?labelSelector=b%3Dc.</summary>
internal sealed record RequestTarget(string Group, string Version, string Resource, string? Namespace, string? Name, string? Subresource)
{
    public IReadOnlyDictionary<string, string> Query { get; private init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";
    public string GroupResource => Group.Length == 0 ? Resource : $"{Resource}.{Group}";

    /// <summary>All objects of the kind, or of the kind in one namespace.</summary>
    public string Prefix => Namespace is null ? $"{Group}/{Resource}/" : $"{Group}/{Resource}/{Namespace}/";

    public string Key => $"{Group}/{Resource}/{Namespace}/{Name}";

    public static RequestTarget Of<T>(string? ns, string? name) where T : IKubernetesObject<V1ObjectMeta>
    {
        var entity = Entity<T>();
        return new RequestTarget(entity.Group ?? "", entity.ApiVersion, entity.PluralName, string.IsNullOrEmpty(ns) ? null : ns, name, null);
    }

    public static string KindOf<T>() => Entity<T>().Kind;

    public static RequestTarget Parse(string pathAndQuery)
    {
        var query = new Dictionary<string, string>(StringComparer.Ordinal);
        var mark = pathAndQuery.IndexOf('?', StringComparison.Ordinal);
        if (mark >= 0)
        {
            foreach (var pair in pathAndQuery[(mark + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                var equals = pair.IndexOf('=', StringComparison.Ordinal);
                query[equals < 0 ? pair : pair[..equals]] = equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]);
            }
            pathAndQuery = pathAndQuery[..mark];
        }
        var parts = pathAndQuery.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString).ToArray();
        var (group, version, rest) = parts[0] == "api" ? ("", parts[1], parts[2..]) : (parts[1], parts[2], parts[3..]);
        string? ns = null;
        if (rest is ["namespaces", _, not ("status" or "finalize"), ..])
            (ns, rest) = (rest[1], rest[2..]);
        return new RequestTarget(group, version, rest[0], ns, rest.ElementAtOrDefault(1), rest.ElementAtOrDefault(2)) { Query = query };
    }

    public bool Selects(JsonObject node) =>
        MatchesAll(Query.GetValueOrDefault("fieldSelector"), field => Field(node, field))
        && MatchesAll(Query.GetValueOrDefault("labelSelector"), label => (node["metadata"]?["labels"] as JsonObject)?[label]?.GetValue<string>());

    /// <summary>Equality, inequality and existence; what the components under test use.</summary>
    private static bool MatchesAll(string? selector, Func<string, string?> read)
    {
        if (string.IsNullOrEmpty(selector))
            return true;
        foreach (var term in selector.Split(','))
        {
            var (name, op, wanted) = Split(term);
            var actual = read(name);
            var matches = op switch
            {
                "=" => (actual ?? "") == wanted && (actual is not null || wanted.Length == 0),
                "!=" => actual != wanted,
                "!" => actual is null,
                _ => actual is not null,
            };
            if (!matches)
                return false;
        }
        return true;
    }

    private static (string Name, string Op, string Value) Split(string term)
    {
        if (term.Contains(" in ", StringComparison.Ordinal) || term.Contains(" notin ", StringComparison.Ordinal))
            throw new NotSupportedException($"the in-memory server does not know set selectors: {term}");
        foreach (var op in (string[])["!=", "==", "="])
        {
            var at = term.IndexOf(op, StringComparison.Ordinal);
            if (at >= 0)
                return (term[..at].Trim(), op == "==" ? "=" : op, term[(at + op.Length)..].Trim());
        }
        return term.StartsWith('!') ? (term[1..].Trim(), "!", "") : (term.Trim(), "", "");
    }

    private static string? Field(JsonObject node, string path)
    {
        JsonNode? value = node;
        foreach (var part in path.Split('.'))
            value = (value as JsonObject)?[part];
        return value?.ToString();
    }

    private static KubernetesEntityAttribute Entity<T>() => typeof(T).GetCustomAttribute<KubernetesEntityAttribute>()!;
}
