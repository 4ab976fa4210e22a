using System.Text.RegularExpressions;

namespace LiteKube.Kubelet.Images;

/// <summary>Image names as container runtimes read them: a short name is one of docker.io, one without a tag is <c>latest</c>.</summary>
public static partial class ImageReference
{
    private const string Component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
    private const int LongestName = 255;

    [GeneratedRegex("^(?<name>(?:(?<domain>(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?|\\[[a-fA-F0-9:]+\\](?::[0-9]+)?)/)?(?<path>" + Component + "(?:/" + Component + ")*))(?::(?<tag>[\\w][\\w.-]{0,127}))?(?:@(?<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();

    /// <summary>The full name: <c>busybox</c> is <c>docker.io/library/busybox:latest</c>. A name with a digest loses its tag, as the runtime keeps it.</summary>
    public static bool TryNormalize(string text, out string name)
    {
        name = "";
        if (Parse(text) is not { } parts)
            return false;
        name = parts.Domain + "/" + parts.Path + (parts.Digest.Length > 0 ? "@" + parts.Digest : ":" + (parts.Tag.Length > 0 ? parts.Tag : "latest"));
        return true;
    }

    /// <summary>The name to ask the runtime for: as written, with the tag <c>latest</c> when it has neither tag nor digest.</summary>
    /// <param name="error">Kubernetes' words for what is wrong: "invalid reference format".</param>
    public static bool TryWithDefaultTag(string text, out string name, out string error)
    {
        name = text;
        error = "";
        if (Parse(text) is not { } parts)
        {
            error = Pattern().IsMatch(text.ToLowerInvariant()) && text.Any(char.IsAsciiLetterUpper)
                ? "invalid reference format: repository name must be lowercase"
                : "invalid reference format";
            return false;
        }
        if (parts.Tag.Length == 0 && parts.Digest.Length == 0)
            name = text + ":latest";
        return true;
    }

    /// <summary>The registry that an image comes from: "docker.io", "registry.k8s.io", "localhost:32000".</summary>
    public static string? RegistryOf(string text) => Parse(text)?.Domain;

    /// <summary>Registry and repository, without tag and digest: what pull secrets are matched with.</summary>
    public static string? RepositoryOf(string text) => Parse(text) is { } parts ? parts.Domain + "/" + parts.Path : null;

    private sealed record Parts(string Domain, string Path, string Tag, string Digest);

    private static Parts? Parse(string text)
    {
        var match = Pattern().Match(text);
        if (!match.Success || match.Groups["name"].Length > LongestName)
            return null;
        var domain = match.Groups["domain"].Value;
        var path = match.Groups["path"].Value;
        // "library/busybox" names a repository, "localhost/x", "host:5000/x" and "ghcr.io/x" a registry.
        if (domain.Length > 0 && domain != "localhost" && domain.IndexOfAny(['.', ':']) < 0 && domain.Equals(domain.ToLowerInvariant(), StringComparison.Ordinal))
        {
            path = domain + "/" + path;
            domain = "";
        }
        if (domain.Length == 0 || domain == "index.docker.io")
            domain = "docker.io";
        if (domain == "docker.io" && !path.Contains('/', StringComparison.Ordinal))
            path = "library/" + path;
        return new Parts(domain, path, match.Groups["tag"].Value, match.Groups["digest"].Value);
    }
}
