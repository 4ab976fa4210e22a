using LiteKube.ApiServer.Extensions.Webhooks;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>spec.conversion. Paths are those of Kubernetes' internal form: webhookClientConfig stands for webhook.clientConfig.</summary>
internal static class ConversionRules
{
    private static readonly FieldPath Root = FieldPath.Of("spec").Child("conversion");

    public static void Validate(Definition definition, Definition? before, FieldErrors errors)
    {
        if (definition.Conversion is not { } conversion) return;
        var strategy = conversion.Str("strategy");
        if (strategy.Length == 0) errors.Required(Root.Child("strategy"), "");
        else if (strategy is not ("None" or "Webhook")) errors.Unsupported(Root.Child("strategy"), strategy, ["None", "Webhook"]);
        var webhook = conversion.Obj("webhook");
        var versions = webhook.Strings("conversionReviewVersions").ToList();
        var config = Root.Child("webhookClientConfig");
        if (strategy != "Webhook")
        {
            if (webhook.Has("clientConfig")) errors.Forbidden(config, "should not be set when strategy is not set to Webhook");
            if (versions.Count > 0) errors.Forbidden(Root.Child("conversionReviewVersions"), "should not be set when strategy is not set to Webhook");
            return;
        }
        if (webhook.Obj("clientConfig") is not { } client) errors.Required(config, "required when strategy is set to Webhook");
        else WebhookClientRules.Validate(client, config, errors);
        if (webhook.Obj("clientConfig").Str("caBundle") is { Length: > 0 } bundle && !AllowsBadBundle(before) && WebhookClientRules.BundleComplaint(bundle) is { } complaint)
            errors.Invalid(config.Child("caBundle"), bundle, complaint);
        ReviewVersionRules.Validate(versions, Root.Child("conversionReviewVersions"), "", allowsUnknown: false, errors);
    }

    /// <summary>A bundle may be filled in later (by an injector), until the CRD is established; one that was bad before may stay bad.</summary>
    private static bool AllowsBadBundle(Definition? before)
    {
        if (before is null || !before.IsTrue(DefinitionConditions.Established)) return true;
        var old = before.Conversion.Obj("webhook", "clientConfig").Str("caBundle");
        return old.Length > 0 && WebhookClientRules.BundleComplaint(old) is not null;
    }
}
