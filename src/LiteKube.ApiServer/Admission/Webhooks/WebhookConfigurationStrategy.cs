using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>Webhook configurations: they are in force when their writer gets its answer.</summary>
/// <param name="written">Told of each write before its answer.</param>
internal sealed class WebhookConfigurationStrategy(ResourceInfo resource, Action written) : ValidatedStrategy(resource, WebhookConfigurationRules.Validate)
{
    public override void AfterWrite(JsonObject? value, JsonObject? old) => written();
}
