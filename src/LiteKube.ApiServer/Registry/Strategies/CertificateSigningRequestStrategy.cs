using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Certificate signing requests: who asks is what the server knows, never what the object claims.</summary>
internal sealed class CertificateSigningRequestStrategy(ResourceInfo resource) : DefaultStrategy(resource)
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        base.PrepareForCreate(value, context);
        var (spec, user) = (value.GetOrAdd("spec"), TokenReviews.UserJson(context.User));
        foreach (var field in (string[])["username", "uid", "groups", "extra"])
            spec.SetOrRemove(field, user[field]);
    }

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        var status = value["status"]?.DeepClone() as JsonObject;
        KeepField(value, old, "spec");
        KeepField(value, old, "status");
        if (context.Subresource == "approval")
        {
            // Approving decides; certificate and failures are the signer's to write.
            var others = old.Obj("status").Items("conditions").Where(c => !IsDecision(c));
            var decisions = status.Items("conditions").Where(IsDecision);
            var conditions = new JsonArray([.. others.Concat(decisions).Select(c => c.DeepClone())]);
            if (conditions.Count > 0)
                value.GetOrAdd("status")["conditions"] = conditions;
        }
        else if (context.Subresource == "status")
        {
            var decisions = old.Obj("status").Items("conditions").Where(IsDecision);
            var others = status.Items("conditions").Where(c => !IsDecision(c));
            var conditions = new JsonArray([.. decisions.Concat(others).Select(c => c.DeepClone())]);
            var updated = status ?? [];
            updated.SetOrRemove("conditions", conditions.Count > 0 ? conditions : null);
            value["status"] = updated;
        }
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        var spec = value.Obj("spec") ?? [];
        if (spec.Str("request").Length == 0)
            errors.Invalid(Spec.Child("request"), "", "PEM block type must be CERTIFICATE REQUEST");
        var signer = spec.Str("signerName");
        if (signer.Length == 0)
            errors.Required(Spec.Child("signerName"), "");
        else if (!signer.Contains('/', StringComparison.Ordinal))
            errors.Invalid(Spec.Child("signerName"), signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
        if (!spec.Strings("usages").Any())
            errors.Required(Spec.Child("usages"), "usages must not be empty");
        if (spec.LongOrNull("expirationSeconds") is { } seconds && seconds < 600)
            errors.Invalid(Spec.Child("expirationSeconds"), seconds, "may not specify a duration less than 600 seconds (10 minutes)");
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        foreach (var type in (string[])["Approved", "Denied"])
        {
            if (old.Obj("status").Items("conditions").Any(c => c.Str("type") == type) && !value.Obj("status").Items("conditions").Any(c => c.Str("type") == type))
                errors.Forbidden(FieldPath.Of("status").Child("conditions"), $"updates may not remove a condition of type \"{type}\"");
        }
        if (value.Obj("status").Items("conditions").Count(IsDecision) > 1)
            errors.Invalid(FieldPath.Of("status").Child("conditions"), value.Obj("status")?["conditions"], "Approved and Denied conditions are mutually exclusive");
    }

    private static bool IsDecision(JsonObject condition) => condition.Str("type") is "Approved" or "Denied";
}
