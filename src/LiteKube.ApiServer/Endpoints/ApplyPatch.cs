using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Ownership;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>The kind that an apply is made to, and how its endpoint keeps owners.</summary>
/// <param name="Empty">The kind's object with nothing set.</param>
internal sealed record ApplyTarget(FieldOwnership Ownership, IMergeSchema Merge, TypeSchema Schema, GroupVersionKind Kind, JsonObject Empty)
{
    public static ApplyTarget Of(ServedResource resource, string subresource) =>
        new(resource.Ownership(subresource), resource.MergeSchema, resource.Info.Schema, resource.Info.GroupVersionKind, resource.EmptyObject);
}

/// <summary>
/// The body of a server-side apply, ready to be merged into whatever stands when its turn comes
/// (https://kubernetes.io/docs/reference/using-api/server-side-apply/).
/// </summary>
internal sealed class ApplyPatch
{
    private readonly JsonObject _config;
    private readonly string? _duplicates;
    private readonly bool _isForced;

    private ApplyPatch(JsonObject config, string? duplicates, bool isForced) => (_config, _duplicates, _isForced) = (config, duplicates, isForced);

    public static async ValueTask<ApplyPatch> ReadAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        WriteOptions.Validate(request);
        BodyDecoder.ValidationOf(request);
        var body = await request.ReadBodyAsync(cancellationToken);
        try
        {
            var config = ObjectDecoder.ParseYaml(body.Span, out var duplicates) as JsonObject ?? [];
            return new(config, duplicates, request.Query.Flag("force"));
        }
        catch (DecodeException exception)
        {
            throw ApiException.BadRequest("error decoding patch: error converting YAML to JSON: " + exception.Message);
        }
    }

    /// <param name="live">Read-only; null: there is no such object.</param>
    /// <param name="standing">Its owners.</param>
    /// <returns>The merged object, canonical and defaulted; its owners are the tracking's outcome.</returns>
    public JsonObject Apply(ApiRequest request, ApplyTarget target, FieldTracking tracking, JsonObject? live, ManagedFieldsList standing, DateTimeOffset now)
    {
        CheckConfig(target);
        var apiVersion = target.Kind.ApiVersion;
        var empty = new VersionedObject(target.Empty, target.Merge, apiVersion);
        var current = live is null ? empty : new VersionedObject(WithoutManagedFields(live), target.Merge, apiVersion);
        AppliedObject applied;
        try
        {
            applied = target.Ownership.Apply(current, new(_config, target.Merge, apiVersion), empty, standing, tracking.Manager, _isForced, ObjectFields.FormatTime(now));
        }
        catch (FieldConflictException conflict)
        {
            throw Conflict(conflict);
        }
        catch (MergeException exception)
        {
            throw new ApiException(500, "", "failed to merge config: " + exception.Message);
        }
        ReportDuplicates(request);
        tracking.Outcome = applied.Managed;
        var value = BodyDecoder.Canonicalize(request, applied.Value, target.Schema, target.Kind, FieldValidation.Ignore);
        Check(request, value, live);
        return value;
    }

    private void CheckConfig(ApplyTarget target)
    {
        var (apiVersion, kind) = (_config.Text("apiVersion"), _config.Text("kind"));
        if (apiVersion != target.Kind.ApiVersion || kind != target.Kind.Kind) throw ApiException.BadRequest($"invalid object type: {Print(apiVersion, kind)}");
        if (_config["metadata"] is JsonObject metadata && metadata["managedFields"] is JsonArray { Count: > 0 }) throw ApiException.BadRequest("metadata.managedFields must be nil");
        if (ObjectShape.Complain(_config, target.Merge, allowsDuplicates: false) is { } complaint)
            throw new ApiException(500, "", $"failed to create typed patch object ({_config.Namespace()}/{_config.Name()}; {Print(apiVersion, kind)}): {complaint}");
    }

    private void ReportDuplicates(ApiRequest request)
    {
        if (_duplicates is null) return;
        var text = "error converting YAML to JSON: " + _duplicates;
        switch (BodyDecoder.ValidationOf(request))
        {
            case FieldValidation.Strict:
                throw ApiException.BadRequest("error strict decoding patch: " + text);
            case FieldValidation.Warn:
                request.Warnings.Add(text);
                break;
        }
    }

    private static void Check(ApiRequest request, JsonObject value, JsonObject? live)
    {
        var info = request.Info;
        if (live is null && value.Uid() is { Length: > 0 } uid)
            throw ApiException.Conflict(new(info.Group, info.Resource), info.Name, $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        // Applied configurations may leave out what the path says.
        if (value.Name().Length == 0) throw ApiException.BadRequest($"the name of the object ({info.Name} based on URL) was undeterminable: name must be provided");
        WriteEndpoints.CheckName(value, info);
    }

    private static JsonObject WithoutManagedFields(JsonObject value)
    {
        var copy = (JsonObject)value.DeepClone();
        copy.Metadata().Remove("managedFields");
        return copy;
    }

    private static ApiException Conflict(FieldConflictException conflict)
    {
        var causes = new JsonArray();
        foreach (var (manager, path) in conflict.Conflicts)
            causes.Add((JsonNode)new JsonObject { ["reason"] = "FieldManagerConflict", ["message"] = $"conflict with {manager}", ["field"] = path });
        return new(409, "Conflict", conflict.Message, new JsonObject { ["causes"] = causes });
    }

    /// <summary>A kind as Go prints it: "apps/v1, Kind=Deployment".</summary>
    private static string Print(string apiVersion, string kind)
    {
        var (group, version) = GroupVersion.Parse(apiVersion);
        return $"{group}/{version}, Kind={kind}";
    }
}
