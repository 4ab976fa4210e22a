using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Authentication;

/// <summary>
/// Notes on a token's Secret on which day it was last used, so that unused ones can be found and removed
/// (https://kubernetes.io/docs/concepts/security/service-accounts/#get-a-token). A request never waits for it.
/// </summary>
public sealed class LegacyTokenUse(IObjectReader objects, Func<IObjectWriter> writer, TimeProvider time, ILogger<LegacyTokenUse> logger)
{
    public const string LastUsedLabel = "kubernetes.io/legacy-token-last-used";
    public const string InvalidSinceLabel = "kubernetes.io/legacy-token-invalid-since";
    internal const string TrackingName = "kube-apiserver-legacy-service-account-token-tracking";
    private const int MaxQueued = 1000;
    private const int MaxAttempts = 5;

    // What does not fit now is noted at the token's next use.
    private readonly Channel<(string Namespace, string Name)> _queue = Channel.CreateBounded<(string, string)>(new BoundedChannelOptions(MaxQueued) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly ConcurrentDictionary<(string, string), string> _noted = new();

    private string Today => time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <param name="secret">As stored; read-only.</param>
    internal void Used(JsonObject secret)
    {
        var today = Today;
        var key = (secret.MetaNamespace(), secret.MetaName());
        if (secret.Labels().GetValueOrDefault(LastUsedLabel) == today || (_noted.TryGetValue(key, out var day) && day == today))
            return;
        if (_noted.Count > MaxQueued * 10)
            _noted.Clear();
        _noted[key] = today;
        _queue.Writer.TryWrite(key);
    }

    /// <summary>Notes uses until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var (ns, name) in _queue.Reader.ReadAllAsync(cancellationToken))
        {
            try
            {
                await NoteAsync(ns, name, cancellationToken);
            }
            catch (Exception exception) when (exception is ApiException or Storage.StoreUnavailableException)
            {
                LegacyTokenLog.NoteFailed(logger, ns, name, exception.Message);
            }
        }
    }

    private async Task NoteAsync(string ns, string name, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (objects.Get(CoreResources.Secrets, ns, name) is not { } stored || stored.Labels().GetValueOrDefault(LastUsedLabel) == Today)
                return;
            var noted = (JsonObject)stored.DeepClone();
            noted.GetOrAdd("metadata").GetOrAdd("labels")[LastUsedLabel] = Today;
            if (await writer().TryUpdateAsync(noted, cancellationToken) is not null)
                return;
        }
    }

    /// <summary>Writes down, once, since when uses are noted: a token without the label has not been used since this day.</summary>
    public Task EnsureTrackingAsync(CancellationToken cancellationToken) => writer().EnsureAsync(new JsonObject
    {
        ["kind"] = "ConfigMap",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject { ["name"] = TrackingName, ["namespace"] = "kube-system" },
        ["data"] = new JsonObject { ["since"] = Today },
    }, cancellationToken);
}

/// <summary>Event ids 2140-2149.</summary>
internal static partial class LegacyTokenLog
{
    [LoggerMessage(EventId = 2140, Level = LogLevel.Warning, Message = "The use of the token in Secret {Namespace}/{Name} could not be noted: {Reason}")]
    public static partial void NoteFailed(ILogger logger, string @namespace, string name, string reason);
}
