using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Bootstrap;

/// <summary>
/// Removes bootstrap tokens that have expired, and signs the ConfigMap kube-public/cluster-info with those that may, so
/// that a joining node can tell the cluster that it was invited to
/// (https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/). Kubernetes' token-cleaner and bootstrap-signer.
/// </summary>
internal sealed class BootstrapTokens(IStateStore store, IObjectReader objects, IObjectWriter writer, TimeProvider time, ILogger<BootstrapTokens> logger)
{
    private const string SecretType = "bootstrap.kubernetes.io/token";
    private const string NamePrefix = "bootstrap-token-";
    private const string TokenNamespace = "kube-system";
    private const string ConfigNamespace = "kube-public";
    private const string ConfigName = "cluster-info";
    private const string SignaturePrefix = "jws-kubeconfig-";

    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Works until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(
        StoreFollower.RunAsync(store, ServedResource.KeyRootOf(CoreResources.Secrets) + TokenNamespace + "/" + NamePrefix, _ => _changes.Writer.TryWrite(true), cancellationToken),
        StoreFollower.RunAsync(store, ServedResource.KeyRootOf(CoreResources.ConfigMaps) + ConfigNamespace + "/" + ConfigName, _ => _changes.Writer.TryWrite(true), cancellationToken),
        WorkAsync(cancellationToken));

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            TimeSpan wait;
            try
            {
                wait = await ReconcileAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is ApiException or StoreUnavailableException)
            {
                BootstrapTokenLog.ReconcileFailed(logger, exception.Message);
                wait = RetryAfter;
            }
            using var due = new CancellationTokenSource(wait, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, due.Token);
            try
            {
                await _changes.Reader.ReadAsync(either.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // The next token expires.
                continue;
            }
        }
    }

    /// <returns>When to look again though nothing changes.</returns>
    private async Task<TimeSpan> ReconcileAsync(CancellationToken cancellationToken)
    {
        var (now, wait) = (time.GetUtcNow(), LongestWait);
        var signers = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var secret in objects.List(CoreResources.Secrets, TokenNamespace))
        {
            if (secret.Str("type") != SecretType || !secret.MetaName().StartsWith(NamePrefix, StringComparison.Ordinal))
                continue;
            if (Data(secret, "expiration") is { Length: > 0 } expiration)
            {
                // What cannot be read as a time has passed.
                var left = ObjectFields.TryParseTime(expiration, out var end) ? end - now : TimeSpan.Zero;
                if (left <= TimeSpan.Zero)
                {
                    await writer.TryDeleteAsync(secret, cancellationToken);
                    continue;
                }
                wait = left < wait ? left : wait;
            }
            if (Data(secret, "usage-bootstrap-signing") == "true" && Data(secret, "token-id") is { Length: > 0 } id && secret.MetaName() == NamePrefix + id && Data(secret, "token-secret") is { Length: > 0 } key)
                signers[id] = key;
        }
        await SignAsync(signers, cancellationToken);
        return wait;
    }

    private async Task SignAsync(IReadOnlyDictionary<string, string> signers, CancellationToken cancellationToken)
    {
        if (objects.Get(CoreResources.ConfigMaps, ConfigNamespace, ConfigName) is not { } stored || stored.Obj("data").StrOrNull("kubeconfig") is not { } kubeconfig)
            return;
        var signed = (JsonObject)stored.DeepClone();
        var data = signed.GetOrAdd("data");
        foreach (var stale in data.Select(d => d.Key).Where(k => k.StartsWith(SignaturePrefix, StringComparison.Ordinal)).ToList())
            data.Remove(stale);
        foreach (var (id, secret) in signers)
            data[SignaturePrefix + id] = Sign(kubeconfig, id, secret);
        if (!data.SameAs(stored["data"]))
            // Lost to another writer: that write brings us here again.
            await writer.TryUpdateAsync(signed, cancellationToken);
    }

    /// <summary>A detached JSON Web Signature (RFC 7515, appendix F).</summary>
    internal static string Sign(string content, string id, string secret)
    {
        var head = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{{\"alg\":\"HS256\",\"kid\":\"{id}\"}}"));
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes($"{id}.{secret}"), Encoding.ASCII.GetBytes($"{head}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(content))}"));
        return $"{head}..{Base64Url.EncodeToString(signature)}";
    }

    private static string Data(JsonObject secret, string key)
    {
        var encoded = secret.Obj("data").Str(key);
        var bytes = new byte[encoded.Length];
        return Convert.TryFromBase64String(encoded, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : "";
    }
}

/// <summary>Event ids 2150-2159.</summary>
internal static partial class BootstrapTokenLog
{
    [LoggerMessage(EventId = 2150, Level = LogLevel.Warning, Message = "Looking after bootstrap tokens failed and is tried again: {Reason}")]
    public static partial void ReconcileFailed(ILogger logger, string reason);
}
