using System.Globalization;
using LiteKube.ApiServer.Metrics;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>Asks all validating webhooks at the same time; the first of them that refuses, in their order, is what the client hears of.</summary>
internal sealed class ValidatingWebhooks(WebhookConfigurations configurations, WebhookDispatcher dispatcher) : IAdmissionPlugin
{
    public string Name => "ValidatingAdmissionWebhook";

    public bool Handles(AdmissionOperation operation) => true;

    public ValueTask MutateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        var webhooks = configurations.Validating.Current;
        return webhooks.Count == 0 || WebhookConfigurations.IsExempt(attributes) ? ValueTask.CompletedTask : RunAsync(webhooks, attributes, cancellationToken);
    }

    private async ValueTask RunAsync(IReadOnlyList<AdmissionWebhook> webhooks, AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        var shown = new ShownObjects(attributes);
        var invocations = new List<WebhookInvocation>();
        foreach (var webhook in webhooks)
        {
            if (await dispatcher.PrepareAsync(webhook, attributes, shown, AdmissionMetrics.Validating, cancellationToken) is { } invocation) invocations.Add(invocation);
        }
        if (invocations.Count == 0) return;
        var outcomes = await Task.WhenAll(invocations.Select(i => dispatcher.CallAsync(i, attributes, AdmissionMetrics.Validating, null, cancellationToken)));
        ApiException? error = null;
        for (var i = 0; i < outcomes.Length; i++)
        {
            WebhookDispatcher.Report(attributes, invocations[i].Webhook, outcomes[i], string.Create(CultureInfo.InvariantCulture, $"validating.webhook.admission.k8s.io/round_0_index_{i}"));
            error ??= outcomes[i].Error;
        }
        if (error is not null) throw error;
    }
}
