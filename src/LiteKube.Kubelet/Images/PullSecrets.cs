using System.Text;
using System.Text.Json;
using k8s.Models;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Environment;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Images;

/// <summary>Registry credentials out of a pod's imagePullSecrets (https://kubernetes.io/docs/concepts/containers/images/#config-json).</summary>
internal sealed class PullSecrets(IPodObjects objects, ILogger<PullSecrets> logger)
{
    /// <summary>Those that fit the image, the most specific first. A missing secret is no error: another may do.</summary>
    public async Task<IReadOnlyList<AuthConfig>> FindAsync(V1Pod pod, string image, CancellationToken cancellationToken)
    {
        var found = new List<(string Pattern, AuthConfig Auth)>();
        foreach (var reference in pod.Spec.ImagePullSecrets ?? [])
        {
            if (string.IsNullOrEmpty(reference.Name))
                continue;
            if (await objects.FindSecretAsync(pod.Metadata.NamespaceProperty, reference.Name, cancellationToken) is not { } secret)
            {
                PullLog.SecretMissing(logger, pod.Metadata.NamespaceProperty, reference.Name);
                continue;
            }
            try
            {
                found.AddRange(Read(secret));
            }
            catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
            {
                PullLog.SecretUnreadable(logger, pod.Metadata.NamespaceProperty, reference.Name, exception.Message);
            }
        }
        var repository = ImageReference.RepositoryOf(image) ?? image;
        return [.. found.Where(f => Matches(f.Pattern, repository)).OrderByDescending(f => f.Pattern.Length).Select(f => f.Auth)];
    }

    internal static IEnumerable<(string Pattern, AuthConfig Auth)> Read(V1Secret secret)
    {
        if (secret.Data is null)
            return [];
        if (secret.Type == "kubernetes.io/dockerconfigjson" && secret.Data.TryGetValue(".dockerconfigjson", out var config))
        {
            using var document = JsonDocument.Parse(config);
            return document.RootElement.TryGetProperty("auths", out var auths) ? ReadAuths(auths) : [];
        }
        if (secret.Type == "kubernetes.io/dockercfg" && secret.Data.TryGetValue(".dockercfg", out var legacy))
        {
            using var document = JsonDocument.Parse(legacy);
            return ReadAuths(document.RootElement);
        }
        return [];
    }

    /// <summary>Host with wildcards per label, optional path prefix: "*.example.com/team".</summary>
    internal static bool Matches(string pattern, string repository)
    {
        var slash = pattern.IndexOf('/', StringComparison.Ordinal);
        var host = slash < 0 ? pattern : pattern[..slash];
        var path = slash < 0 ? "" : pattern[(slash + 1)..].Trim('/');
        if (host is "index.docker.io" or "registry-1.docker.io")
        {
            host = "docker.io";
            path = path is "v1" or "v2" ? "" : path;
        }
        var at = repository.IndexOf('/', StringComparison.Ordinal);
        var imageHost = repository[..at].Split('.');
        var labels = host.Split('.');
        if (labels.Length != imageHost.Length || !labels.Zip(imageHost).All(p => p.First == "*" || p.First == p.Second))
            return false;
        var imagePath = repository[(at + 1)..];
        return path.Length == 0 || imagePath == path || imagePath.StartsWith(path + "/", StringComparison.Ordinal);
    }

    private static List<(string, AuthConfig)> ReadAuths(JsonElement auths)
    {
        var result = new List<(string, AuthConfig)>();
        foreach (var entry in auths.EnumerateObject())
        {
            var server = entry.Name;
            foreach (var scheme in (string[])["https://", "http://"])
                server = server.StartsWith(scheme, StringComparison.Ordinal) ? server[scheme.Length..] : server;
            var auth = new AuthConfig
            {
                Username = Text(entry.Value, "username"),
                Password = Text(entry.Value, "password"),
                IdentityToken = Text(entry.Value, "identitytoken"),
                RegistryToken = Text(entry.Value, "registrytoken"),
            };
            if (Text(entry.Value, "auth") is { Length: > 0 } encoded)
            {
                var pair = Encoding.UTF8.GetString(Convert.FromBase64String(encoded)).TrimEnd('\0').Split(':', 2);
                if (pair.Length == 2)
                    (auth.Username, auth.Password) = (pair[0], pair[1]);
            }
            result.Add((server.TrimEnd('/'), auth));
        }
        return result;
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
