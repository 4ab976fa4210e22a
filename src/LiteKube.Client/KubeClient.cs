using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using k8s;
using k8s.Models;
using LiteKube.Client.Json;

namespace LiteKube.Client;

/// <summary>The typed client over any transport. See <see cref="IKubeClient"/>.</summary>
public sealed class KubeClient(IKubeTransport transport) : IKubeClient
{
    /// <summary>As client-go's reflectors: big enough to be rare, small enough to bound one answer.</summary>
    private const int PageSize = 500;

    public IKubeTransport Transport { get; } = transport;

    public async Task<T> GetAsync<T>(string? ns, string name, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Decode<T>(await SendAsync("GET", KindOf<T>.Info.Path(ns, name), default, null, cancellationToken));

    public async Task<KubeList<T>> ListAsync<T>(string? ns, ListOptions options, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var items = new List<T>();
        string? next = null;
        do
        {
            var query = new QueryBuilder(KindOf<T>.Info.Path(ns, null))
                .Add("labelSelector", options.LabelSelector)
                .Add("fieldSelector", options.FieldSelector)
                .Add("resourceVersion", next is null ? options.ResourceVersion : null)
                .Add("limit", PageSize.ToString(System.Globalization.CultureInfo.InvariantCulture))
                .Add("continue", next);
            ReadOnlyMemory<byte> body;
            try
            {
                body = await SendAsync("GET", query.ToString(), default, null, cancellationToken);
            }
            catch (KubeApiException e) when (e.IsGone && next is not null)
            {
                // The version that the pages read from was compacted meanwhile: start over.
                items.Clear();
                next = null;
                continue;
            }
            var page = ListDecoder.Decode<T>(body.Span, items);
            if (page.Continue is null)
                return new KubeList<T>(items, page.ResourceVersion);
            next = page.Continue;
        }
        while (true);
    }

    public async Task<T> CreateAsync<T>(T value, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Decode<T>(await SendAsync("POST", KindOf<T>.Info.Path(value.Metadata.NamespaceProperty, null), Encode(value), "application/json", cancellationToken));

    public async Task<T> UpdateAsync<T>(T value, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Decode<T>(await SendAsync("PUT", KindOf<T>.Info.Path(value.Metadata.NamespaceProperty, value.Metadata.Name), Encode(value), "application/json", cancellationToken));

    public async Task<T> UpdateStatusAsync<T>(T value, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Decode<T>(await SendAsync("PUT", KindOf<T>.Info.Path(value.Metadata.NamespaceProperty, value.Metadata.Name, "status"), Encode(value), "application/json", cancellationToken));

    public async Task<T> PatchAsync<T>(string? ns, string name, KubePatch patch, string? subresource, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Decode<T>(await SendAsync("PATCH", KindOf<T>.Info.Path(ns, name, subresource), patch.Body, patch.ContentType, cancellationToken));

    public async Task DeleteAsync<T>(string? ns, string name, DeleteOptions options, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta> =>
        await SendAsync("DELETE", KindOf<T>.Info.Path(ns, name), Encode(options), "application/json", cancellationToken);

    public async Task DeleteCollectionAsync<T>(string? ns, ListOptions list, DeleteOptions options, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var query = new QueryBuilder(KindOf<T>.Info.Path(ns, null)).Add("labelSelector", list.LabelSelector).Add("fieldSelector", list.FieldSelector);
        await SendAsync("DELETE", query.ToString(), Encode(options), "application/json", cancellationToken);
    }

    public async IAsyncEnumerable<KubeWatchEvent<T>> WatchAsync<T>(string? ns, WatchOptions options, [EnumeratorCancellation] CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var query = new QueryBuilder(KindOf<T>.Info.Path(ns, null))
            .Add("watch", "true")
            .Add("resourceVersion", options.ResourceVersion)
            .Add("labelSelector", options.LabelSelector)
            .Add("fieldSelector", options.FieldSelector)
            .Add("allowWatchBookmarks", options.AllowBookmarks ? "true" : null)
            .Add("timeoutSeconds", options.Timeout is { } timeout ? ((long)timeout.TotalSeconds).ToString(System.Globalization.CultureInfo.InvariantCulture) : null);
        await foreach (var line in Transport.WatchAsync(new KubeRequest("GET", query.ToString()), cancellationToken))
            yield return WatchEventDecoder.Decode<T>(line.Span);
    }

    public Task<ReadOnlyMemory<byte>> CreateSubresourceAsync<T>(string? ns, string name, string subresource, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta> =>
        SendAsync("POST", KindOf<T>.Info.Path(ns, name, subresource), body, "application/json", cancellationToken);

    private async Task<ReadOnlyMemory<byte>> SendAsync(string method, string path, ReadOnlyMemory<byte> body, string? contentType, CancellationToken cancellationToken)
    {
        var response = await Transport.SendAsync(new KubeRequest(method, path, body, contentType), cancellationToken);
        if (response.StatusCode >= 400)
            throw KubeApiException.From(response);
        return response.Body;
    }

    private static T Decode<T>(ReadOnlyMemory<byte> body) where T : class, IKubernetesObject<V1ObjectMeta> => KindOf<T>.Info.Stamp(KubeJson.Deserialize<T>(body.Span));

    private static byte[] Encode<T>(T value) where T : class, IKubernetesObject<V1ObjectMeta> => KubeJson.Serialize(KindOf<T>.Info.Stamp(value));

    private static ReadOnlyMemory<byte> Encode(DeleteOptions options)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        writer.WriteString("kind", "DeleteOptions");
        writer.WriteString("apiVersion", "v1");
        if (options.GracePeriodSeconds is { } seconds)
            writer.WriteNumber("gracePeriodSeconds", seconds);
        if (options.PropagationPolicy is { } policy)
            writer.WriteString("propagationPolicy", policy);
        if (options.PreconditionUid is not null || options.PreconditionResourceVersion is not null)
        {
            writer.WriteStartObject("preconditions");
            if (options.PreconditionUid is { } uid)
                writer.WriteString("uid", uid);
            if (options.PreconditionResourceVersion is { } version)
                writer.WriteString("resourceVersion", version);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenMemory;
    }

    private sealed class QueryBuilder(string path)
    {
        private readonly StringBuilder _text = new(path);
        private char _separator = '?';

        public QueryBuilder Add(string name, string? value)
        {
            if (string.IsNullOrEmpty(value))
                return this;
            _text.Append(_separator).Append(name).Append('=').Append(Uri.EscapeDataString(value));
            _separator = '&';
            return this;
        }

        public override string ToString() => _text.ToString();
    }
}
