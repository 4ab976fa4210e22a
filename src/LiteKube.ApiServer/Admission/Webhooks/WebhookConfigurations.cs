using LiteKube.Apis;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>The webhooks that are configured, in the order in which they are asked: by the names of their configurations, then as these list them.</summary>
internal sealed class WebhookConfigurations(IObjectReader objects)
{
    private const string Group = "admissionregistration.k8s.io";
    private static readonly GroupResource MutatingResource = new(Group, "mutatingwebhookconfigurations");
    private static readonly GroupResource ValidatingResource = new(Group, "validatingwebhookconfigurations");

    public ParsedObjects<AdmissionWebhook> Mutating { get; } = new(objects, MutatingResource, AdmissionWebhook.ReadAll);
    public ParsedObjects<AdmissionWebhook> Validating { get; } = new(objects, ValidatingResource, AdmissionWebhook.ReadAll);

    public void Register(StrategyRegistry strategies)
    {
        strategies.Register(Group, MutatingResource.Resource, info => new WebhookConfigurationStrategy(info, Mutating.Invalidate));
        strategies.Register(Group, ValidatingResource.Resource, info => new WebhookConfigurationStrategy(info, Validating.Invalidate));
    }

    /// <summary>What configures admission is not subject to it by webhooks or policies: nobody could undo a bad one.</summary>
    public static bool IsExempt(AdmissionAttributes attributes) => attributes.Request.Group == Group && attributes.Request.Resource is
        "mutatingwebhookconfigurations" or "validatingwebhookconfigurations" or "validatingadmissionpolicies" or "validatingadmissionpolicybindings" or "mutatingadmissionpolicies" or "mutatingadmissionpolicybindings";
}
