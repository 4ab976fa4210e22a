using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Defaulting;
using LiteKube.Apis.Patching;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Metrics;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Ownership;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>
/// Asks the mutating webhooks one after the other; each sees what the ones before made of the object. What a patch leaves
/// is pruned and defaulted like a request's body. One that changed the object has the other plugins run once more, and of
/// the webhooks those that asked for it (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#reinvocation-policy).
/// </summary>
internal sealed class MutatingWebhooks(WebhookConfigurations configurations, WebhookDispatcher dispatcher) : IAdmissionPlugin
{
    public string Name => "MutatingAdmissionWebhook";

    public bool Handles(AdmissionOperation operation) => true;

    public ValueTask MutateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        var webhooks = configurations.Mutating.Current;
        return webhooks.Count == 0 || WebhookConfigurations.IsExempt(attributes) ? ValueTask.CompletedTask : RunAsync(webhooks, attributes, cancellationToken);
    }

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    private async ValueTask RunAsync(IReadOnlyList<AdmissionWebhook> webhooks, AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        var rounds = attributes.State(this, static () => new Rounds());
        if (attributes.IsReinvocation) rounds.BeginSecond(attributes.Object);
        var shown = new ShownObjects(attributes);
        for (var i = 0; i < webhooks.Count; i++)
        {
            var webhook = webhooks[i];
            // Nobody is asked for the first time in the second round.
            if (attributes.IsReinvocation && !rounds.IsDue(webhook)) continue;
            if (await dispatcher.PrepareAsync(webhook, attributes, shown, AdmissionMetrics.Admit, cancellationToken) is not { } invocation) continue;
            var isChanged = false;
            var place = string.Create(CultureInfo.InvariantCulture, $"round_{(attributes.IsReinvocation ? 1 : 0)}_index_{i}");
            var outcome = await dispatcher.CallAsync(invocation, attributes, AdmissionMetrics.Admit, async response => isChanged = await ApplyAsync(invocation, attributes, response, place, cancellationToken), cancellationToken);
            attributes.Annotate("mutation.webhook.admission.k8s.io/" + place, Mutation(webhook, isChanged));
            WebhookDispatcher.Report(attributes, webhook, outcome, "mutating.webhook.admission.k8s.io/" + place);
            if (outcome.Error is not null) throw outcome.Error;
            if (isChanged)
            {
                shown.Forget();
                rounds.Changed();
                attributes.RequireReinvocation();
            }
            if (webhook.IsReinvocable) rounds.Asked(webhook);
        }
        rounds.End(attributes.Object);
    }

    /// <returns>Whether the object is another now.</returns>
    /// <exception cref="WebhookFailure">The patch is none.</exception>
    private static async ValueTask<bool> ApplyAsync(WebhookInvocation invocation, AdmissionAttributes attributes, AdmissionResponse response, string place, CancellationToken cancellationToken)
    {
        var name = invocation.Webhook.Name;
        if (response.Patch.Length == 0) return false;
        if (response.PatchType != "JSONPatch") throw new WebhookFailure(name, $"unsupported patch type {GoValues.Quote(response.PatchType)}", 500);
        if (IsEmptyList(response.Patch.Span)) return false;
        if (invocation.Object is not { } shown) throw WebhookDenials.Internal($"admission webhook {GoValues.Quote(name)} attempted to modify the object, which is not supported for this operation");
        var kind = invocation.Version.Kind;
        var schema = invocation.Version.Served?.Info is { } info && info.GroupVersionKind == kind ? info.Schema : ResourceCatalog.BuiltIn.FindType(kind.ApiVersion, kind.Kind) ?? throw WebhookDenials.Internal($"no schema for {kind}");
        JsonObject patched;
        try
        {
            patched = JsonPatch.Apply(shown, response.Patch.Span) as JsonObject ?? throw WebhookDenials.Internal("the patched document is not an object");
            patched = ObjectDecoder.Canonicalize(patched, schema, FieldValidation.Ignore).Object;
        }
        catch (PatchException exception)
        {
            if (exception.IsUnprocessable) throw WebhookDenials.Internal(exception.Message);
            throw new WebhookFailure(name, "received undecodable patch in webhook response: " + exception.Message, 503, exception);
        }
        catch (DecodeException exception)
        {
            throw WebhookDenials.Internal(exception.Message);
        }
        if (patched.Text("apiVersion") != kind.ApiVersion || patched.Text("kind") != kind.Kind)
            throw WebhookDenials.Internal($"admission webhook {GoValues.Quote(name)} attempted to change the kind of the object from {kind} to {patched.Text("apiVersion")}, Kind={patched.Text("kind")}");
        var isChanged = !JsonEquality.AreEqual(shown, patched);
        // It may hold what only those may read who read bodies.
        if (attributes.Audit is { Decision.Level: >= AuditLevel.Request }) attributes.Annotate("patch.webhook.admission.k8s.io/" + place, PatchText(invocation.Webhook, response));
        attributes.Owners = OwnershipRecorder.AfterMutation(patched, attributes.Owners, attributes.Warnings);
        Defaulter.Apply(schema, kind, patched);
        attributes.Object = await invocation.Version.TakeBackAsync(attributes, patched, cancellationToken);
        return isChanged;
    }

    private static string Mutation(AdmissionWebhook webhook, bool isChanged) =>
        new JsonObject { ["configuration"] = webhook.Configuration, ["webhook"] = webhook.Name, ["mutated"] = isChanged }.ToJsonString();

    private static string PatchText(AdmissionWebhook webhook, AdmissionResponse response) => Encoding.UTF8.GetString(ObjectWriter.Write(new JsonObject
    {
        ["configuration"] = webhook.Configuration,
        ["webhook"] = webhook.Name,
        ["patch"] = JsonNode.Parse(response.Patch.Span),
        ["patchType"] = response.PatchType,
    }));

    private static bool IsEmptyList(ReadOnlySpan<byte> patch) => patch.Trim(" \t\r\n"u8) is [(byte)'[', .. var inner, (byte)']'] && inner.Trim(" \t\r\n"u8).IsEmpty;

    /// <summary>Which webhooks are due in the second round: those that asked to be, and after whose call something changed.</summary>
    private sealed class Rounds
    {
        private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
        private readonly HashSet<string> _due = new(StringComparer.Ordinal);
        private JsonNode? _output;

        public void Asked(AdmissionWebhook webhook) => _asked.Add(webhook.Id);

        public void Changed()
        {
            _due.UnionWith(_asked);
            _asked.Clear();
        }

        public void End(JsonObject? output) => _output = _asked.Count > 0 ? output?.DeepClone() : null;

        /// <summary>The built-in plugins have run again meanwhile: what they changed counts as well.</summary>
        public void BeginSecond(JsonObject? input)
        {
            if (_asked.Count > 0 && !JsonEquality.AreEqual(_output, input)) Changed();
        }

        public bool IsDue(AdmissionWebhook webhook) => _due.Contains(webhook.Id);
    }
}
