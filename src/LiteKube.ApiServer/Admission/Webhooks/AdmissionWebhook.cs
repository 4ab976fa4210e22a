using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Extensions.Webhooks;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>One webhook of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration, ready to be asked.</summary>
internal sealed class AdmissionWebhook
{
    private AdmissionWebhook(string configuration, int index, JsonObject webhook)
    {
        (Configuration, Name) = (configuration, webhook.Str("name"));
        Id = string.Create(CultureInfo.InvariantCulture, $"{configuration}/{Name}/{index}");
        Matcher = RequestMatcher.OfWebhook(webhook);
        Conditions = MatchConditions.Read(webhook, ExpressionContext.Environment);
        (Target, ClientComplaint) = ReadClient(webhook.Obj("clientConfig"));
        Timeout = TimeSpan.FromSeconds(webhook.LongOrNull("timeoutSeconds") ?? 10);
        IgnoresFailures = webhook.Str("failurePolicy") == "Ignore";
        AllowsDryRun = webhook.Str("sideEffects") is "None" or "NoneOnDryRun";
        ReviewVersion = webhook.Strings("admissionReviewVersions").FirstOrDefault(ReviewVersionRules.Known.Contains);
        IsReinvocable = webhook.Str("reinvocationPolicy") == "IfNeeded";
    }

    /// <summary>The name of its configuration.</summary>
    public string Configuration { get; }
    public string Name { get; }

    /// <summary>Tells it from all others, also from one of the same name in another configuration.</summary>
    public string Id { get; }
    public RequestMatcher Matcher { get; }
    public MatchConditions Conditions { get; }

    /// <summary>Null: <see cref="ClientComplaint"/> says why it cannot be called.</summary>
    public WebhookTarget? Target { get; }
    public string? ClientComplaint { get; }
    public TimeSpan Timeout { get; }
    public bool IgnoresFailures { get; }
    public bool AllowsDryRun { get; }

    /// <summary>Of admission.k8s.io: the first that it accepts and this server knows; null: none.</summary>
    public string? ReviewVersion { get; }
    public bool IsReinvocable { get; }

    /// <summary>Names that make no URL pass validation: such a webhook fails its own requests, not the reading of all.</summary>
    private static (WebhookTarget?, string?) ReadClient(JsonObject? client)
    {
        if (client.Str("caBundle") is { Length: > 0 } bundle && WebhookClientRules.BundleComplaint(bundle) is { } complaint) return (null, complaint);
        try
        {
            return (WebhookTarget.Read(client), null);
        }
        catch (FormatException exception)
        {
            return (null, exception.Message);
        }
    }

    public static IReadOnlyList<AdmissionWebhook> ReadAll(JsonObject configuration) => [.. configuration.Items("webhooks").Select((w, i) => new AdmissionWebhook(configuration.MetaName(), i, w))];
}
