using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Extensions.Webhooks;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>Strategy Webhook: a ConversionReview goes out and comes back (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion). What comes back is checked: only labels and annotations of the metadata may differ.</summary>
internal sealed class WebhookConverter(JsonObject webhook, IWebhookCaller caller) : IObjectConverter
{
    private static readonly TimeSpan CallTime = TimeSpan.FromSeconds(30);

    private readonly WebhookTarget _target = WebhookTarget.Read(webhook.Obj("clientConfig"));
    private readonly string? _reviewVersion = webhook.Strings("conversionReviewVersions").FirstOrDefault(ReviewVersionRules.Known.Contains);

    public bool IsRemote => true;

    public async ValueTask<IReadOnlyList<JsonObject>> ConvertAsync(IReadOnlyList<JsonObject> values, GroupVersionKind target, CancellationToken cancellationToken)
    {
        var results = values.ToArray();
        var indices = Enumerable.Range(0, results.Length).Where(i => results[i].Text("apiVersion") != target.ApiVersion).ToList();
        if (indices.Count == 0) return results;
        var source = target with { Version = GroupVersion.Parse(results[indices[0]].Text("apiVersion")).Version };
        if (_reviewVersion is null) throw Failed($"no supported conversion review versions");
        var uid = Guid.NewGuid().ToString();
        JsonArray converted;
        try
        {
            var body = await caller.PostAsync(_target, Review(uid, target, indices.Select(i => results[i])), CallTime, cancellationToken);
            converted = Objects(body, uid);
        }
        catch (WebhookException exception)
        {
            throw Failed($"conversion webhook for {source} failed: {exception.Message}");
        }
        if (converted.Count != indices.Count) throw Failed($"conversion webhook for {source} returned {converted.Count} objects, expected {indices.Count}");
        for (var i = 0; i < indices.Count; i++)
            results[indices[i]] = Check(results[indices[i]], converted[i], source, target, indices.Count == 1 ? null : i);
        return results;
    }

    private byte[] Review(string uid, GroupVersionKind target, IEnumerable<JsonObject> values) => ObjectWriter.Write(new JsonObject
    {
        ["kind"] = "ConversionReview",
        ["apiVersion"] = $"apiextensions.k8s.io/{_reviewVersion}",
        ["request"] = new JsonObject
        {
            ["uid"] = uid,
            ["desiredAPIVersion"] = target.ApiVersion,
            ["objects"] = new JsonArray([.. values.Select(v => v.DeepClone())]),
        },
    });

    private JsonArray Objects(ReadOnlyMemory<byte> body, string uid)
    {
        JsonObject review;
        try
        {
            review = ObjectDecoder.ParseJson(body.Span) as JsonObject ?? throw new WebhookException("the answer is not an object");
        }
        catch (DecodeException exception)
        {
            throw new WebhookException(exception.Message);
        }
        var isV1 = _reviewVersion == "v1";
        var (apiVersion, kind) = (review.Text("apiVersion"), review.Text("kind"));
        if (isV1 && (kind != "ConversionReview" || apiVersion != "apiextensions.k8s.io/v1"))
            throw new WebhookException($"expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got {apiVersion}, Kind={kind}");
        if (review.Obj("response") is not { } response) throw new WebhookException("no response provided");
        if (isV1 && response.Str("uid") != uid) throw new WebhookException($"expected response.uid=\"{uid}\", got \"{response.Str("uid")}\"");
        var result = response.Obj("result");
        if (result.Str("status") != "Success") throw new WebhookException(result.Str("message") is { Length: > 0 } message ? message : $"response.result.status was '{result.Str("status")}', not 'Success'");
        return response.Arr("convertedObjects") ?? [];
    }

    private static JsonObject Check(JsonObject original, JsonNode? node, GroupVersionKind source, GroupVersionKind target, int? index)
    {
        // A lone object and one of several are told of in different words.
        var head = $"conversion webhook for {source} returned invalid";
        var what = index is { } at ? $"{head} converted object at index {at}" : $"{head} object";
        var typed = index is null ? what + " at index 0" : what;
        if (node is not JsonObject given) throw Failed($"{typed}: it is not an object");
        var converted = (JsonObject)given.DeepClone();
        var version = converted.Text("apiVersion");
        if (version != target.ApiVersion) throw Failed($"{typed}: invalid groupVersion (expected {target.ApiVersion}, received {version})");
        if (converted.Text("kind") != original.Text("kind")) throw Failed($"{typed}: invalid kind (expected {original.Text("kind")}, received {converted.Text("kind")})");
        foreach (var (field, name) in (ReadOnlySpan<(string, string)>)[("name", "name"), ("namespace", "namespace"), ("uid", "UID")])
        {
            if (original.MetadataText(field) != converted.MetadataText(field))
                throw Failed($"{what}: must have the same {name}: {original.MetadataText(field)} != {converted.MetadataText(field)}");
        }
        if (RestoreMetadata(original, converted) is { } complaint) throw Failed($"{head} metadata{(index is null ? "" : $" in object at index {index}")}: {complaint}");
        return converted;
    }

    /// <summary>The metadata is the original's, labels and annotations are the webhook's.</summary>
    private static string? RestoreMetadata(JsonObject original, JsonObject converted)
    {
        if (!converted.TryGetPropertyValue("metadata", out var node)) return "missing metadata in converted object";
        if (node is not JsonObject given) return "invalid metadata in converted object";
        var metadata = (JsonObject)original.Metadata().DeepClone();
        foreach (var field in (ReadOnlySpan<string>)["labels", "annotations"])
        {
            if (given[field] is not { } map)
            {
                metadata.Remove(field);
                continue;
            }
            if (map is not JsonObject entries) return $"invalid metadata.{field} in converted object";
            foreach (var (key, value) in entries)
            {
                if (value?.GetValueKind() != System.Text.Json.JsonValueKind.String) return $"metadata.{field}[{key}] must be a string in converted object";
                if (NameFormats.LabelKey(field == "labels" ? key : key.ToLowerInvariant()) is [var badKey, ..]) return $"metadata.{field}: Invalid value: \"{key}\": {badKey}";
                if (field == "labels" && NameFormats.LabelValue(value.GetValue<string>()) is [var badValue, ..]) return $"metadata.labels: Invalid value: \"{value.GetValue<string>()}\": {badValue}";
            }
            Apis.Schema.Structural.SortedJson.Set(metadata, field, Apis.Schema.Structural.SortedJson.Of(entries));
        }
        converted["metadata"] = metadata;
        return null;
    }

    private static ApiException Failed(string message) => new(500, "InternalError", message);
}
