using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Kubelet.Volumes;

/// <param name="RefreshAt">When to ask for the next one: at 80 % of its life, or after a day when that is sooner.</param>
internal sealed record ServiceAccountToken(string Text, DateTimeOffset ExpiresAt, DateTimeOffset RefreshAt);

/// <summary>
/// Tokens bound to pods, by TokenRequest
/// (https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-token-volume-projection).
/// Kept until they are due, for a volume's contents are made again at every change of its other sources.
/// </summary>
internal sealed class ServiceAccountTokens(IKubeClient client, TimeProvider time)
{
    private const long DefaultExpirationSeconds = 3600;
    private static readonly TimeSpan LongestUse = TimeSpan.FromHours(24);

    private readonly record struct TokenKey(string PodUid, string Audience, long ExpirationSeconds);

    private readonly ConcurrentDictionary<TokenKey, ServiceAccountToken> _tokens = new();

    public async Task<ServiceAccountToken> GetAsync(V1Pod pod, V1ServiceAccountTokenProjection source, CancellationToken cancellationToken)
    {
        var key = new TokenKey(pod.Metadata.Uid, source.Audience ?? "", source.ExpirationSeconds ?? DefaultExpirationSeconds);
        if (_tokens.TryGetValue(key, out var known) && time.GetUtcNow() < known.RefreshAt)
            return known;
        try
        {
            return _tokens[key] = await RequestAsync(pod, key, cancellationToken);
        }
        // The old one is good a while longer: the pod keeps running and the next try comes soon.
        catch (Exception e) when (e is KubeApiException or IOException or HttpRequestException && known is not null && time.GetUtcNow() < known.ExpiresAt)
        {
            return known with { RefreshAt = time.GetUtcNow() + TimeSpan.FromSeconds(30) };
        }
    }

    public void Forget(string podUid)
    {
        foreach (var key in _tokens.Keys.Where(k => k.PodUid == podUid))
            _tokens.TryRemove(key, out _);
    }

    private async Task<ServiceAccountToken> RequestAsync(V1Pod pod, TokenKey key, CancellationToken cancellationToken)
    {
        var account = string.IsNullOrEmpty(pod.Spec.ServiceAccountName) ? "default" : pod.Spec.ServiceAccountName;
        var asked = time.GetUtcNow();
        var answer = await client.CreateSubresourceAsync<V1ServiceAccount>(pod.Metadata.NamespaceProperty, account, "token", Request(pod, key), cancellationToken);
        using var document = JsonDocument.Parse(answer);
        var status = document.RootElement.GetProperty("status");
        var expires = DateTimeOffset.Parse(status.GetProperty("expirationTimestamp").GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        var use = (expires - asked) * 0.8;
        return new ServiceAccountToken(status.GetProperty("token").GetString()!, expires, asked + (use < LongestUse ? use : LongestUse));
    }

    private static ReadOnlyMemory<byte> Request(V1Pod pod, TokenKey key)
    {
        var body = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(body);
        writer.WriteStartObject();
        writer.WriteString("apiVersion", "authentication.k8s.io/v1");
        writer.WriteString("kind", "TokenRequest");
        writer.WriteStartObject("spec");
        writer.WriteStartArray("audiences");
        if (key.Audience.Length > 0)
            writer.WriteStringValue(key.Audience);
        writer.WriteEndArray();
        writer.WriteNumber("expirationSeconds", key.ExpirationSeconds);
        writer.WriteStartObject("boundObjectRef");
        writer.WriteString("apiVersion", "v1");
        writer.WriteString("kind", "Pod");
        writer.WriteString("name", pod.Metadata.Name);
        writer.WriteString("uid", pod.Metadata.Uid);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.Flush();
        return body.WrittenMemory;
    }
}
