using System.Text.Json.Nodes;
using LiteKube.Apis.Certificates;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>
/// Certificate signing requests (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/):
/// who asks is what the server knows, never what the object claims; /approval decides, /status brings the certificate.
/// </summary>
internal sealed class CertificateSigningRequestStrategy(ResourceInfo resource, TimeProvider time) : DefaultStrategy(resource)
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly FieldPath Conditions = FieldPath.Of("status").Child("conditions");
    private static readonly FieldPath Certificate = FieldPath.Of("status").Child("certificate");
    private static readonly string[] Decisions = ["Approved", "Denied"];
    private static readonly string[] Lasting = ["Approved", "Denied", "Failed"];

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        base.PrepareForCreate(value, context);
        var (spec, user) = (value.GetOrAdd("spec"), TokenReviews.UserJson(context.User));
        foreach (var field in (string[])["username", "uid", "groups", "extra"])
            spec.SetOrRemove(field, user[field]);
    }

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        var status = value.Obj("status")?.DeepClone() as JsonObject ?? [];
        if (context.Subresource is "status" or "approval")
            KeepAllButStatus(value, old);
        KeepField(value, old, "spec");
        KeepField(value, old, "status");
        if (context.Subresource == "approval")
            value.GetOrAdd("status").SetOrRemove("conditions", status["conditions"]);
        else if (context.Subresource == "status")
            value["status"] = WithDecisionsOf(old, status);
        if (context.Subresource is "status" or "approval")
            StampTimes(value, old);
        if (value.Obj("status") is { Count: 0 })
            value.Remove("status");
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context) => Check(value, null, errors);

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        Check(value, old, errors);
        foreach (var type in Lasting)
        {
            if (Of(value, type).Count < Of(old, type).Count)
                errors.Forbidden(Conditions, $"updates may not remove a condition of type \"{type}\"");
        }
        if (context.Subresource != "approval")
            CheckDecisionsKept(value, old, errors);
        var (certificate, before) = (value.Obj("status").Str("certificate"), old.Obj("status").Str("certificate"));
        if (certificate == before)
            return;
        if (context.Subresource != "status")
            errors.Forbidden(Certificate, "updates may not set certificate content");
        else if (before.Length > 0)
            errors.Forbidden(Certificate, "updates may not modify existing certificate content");
    }

    private static void Check(JsonObject value, JsonObject? old, FieldErrors errors)
    {
        var spec = value.Obj("spec") ?? [];
        if (old is null)
            CheckSpec(spec, errors);
        CheckConditions(value, old, errors);
        if (value.Obj("status").Str("certificate") != old.Obj("status").Str("certificate") && CertificateValidation.Bytes(value.Obj("status"), "certificate") is { } certificate
            && CertificateValidation.ChainError(certificate) is { } complaint)
        {
            errors.Invalid(Certificate, "<certificate data>", complaint);
        }
    }

    /// <summary>Checked once: it cannot change afterwards.</summary>
    private static void CheckSpec(JsonObject spec, FieldErrors errors)
    {
        if (CertificateValidation.RequestError(CertificateValidation.Bytes(spec, "request")) is { } complaint)
            errors.Invalid(Spec.Child("request"), spec.Str("request"), complaint);
        var usages = spec.Strings("usages").ToList();
        if (usages.Count == 0)
            errors.Required(Spec.Child("usages"), "");
        for (var i = 0; i < usages.Count; i++)
        {
            if (!KeyUsages.IsKnown(usages[i]))
                errors.NotSupported(Spec.Child("usages").Index(i), usages[i], KeyUsages.All);
        }
        for (var i = 0; i < usages.Count; i++)
        {
            if (usages.IndexOf(usages[i]) < i)
                errors.Duplicate(Spec.Child("usages").Index(i), usages[i]);
        }
        var signer = spec.Str("signerName");
        if (signer == CertificateValidation.LegacySigner)
            errors.Invalid(Spec.Child("signerName"), signer, "the legacy signerName is not allowed via this API version");
        else
            CertificateValidation.SignerName(errors, Spec.Child("signerName"), signer);
        if (spec.LongOrNull("expirationSeconds") is { } seconds && seconds < 600)
            errors.Invalid(Spec.Child("expirationSeconds"), seconds, "may not specify a duration less than 600 seconds (10 minutes)");
    }

    private static void CheckConditions(JsonObject value, JsonObject? old, FieldErrors errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var mayBoth = Decisions.All(d => old is not null && Of(old, d).Count > 0);
        var index = -1;
        foreach (var condition in value.Obj("status").Items("conditions"))
        {
            var at = Conditions.Index(++index);
            var (type, status) = (condition.Str("type"), condition.Str("status"));
            if (type.Length == 0)
                errors.Required(at.Child("type"), "");
            string[] allowed = Lasting.Contains(type) ? ["True"] : ["False", "True", "Unknown"];
            if (status.Length == 0)
                errors.Required(at.Child("status"), "");
            else if (!allowed.Contains(status))
                errors.NotSupported(at.Child("status"), status, allowed);
            if (!mayBoth && Decisions.Contains(type) && Decisions.Any(d => d != type && seen.Contains(d)))
                errors.Invalid(at.Child("type"), type, "Approved and Denied conditions are mutually exclusive");
            if (!seen.Add(type))
                errors.Duplicate(at.Child("type"), type);
        }
    }

    private static void CheckDecisionsKept(JsonObject value, JsonObject old, FieldErrors errors)
    {
        foreach (var type in Decisions)
        {
            var (now, before) = (Of(value, type), Of(old, type));
            if (now.Count > before.Count)
                errors.Forbidden(Conditions, $"updates may not add a condition of type \"{type}\"");
            else if (now.Count == before.Count && !now.Zip(before).All(p => p.First.SameAs(p.Second)))
                errors.Forbidden(Conditions, $"updates may not modify a condition of type \"{type}\"");
        }
    }

    /// <summary>A signer that knows less fields of a decision than there are does not lose them; adding and removing one is refused later.</summary>
    private static JsonObject WithDecisionsOf(JsonObject old, JsonObject status)
    {
        if (status.Arr("conditions") is not { } conditions)
            return status;
        foreach (var type in Decisions)
        {
            var before = new Queue<JsonObject>(Of(old, type));
            if (before.Count != conditions.OfType<JsonObject>().Count(c => c.Str("type") == type))
                continue;
            for (var i = 0; i < conditions.Count; i++)
            {
                if (conditions[i] is JsonObject condition && condition.Str("type") == type)
                    conditions[i] = before.Dequeue().DeepClone();
            }
        }
        return status;
    }

    private void StampTimes(JsonObject value, JsonObject old)
    {
        var now = ObjectFields.FormatTime(time.GetUtcNow());
        foreach (var condition in value.Obj("status").Items("conditions"))
        {
            if (!condition.Has("lastUpdateTime"))
                condition["lastUpdateTime"] = now;
            if (condition.Has("lastTransitionTime"))
                continue;
            var same = Of(old, condition.Str("type")).Find(c => c.Str("status") == condition.Str("status") && c.Has("lastTransitionTime"));
            condition["lastTransitionTime"] = same is null ? now : same.Str("lastTransitionTime");
        }
    }

    private static List<JsonObject> Of(JsonObject value, string type) => [.. value.Obj("status").Items("conditions").Where(c => c.Str("type") == type)];
}
