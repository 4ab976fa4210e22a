using System.Globalization;
using System.Text.Json;
using LiteKube.Client;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Namespaces;

/// <summary>What is left of a resource in a namespace after its deletion was asked for.</summary>
/// <param name="Finalizers">How many of the objects each finalizer holds.</param>
/// <param name="Grace">The longest time that one of the objects has been given to end.</param>
internal sealed record RemainingContent(DiscoveredResource Resource, int Count, IReadOnlyDictionary<string, int> Finalizers, TimeSpan Grace);

/// <summary>Deletes the objects of one resource in one namespace.</summary>
internal sealed class NamespaceContent(IKubeTransport transport)
{
    private const int PageSize = 500;

    private static readonly byte[] Options = """{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background"}"""u8.ToArray();

    /// <returns>Null when nothing is left, or when the resource cannot be listed or deleted.</returns>
    public async Task<RemainingContent?> DeleteAsync(DiscoveredResource resource, string ns, CancellationToken cancellationToken)
    {
        if (!resource.Supports("list"))
        {
            if (resource.Supports("deletecollection"))
                await SendDeleteAsync(resource.Path(ns), cancellationToken);
            return null;
        }
        // Most resources have nothing in the namespace: one small list tells so.
        var before = await ListAsync(resource, ns, cancellationToken);
        if (before.Count == 0)
            return null;
        if (resource.Supports("deletecollection"))
        {
            await SendDeleteAsync(resource.Path(ns), cancellationToken);
        }
        else
        {
            foreach (var item in before)
                await SendDeleteAsync(resource.Path(ns, item.Name), cancellationToken);
        }
        var after = await ListAsync(resource, ns, cancellationToken);
        if (after.Count == 0)
            return null;
        var finalizers = after.SelectMany(item => item.Finalizers).GroupBy(f => f, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
        return new RemainingContent(resource, after.Count, finalizers, after.Max(item => item.Grace));
    }

    private async Task SendDeleteAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await transport.RequestAsync(new KubeRequest("DELETE", path, Options, "application/json"), cancellationToken);
        }
        // Gone meanwhile, or a resource whose server offers less than its discovery says.
        catch (KubeApiException e) when (e.Code is 404 or 405)
        {
            return;
        }
    }

    private async Task<List<Item>> ListAsync(DiscoveredResource resource, string ns, CancellationToken cancellationToken)
    {
        var items = new List<Item>();
        var next = "";
        do
        {
            var query = $"{resource.Path(ns)}?limit={PageSize.ToString(CultureInfo.InvariantCulture)}{(next.Length > 0 ? "&continue=" + Uri.EscapeDataString(next) : "")}";
            var response = await transport.SendAsync(new KubeRequest("GET", query), cancellationToken);
            if (response.StatusCode is 404 or 405)
                return [];
            if (response.StatusCode >= 400)
                throw KubeApiException.From(response);
            using var document = JsonDocument.Parse(response.Body);
            next = document.RootElement.TryGetProperty("metadata", out var meta) && meta.TryGetProperty("continue", out var token) ? token.GetString() ?? "" : "";
            if (document.RootElement.TryGetProperty("items", out var list) && list.ValueKind == JsonValueKind.Array)
                items.AddRange(list.EnumerateArray().Select(Read));
        }
        while (next.Length > 0);
        return items;
    }

    private static Item Read(JsonElement value)
    {
        var metadata = value.GetProperty("metadata");
        List<string> finalizers = metadata.TryGetProperty("finalizers", out var list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(f => f.GetString() ?? "")] : [];
        var grace = metadata.TryGetProperty("deletionGracePeriodSeconds", out var seconds) && seconds.TryGetInt64(out var count) ? count : 0;
        return new Item(metadata.GetProperty("name").GetString() ?? "", finalizers, TimeSpan.FromSeconds(grace));
    }

    private sealed record Item(string Name, IReadOnlyList<string> Finalizers, TimeSpan Grace);
}
