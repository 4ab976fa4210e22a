using System.Collections.Concurrent;
using System.Text.Json;
using LiteKube.Client;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Autoscaling;

/// <summary>Which resource a kind is, by discovery; asked for once and again after <see cref="Forget"/>.</summary>
internal sealed class KindResources(IKubeTransport transport)
{
    private readonly ConcurrentDictionary<(string Group, string Kind), DiscoveredResource> _known = new();

    /// <param name="apiVersion">Its group counts; the version is the one that the group prefers.</param>
    /// <exception cref="MetricException">No resource has that kind.</exception>
    public async Task<DiscoveredResource> FindAsync(string? apiVersion, string kind, CancellationToken cancellationToken)
    {
        var group = GroupOf(apiVersion);
        if (_known.TryGetValue((group, kind), out var known))
            return known;
        foreach (var version in group.Length == 0 ? ["v1"] : await VersionsAsync(group, cancellationToken))
        {
            if (await FindAsync(group, version, kind, cancellationToken) is { } found)
                return _known[(group, kind)] = found;
        }
        throw NoMatch(group, kind);
    }

    /// <summary>The resource may be served differently by now, or no longer.</summary>
    public void Forget(string? apiVersion, string kind) => _known.TryRemove((GroupOf(apiVersion), kind), out _);

    private static string GroupOf(string? apiVersion) => apiVersion?.Split('/') is [var group, _] ? group : "";

    private async Task<List<string>> VersionsAsync(string group, CancellationToken cancellationToken)
    {
        if (await GetAsync($"/apis/{Uri.EscapeDataString(group)}", cancellationToken) is not { } document)
            return [];
        using (document)
        {
            var versions = document.RootElement.GetProperty("versions").EnumerateArray().Select(v => v.GetProperty("version").GetString()!).ToList();
            var preferred = document.RootElement.TryGetProperty("preferredVersion", out var value) ? value.GetProperty("version").GetString() : null;
            return [.. versions.OrderByDescending(v => v == preferred)];
        }
    }

    private async Task<DiscoveredResource?> FindAsync(string group, string version, string kind, CancellationToken cancellationToken)
    {
        if (await GetAsync(group.Length == 0 ? $"/api/{version}" : $"/apis/{Uri.EscapeDataString(group)}/{Uri.EscapeDataString(version)}", cancellationToken) is not { } document)
            return null;
        using (document)
        {
            foreach (var resource in document.RootElement.GetProperty("resources").EnumerateArray())
            {
                var name = resource.GetProperty("name").GetString()!;
                if (!name.Contains('/', StringComparison.Ordinal) && resource.GetProperty("kind").GetString() == kind)
                    return new DiscoveredResource(group, version, name, kind, resource.TryGetProperty("namespaced", out var namespaced) && namespaced.GetBoolean(), []);
            }
            return null;
        }
    }

    private async Task<JsonDocument?> GetAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return JsonDocument.Parse(await transport.GetAsync(path, cancellationToken));
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private static MetricException NoMatch(string group, string kind) => new($"no matches for kind \"{kind}\" in group \"{group}\"");
}
