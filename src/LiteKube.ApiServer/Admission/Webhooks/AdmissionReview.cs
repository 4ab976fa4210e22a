using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>What a webhook answered.</summary>
/// <param name="Status">A meta/v1 Status of a denial; null: it gave none.</param>
/// <param name="Patch">Empty: it changes nothing.</param>
internal sealed record AdmissionResponse(bool Allowed, JsonObject? Status, ReadOnlyMemory<byte> Patch, string PatchType, IReadOnlyDictionary<string, string> AuditAnnotations, IReadOnlyList<string> Warnings);

/// <summary>An AdmissionReview (admission.k8s.io/v1, or v1beta1 for webhooks that know no other) on its way out and back.</summary>
internal static class AdmissionReview
{
    private const string Group = "admission.k8s.io/";

    public static byte[] Request(string reviewVersion, string uid, AdmissionAttributes attributes, MatchedVersion version, JsonObject? value, JsonObject? old)
    {
        var request = new JsonObject { ["uid"] = uid };
        foreach (var (field, node) in RequestDescription.Of(attributes, version)) request[field] = node?.DeepClone();
        request["object"] = value?.DeepClone();
        request["oldObject"] = old?.DeepClone();
        request["dryRun"] = attributes.DryRun;
        request["options"] = RequestDescription.Options(attributes);
        return ObjectWriter.Write(new JsonObject { ["kind"] = "AdmissionReview", ["apiVersion"] = Group + reviewVersion, ["request"] = request });
    }

    /// <exception cref="JsonException">It is no review.</exception>
    /// <exception cref="FormatException">It is not an answer to this request; the message says why, as Kubernetes does.</exception>
    public static AdmissionResponse Read(ReadOnlySpan<byte> body, string reviewVersion, string uid, bool isMutating)
    {
        if (JsonNode.Parse(body) is not JsonObject review) throw new JsonException("it is not an object");
        if (review.Obj("response") is not { } response) throw new FormatException("webhook response was absent");
        var isStrict = reviewVersion == "v1";
        if (isStrict) CheckHead(review, response, uid);
        var patch = PatchOf(response);
        var patchType = response.StrOrNull("patchType");
        if (!isStrict) (patch, patchType) = isMutating ? (patch, patch.Length > 0 ? "JSONPatch" : "") : ([], "");
        else if (isMutating) CheckPatch(patch, patchType);
        else if (patch.Length > 0) throw new FormatException("validating webhook may not return response.patch");
        else if (patchType is not null) throw new FormatException("validating webhook may not return response.patchType");
        return new(response.Bool("allowed"), response.Obj("status"), patch, patchType ?? "", response.StringMap("auditAnnotations"), [.. response.Strings("warnings")]);
    }

    private static void CheckHead(JsonObject review, JsonObject response, string uid)
    {
        if (response.Str("uid") != uid) throw new FormatException($"expected response.uid={GoValues.Quote(uid)}, got {GoValues.Quote(response.Str("uid"))}");
        var (apiVersion, kind) = (review.Str("apiVersion"), review.Str("kind"));
        if (apiVersion != Group + "v1" || kind != "AdmissionReview") throw new FormatException($"expected webhook response of {Group}v1, Kind=AdmissionReview, got {(apiVersion.Length == 0 ? "/" : apiVersion)}, Kind={kind}");
    }

    private static void CheckPatch(byte[] patch, string? patchType)
    {
        if (patch.Length > 0 && patchType is null) throw new FormatException("webhook returned response.patch but not response.patchType");
        if (patch.Length == 0 && patchType is not null) throw new FormatException("webhook returned response.patchType but not response.patch");
        if (patchType is { Length: 0 }) throw new FormatException("webhook returned invalid response.patchType of \"\"");
    }

    private static byte[] PatchOf(JsonObject response)
    {
        if (response.StrOrNull("patch") is not { Length: > 0 } text) return response.Has("patch") && response.StrOrNull("patch") is null ? throw new JsonException("response.patch is no string") : [];
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var count) ? bytes[..count] : throw new JsonException("response.patch is not base64");
    }
}
