using System.Text.Json.Nodes;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Extensions.Webhooks;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>
/// Validates webhook configurations (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/).
/// An update may keep what the stored configuration has and newer rules refuse.
/// </summary>
internal static class WebhookConfigurationRules
{
    private static readonly string[] NoSideEffects = ["None", "NoneOnDryRun"];
    private static readonly string[] AnySideEffects = ["None", "NoneOnDryRun", "Some", "Unknown"];

    private sealed record Leniency(bool Conditions, bool SideEffects, bool Reviews, bool Names, bool Selectors);

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var webhooks = value.Items("webhooks").ToList();
        var leniency = old is null ? new(false, false, false, false, false) : LeniencyOf(webhooks, [.. old.Items("webhooks")]);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < webhooks.Count; i++)
        {
            var path = FieldPath.Of("webhooks").Index(i);
            Validate(webhooks[i], path, leniency, errors);
            ReviewVersionRules.Validate([.. webhooks[i].Strings("admissionReviewVersions")], path.Child("admissionReviewVersions"), $"must specify one of {string.Join(", ", ReviewVersionRules.Known)}", leniency.Reviews, errors);
            var name = webhooks[i].Str("name");
            if (name.Length > 0 && !names.Add(name) && !leniency.Names) errors.Duplicate(path.Child("name"), name);
        }
    }

    private static Leniency LeniencyOf(List<JsonObject> webhooks, List<JsonObject> old)
    {
        var selectors = new FieldErrors();
        foreach (var webhook in old) ValidateSelectors(webhook, FieldPath.Nil, selectors);
        return new(
            Conditions: webhooks.Count == old.Count && webhooks.Zip(old).All(p => p.First["matchConditions"].SemanticallySameAs(p.Second["matchConditions"])),
            SideEffects: old.Exists(w => !NoSideEffects.Contains(w.Str("sideEffects"))),
            Reviews: old.Exists(w => w.Strings("admissionReviewVersions").Any() && !w.Strings("admissionReviewVersions").Any(ReviewVersionRules.Known.Contains)),
            Names: old.DistinctBy(w => w.Str("name"), StringComparer.Ordinal).Count() != old.Count,
            Selectors: selectors.Count > 0);
    }

    private static void Validate(JsonObject webhook, FieldPath path, Leniency leniency, FieldErrors errors)
    {
        ValidateName(webhook.Str("name"), path.Child("name"), errors);
        var index = 0;
        foreach (var rule in webhook.Items("rules")) MatchRules.Validate(rule, path.Child("rules").Index(index++), errors);
        Checks.OneOf(errors, webhook, path, "failurePolicy", false, "Fail", "Ignore");
        Checks.OneOf(errors, webhook, path, "matchPolicy", false, "Equivalent", "Exact");
        var effects = leniency.SideEffects ? AnySideEffects : NoSideEffects;
        if (webhook.StrOrNull("sideEffects") is not { } sideEffects) errors.Required(path.Child("sideEffects"), $"must specify one of {string.Join(", ", effects)}");
        else if (!effects.Contains(sideEffects)) errors.NotSupported(path.Child("sideEffects"), sideEffects, effects);
        if (webhook.LongOrNull("timeoutSeconds") is { } timeout && timeout is < 1 or > 30) errors.Invalid(path.Child("timeoutSeconds"), timeout, "the timeout value must be between 1 and 30 seconds");
        if (!leniency.Selectors) ValidateSelectors(webhook, path, errors);
        Checks.OneOf(errors, webhook, path, "reinvocationPolicy", false, "IfNeeded", "Never");
        WebhookClientRules.Validate(webhook.Obj("clientConfig"), path.Child("clientConfig"), errors);
        if (!leniency.Conditions) MatchConditions.Validate(webhook, path.Child("matchConditions"), ExpressionContext.Environment, errors);
    }

    private static void ValidateSelectors(JsonObject webhook, FieldPath path, FieldErrors errors)
    {
        Checks.LabelSelector(errors, webhook.Obj("namespaceSelector"), path.Child("namespaceSelector"));
        Checks.LabelSelector(errors, webhook.Obj("objectSelector"), path.Child("objectSelector"));
    }

    private static void ValidateName(string name, FieldPath path, FieldErrors errors)
    {
        if (name.Length == 0) errors.Required(path, "");
        else if (NameFormats.Dns1123Subdomain(name) is { Count: > 0 } complaints) errors.Invalid(path, name, string.Join(',', complaints));
        else if (name.Split('.').Length < 3) errors.Invalid(path, name, "should be a domain with at least three segments separated by dots");
    }
}
