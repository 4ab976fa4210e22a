using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Authentication;

/// <summary>
/// Keeps Secrets of type kubernetes.io/service-account-token in step with their accounts: removed with the account, or
/// when there is none; filled where something is missing. Kubernetes' tokens-controller; here the signing key does not
/// leave the server.
/// </summary>
internal sealed class TokenSecrets(IStateStore store, IObjectReader objects, IObjectWriter writer, ServiceAccountTokenSecret filler, ILogger<TokenSecrets> logger)
{
    internal const string SecretType = "kubernetes.io/service-account-token";
    internal const string NameAnnotation = "kubernetes.io/service-account.name";
    internal const string UidAnnotation = "kubernetes.io/service-account.uid";
    private const int MaxAttempts = 5;

    private static readonly string SecretRoot = ServedResource.KeyRootOf(CoreResources.Secrets);
    private static readonly string AccountRoot = ServedResource.KeyRootOf(CoreResources.ServiceAccounts);

    // Keys of secrets, and of accounts whose secrets are to be looked at; "" for all. Each waits at most once.
    private readonly ConcurrentDictionary<string, bool> _waiting = new(StringComparer.Ordinal);
    private readonly Channel<string> _work = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<string, string> _accountOf = new(StringComparer.Ordinal);

    /// <summary>Works until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(
        StoreFollower.RunAsync(store, SecretRoot, OnSecret, cancellationToken),
        StoreFollower.RunAsync(store, AccountRoot, OnAccount, cancellationToken),
        WorkAsync(cancellationToken));

    private void OnSecret(StoreEvent? change)
    {
        if (change is not { } known)
            Enqueue("");
        // Few secrets are of this type; the others are not even decoded.
        else if (known.Type == StoreEventType.Delete)
            _accountOf.TryRemove(known.Value.Key, out _);
        else if (known.Value.Bytes.Span.IndexOf("kubernetes.io/service-account-token"u8) >= 0)
            Enqueue(known.Value.Key);
    }

    private void OnAccount(StoreEvent? change)
    {
        if (change is not { } known)
            Enqueue("");
        else if (known.Type == StoreEventType.Delete || known.Previous is null)
            Enqueue(known.Value.Key);
    }

    private void Enqueue(string key)
    {
        if (_waiting.TryAdd(key, true))
            _work.Writer.TryWrite(key);
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        await foreach (var key in _work.Reader.ReadAllAsync(cancellationToken))
        {
            _waiting.TryRemove(key, out _);
            try
            {
                foreach (var secret in SecretsOf(key))
                    await ReconcileAsync(secret, cancellationToken);
            }
            catch (Exception exception) when (exception is ApiException or StoreUnavailableException)
            {
                TokenSecretLog.ReconcileFailed(logger, key, exception.Message);
            }
        }
    }

    private List<string> SecretsOf(string key)
    {
        if (key.Length > 0)
            return key.StartsWith(SecretRoot, StringComparison.Ordinal) ? [key] : [.. _accountOf.Where(s => s.Value == key).Select(s => s.Key)];
        return [.. objects.List(CoreResources.Secrets).Where(s => s.Str("type") == SecretType).Select(s => $"{SecretRoot}{s.MetaNamespace()}/{s.MetaName()}")];
    }

    private async Task ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        var slash = key.LastIndexOf('/');
        var (ns, name) = (key[SecretRoot.Length..slash], key[(slash + 1)..]);
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (objects.Get(CoreResources.Secrets, ns, name) is not { } secret || secret.Str("type") != SecretType || secret.IsBeingDeleted())
                return;
            var accountName = secret.Annotations().GetValueOrDefault(NameAnnotation, "");
            _accountOf[key] = $"{AccountRoot}{ns}/{accountName}";
            var account = objects.Get(CoreResources.ServiceAccounts, ns, accountName);
            if (account is null || (secret.Annotations().TryGetValue(UidAnnotation, out var uid) && uid != account.MetaUid()))
            {
                if (await writer.TryDeleteAsync(secret, cancellationToken))
                    return;
                continue;
            }
            var filled = (JsonObject)secret.DeepClone();
            if (!filler.Fill(filled, ns) || filled.SameAs(secret) || await writer.TryUpdateAsync(filled, cancellationToken) is not null)
                return;
        }
    }
}

/// <summary>
/// Finds tokens that were made for accounts in former times and are used no more: marks them invalid a year after their
/// last use, and removes them another year later. Kubernetes' legacy-service-account-token-cleaner.
/// </summary>
internal sealed class LegacyTokenCleaner(IObjectReader objects, IObjectWriter writer, TimeProvider time)
{
    private const string LastUsedForm = "yyyy-MM-dd";
    private static readonly TimeSpan Interval = TimeSpan.FromDays(1);
    private static readonly TimeSpan Unused = TimeSpan.FromDays(365);

    /// <summary>Works until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Interval, time, cancellationToken);
            await CleanAsync(cancellationToken);
        }
    }

    internal async Task CleanAsync(CancellationToken cancellationToken)
    {
        if (Day(objects.Get(CoreResources.ConfigMaps, "kube-system", LegacyTokenUse.TrackingName).Obj("data").Str("since")) is not { } since || time.GetUtcNow() - since < Unused)
            return;
        foreach (var account in objects.List(CoreResources.ServiceAccounts))
        {
            // Only what the cluster once made by itself is listed in the account; what a user made is the user's to remove.
            foreach (var reference in account.Items("secrets"))
            {
                if (objects.Get(CoreResources.Secrets, account.MetaNamespace(), reference.Str("name")) is { } secret && IsOf(secret, account) && !IsMounted(secret))
                    await CleanAsync(secret, since, cancellationToken);
            }
        }
    }

    private async Task CleanAsync(JsonObject secret, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var labels = secret.Labels();
        var used = Day(labels.GetValueOrDefault(LegacyTokenUse.LastUsedLabel, "")) ?? since;
        if (ObjectFields.TryParseTime(secret.MetadataText("creationTimestamp"), out var created) && created > used)
            used = created;
        if (now - used < Unused)
            return;
        if (Day(labels.GetValueOrDefault(LegacyTokenUse.InvalidSinceLabel, "")) is not { } invalid)
        {
            var marked = (JsonObject)secret.DeepClone();
            marked.GetOrAdd("metadata").GetOrAdd("labels")[LegacyTokenUse.InvalidSinceLabel] = now.UtcDateTime.ToString(LastUsedForm, CultureInfo.InvariantCulture);
            // Lost to another writer, who may have used it: the next day decides.
            await writer.TryUpdateAsync(marked, cancellationToken);
        }
        else if (now - invalid >= Unused)
        {
            await writer.TryDeleteAsync(secret, cancellationToken);
        }
    }

    private static bool IsOf(JsonObject secret, JsonObject account) =>
        secret.Str("type") == TokenSecrets.SecretType && secret.Annotations().GetValueOrDefault(TokenSecrets.NameAnnotation) == account.MetaName()
        && secret.Annotations().GetValueOrDefault(TokenSecrets.UidAnnotation) == account.MetaUid();

    private bool IsMounted(JsonObject secret) =>
        objects.List(CoreResources.Pods, secret.MetaNamespace()).Any(p => p.Obj("spec").Items("volumes").Any(v => v.Obj("secret").Str("secretName") == secret.MetaName()));

    private static DateTimeOffset? Day(string text) =>
        DateTimeOffset.TryParseExact(text, LastUsedForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day) ? day : null;
}

/// <summary>Event ids 2160-2169.</summary>
internal static partial class TokenSecretLog
{
    [LoggerMessage(EventId = 2160, Level = LogLevel.Warning, Message = "Looking after the token secrets of {Key} failed: {Reason}")]
    public static partial void ReconcileFailed(ILogger logger, string key, string reason);
}
