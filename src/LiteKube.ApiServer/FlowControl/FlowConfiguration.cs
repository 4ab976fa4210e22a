using System.Text.Json.Nodes;
using System.Threading.Channels;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>
/// Keeps the FlowSchemas and PriorityLevelConfigurations that every cluster has, brings whatever is in the store into
/// force, and writes into the status of a FlowSchema whether its level exists.
/// </summary>
internal sealed class FlowConfiguration(FlowController flows, IObjectReader objects, InProcessAdapter server, TimeProvider time, ILogger<FlowConfiguration> logger)
{
    private const string Root = "/apis/flowcontrol.apiserver.k8s.io/v1/";
    private const string Producer = "api-priority-and-fairness-config-producer-v1";
    private const string Consumer = "api-priority-and-fairness-config-consumer-v1";

    // Upstream's periods.
    private static readonly TimeSpan RebalanceInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan EnsureInterval = TimeSpan.FromMinutes(1);

    private static readonly UserInfo Server = new("system:apiserver", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);

    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var schemas = objects.Subscribe(CoreResources.FlowSchemas, (_, _) => _changes.Writer.TryWrite(true));
        using var levels = objects.Subscribe(CoreResources.PriorityLevelConfigurations, (_, _) => _changes.Writer.TryWrite(true));
        await Task.WhenAll(FollowAsync(cancellationToken), EveryAsync(RebalanceInterval, RebalanceAsync, cancellationToken), EveryAsync(EnsureInterval, EnsureAsync, cancellationToken));
    }

    /// <summary>
    /// Creates what is missing of the mandatory and suggested objects, and brings their specs back to what they should
    /// be: those of mandatory objects always, those of others unless their annotation says that a user cares for them.
    /// </summary>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        var work = new List<Task>();
        foreach (var wanted in BootstrapConfiguration.SuggestedSchemas.Concat(BootstrapConfiguration.SuggestedLevels)) work.Add(EnsureAsync(wanted, isMandatory: false, cancellationToken));
        foreach (var wanted in BootstrapConfiguration.MandatorySchemas.Concat(BootstrapConfiguration.MandatoryLevels)) work.Add(EnsureAsync(wanted, isMandatory: true, cancellationToken));
        await Task.WhenAll(work);
        await RemoveAsync(CoreResources.FlowSchemas, BootstrapConfiguration.SuggestedSchemas.Concat(BootstrapConfiguration.MandatorySchemas), cancellationToken);
        await RemoveAsync(CoreResources.PriorityLevelConfigurations, BootstrapConfiguration.SuggestedLevels.Concat(BootstrapConfiguration.MandatoryLevels), cancellationToken);
        await ApplyAsync(cancellationToken);
    }

    /// <summary>The object as it should be written; null: it is well as it is.</summary>
    public static JsonObject? Corrected(JsonObject current, JsonObject wanted, bool isMandatory)
    {
        var annotation = current.Annotations().GetValueOrDefault(BootstrapConfiguration.AutoUpdateAnnotation);
        // An object without the annotation is still ours while nobody has changed its spec.
        var updates = isMandatory || (bool.TryParse(annotation, out var given) ? given : current.Meta().Long("generation") == 1);
        var annotationDiffers = !(bool.TryParse(annotation, out var stands) && stands == updates);
        var specDiffers = updates && !SpecOf(current, wanted).SemanticallySameAs(wanted["spec"]);
        if (!annotationDiffers && !specDiffers) return null;
        var corrected = (JsonObject)current.DeepClone();
        if (annotationDiffers) corrected.GetOrAdd("metadata").GetOrAdd("annotations")[BootstrapConfiguration.AutoUpdateAnnotation] = updates ? "true" : "false";
        if (specDiffers) corrected["spec"] = wanted["spec"]!.DeepClone();
        return corrected;
    }

    /// <summary>How the exempt level lends is the administrator's to say, although the level is mandatory.</summary>
    private static JsonNode? SpecOf(JsonObject current, JsonObject wanted)
    {
        if (wanted.Text("kind") != "PriorityLevelConfiguration" || wanted.MetaName() != PriorityLevelSpec.Exempt || current["spec"] is not JsonObject spec) return current["spec"];
        var compared = (JsonObject)spec.DeepClone();
        compared["exempt"] = wanted["spec"]!["exempt"]!.DeepClone();
        return compared;
    }

    private async Task EnsureAsync(JsonObject wanted, bool isMandatory, CancellationToken cancellationToken)
    {
        var resource = wanted.Text("kind") == "FlowSchema" ? CoreResources.FlowSchemas : CoreResources.PriorityLevelConfigurations;
        var path = $"{Root}{resource.Resource}";
        if (objects.Get(resource, "", wanted.MetaName()) is not { } current)
            await SendAsync("POST", $"{path}?fieldManager={Producer}", wanted, "application/json", [409], cancellationToken);
        else if (Corrected(current, wanted, isMandatory) is { } corrected)
            await SendAsync("PUT", $"{path}/{wanted.MetaName()}?fieldManager={Producer}", corrected, "application/json", [404, 409], cancellationToken);
    }

    /// <summary>What an earlier version suggested and this one does not goes away, while the server has it in its care.</summary>
    private async Task RemoveAsync(Apis.GroupResource resource, IEnumerable<JsonObject> known, CancellationToken cancellationToken)
    {
        var names = known.Select(k => k.MetaName()).ToHashSet(StringComparer.Ordinal);
        foreach (var value in objects.List(resource))
        {
            if (names.Contains(value.MetaName()) || !bool.TryParse(value.Annotations().GetValueOrDefault(BootstrapConfiguration.AutoUpdateAnnotation), out var isOurs) || !isOurs) continue;
            await SendAsync("DELETE", $"{Root}{resource.Resource}/{value.MetaName()}", null, null, [404], cancellationToken);
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        await foreach (var _ in _changes.Reader.ReadAllAsync(cancellationToken))
        {
            try
            {
                await ApplyAsync(cancellationToken);
            }
            catch (ApiException exception)
            {
                // The next change, or the next minute, brings it up again.
                FlowControlLog.StatusNotWritten(logger, exception);
            }
        }
    }

    /// <summary>Brings what is in the store into force.</summary>
    private async Task ApplyAsync(CancellationToken cancellationToken)
    {
        var schemas = objects.List(CoreResources.FlowSchemas);
        flows.Digest(schemas, objects.List(CoreResources.PriorityLevelConfigurations));
        await Task.WhenAll(schemas.Select(s => WriteStatusAsync(s, cancellationToken)));
    }

    private async Task WriteStatusAsync(JsonObject schema, CancellationToken cancellationToken)
    {
        var level = schema.Obj("spec", "priorityLevelConfiguration").Str("name");
        var exists = flows.HasLevel(level);
        var wanted = (Status: exists ? "False" : "True", Reason: exists ? "Found" : "NotFound",
            Message: $"This FlowSchema references the PriorityLevelConfiguration object named \"{level}\" {(exists ? "and it exists" : "but there is no such object")}");
        var standing = schema.Obj("status").Items("conditions").FirstOrDefault(c => c.Str("type") == "Dangling");
        if (standing is not null && (standing.Str("status"), standing.Str("reason"), standing.Str("message")) == wanted) return;
        var body = new JsonObject
        {
            ["kind"] = "FlowSchema",
            ["apiVersion"] = BootstrapConfiguration.ApiVersion,
            ["metadata"] = new JsonObject { ["name"] = schema.MetaName() },
            ["status"] = new JsonObject
            {
                ["conditions"] = new JsonArray(new JsonObject
                {
                    ["type"] = "Dangling",
                    ["status"] = wanted.Status,
                    ["lastTransitionTime"] = ObjectFields.FormatTime(time.GetUtcNow()),
                    ["reason"] = wanted.Reason,
                    ["message"] = wanted.Message,
                }),
            },
        };
        await SendAsync("PATCH", $"{Root}flowschemas/{schema.MetaName()}/status?fieldManager={Consumer}&force=true", body, "application/apply-patch+yaml", [404], cancellationToken);
    }

    private async Task SendAsync(string method, string path, JsonObject? body, string? contentType, int[] expected, CancellationToken cancellationToken)
    {
        var bytes = body is null ? default : (ReadOnlyMemory<byte>)ObjectWriter.Write(body);
        var response = await server.ExecuteAsync(new InProcessRequest(method, path, Server, bytes, contentType), cancellationToken);
        if (response.StatusCode < 300 || expected.Contains(response.StatusCode)) return;
        throw new ApiException(response.StatusCode, "", $"{method} {path} answered {response.StatusCode}: {System.Text.Encoding.UTF8.GetString(response.Body.Span)}");
    }

    private Task RebalanceAsync(CancellationToken cancellationToken)
    {
        flows.Rebalance();
        return Task.CompletedTask;
    }

    private async Task EveryAsync(TimeSpan interval, Func<CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                await act(cancellationToken);
            }
            catch (ApiException exception)
            {
                FlowControlLog.NotEnsured(logger, interval, exception);
            }
        }
    }
}
