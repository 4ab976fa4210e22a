using System.Text.Json;
using LiteKube.Client;

namespace LiteKube.Controllers.Common;

/// <summary>Reads what the API server serves (https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api).</summary>
internal static class ApiDiscovery
{
    /// <summary>Every resource once, in its group's preferred version or, where that lacks it, in the next one.</summary>
    /// <exception cref="KubeApiException">The list of groups itself could not be read.</exception>
    public static async Task<DiscoveryResult> ReadAsync(IKubeTransport transport, CancellationToken cancellationToken)
    {
        var resources = new List<DiscoveredResource>();
        var failures = new Dictionary<string, string>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var groups = new List<(string Group, List<string> Versions)> { ("", ["v1"]) };
        groups.AddRange(ReadGroups(await transport.GetAsync("/apis", cancellationToken)));
        foreach (var (group, versions) in groups)
        {
            foreach (var version in versions)
            {
                try
                {
                    var body = await transport.GetAsync(Path(group, version), cancellationToken);
                    resources.AddRange(ReadResources(group, version, body).Where(r => !r.Resource.Contains('/', StringComparison.Ordinal) && seen.Add(r.GroupResource)));
                }
                // Withdrawn between the two answers.
                catch (KubeApiException e) when (e.IsNotFound && group.Length > 0)
                {
                    continue;
                }
                // One server that is down must not hide what the others serve.
                catch (Exception e) when (e is KubeApiException or JsonException or IOException or HttpRequestException)
                {
                    failures[group.Length == 0 ? version : $"{group}/{version}"] = e.Message;
                }
            }
        }
        return new DiscoveryResult(resources, failures);
    }

    /// <summary>What one version of a group serves, subresources ("deployments/scale") among them.</summary>
    public static async Task<IReadOnlyList<DiscoveredResource>> ReadAllAsync(IKubeTransport transport, string group, string version, CancellationToken cancellationToken) =>
        ReadResources(group, version, await transport.GetAsync(Path(group, version), cancellationToken));

    /// <summary>A GET whose refusal is an exception.</summary>
    public static Task<ReadOnlyMemory<byte>> GetAsync(this IKubeTransport transport, string path, CancellationToken cancellationToken) =>
        transport.RequestAsync(new KubeRequest("GET", path), cancellationToken);

    public static async Task<ReadOnlyMemory<byte>> RequestAsync(this IKubeTransport transport, KubeRequest request, CancellationToken cancellationToken)
    {
        var response = await transport.SendAsync(request, cancellationToken);
        return response.StatusCode >= 400 ? throw KubeApiException.From(response) : response.Body;
    }

    private static List<(string Group, List<string> Versions)> ReadGroups(ReadOnlyMemory<byte> body)
    {
        using var document = JsonDocument.Parse(body);
        var groups = new List<(string, List<string>)>();
        foreach (var group in Items(document.RootElement, "groups"))
        {
            var versions = Items(group, "versions").Select(v => Text(v, "version")).ToList();
            if (group.TryGetProperty("preferredVersion", out var preferred) && versions.Remove(Text(preferred, "version")))
                versions.Insert(0, Text(preferred, "version"));
            groups.Add((Text(group, "name"), versions));
        }
        return groups;
    }

    private static List<DiscoveredResource> ReadResources(string group, string version, ReadOnlyMemory<byte> body)
    {
        using var document = JsonDocument.Parse(body);
        var resources = new List<DiscoveredResource>();
        foreach (var resource in Items(document.RootElement, "resources"))
        {
            var name = Text(resource, "name");
            var namespaced = resource.TryGetProperty("namespaced", out var flag) && flag.ValueKind == JsonValueKind.True;
            resources.Add(new DiscoveredResource(group, version, name, Text(resource, "kind"), namespaced, [.. Items(resource, "verbs").Select(v => v.GetString() ?? "")]));
        }
        return resources;
    }

    private static string Path(string group, string version) => group.Length == 0 ? $"/api/{version}" : $"/apis/{group}/{version}";

    private static IEnumerable<JsonElement> Items(JsonElement value, string name) =>
        value.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? items.EnumerateArray() : [];

    private static string Text(JsonElement value, string name) => value.TryGetProperty(name, out var text) ? text.GetString() ?? "" : "";
}
