using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Extensions.Webhooks;
using LiteKube.ApiServer.Metrics;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>A webhook that is to be asked about a request, with the objects in the version that it wants.</summary>
internal sealed record WebhookInvocation(AdmissionWebhook Webhook, MatchedVersion Version, JsonObject? Object, JsonObject? OldObject);

/// <param name="Response">Null: none came.</param>
/// <param name="Error">What the client is told; null: the request may go on.</param>
internal readonly record struct WebhookOutcome(AdmissionResponse? Response, ApiException? Error)
{
    /// <summary>The call failed and the request goes on.</summary>
    public bool IsFailedOpen => Response is null && Error is null;
}

/// <summary>Decides which webhooks are asked, asks them, and does what their failure policies say.</summary>
internal sealed class WebhookDispatcher(IWebhookCaller caller, IObjectReader objects, IAuthorizer authorizer, AdmissionMetrics metrics, TimeProvider time, ILogger<WebhookDispatcher> logger)
{
    /// <returns>Null: the webhook is not about this request.</returns>
    /// <exception cref="ApiException">It cannot be told.</exception>
    public async ValueTask<WebhookInvocation?> PrepareAsync(AdmissionWebhook webhook, AdmissionAttributes attributes, ShownObjects shown, string type, CancellationToken cancellationToken)
    {
        if (webhook.Matcher.Match(attributes, objects) is not { } version) return null;
        var (value, old) = await shown.InAsync(version, cancellationToken);
        if (webhook.Conditions.IsEmpty) return new(webhook, version, value, old);
        var outcome = webhook.Conditions.Evaluate(new ExpressionContext(attributes, version, value, old, null, authorizer).Activation(), cancellationToken);
        if (outcome.Error is { } error)
        {
            WebhookLog.ConditionsFailed(logger, webhook.Name, error);
            throw ApiException.Forbidden(attributes.RequestResource.GroupResource, attributes.Name, error);
        }
        if (outcome.Matches) return new(webhook, version, value, old);
        metrics.Excluded(webhook.Name, "webhook", type, attributes.OperationName);
        return null;
    }

    /// <param name="apply">Does what an answer that allows the request asks for; a <see cref="WebhookFailure"/> of it is the call's.</param>
    public async Task<WebhookOutcome> CallAsync(WebhookInvocation invocation, AdmissionAttributes attributes, string type, Func<AdmissionResponse, ValueTask>? apply, CancellationToken cancellationToken)
    {
        var (webhook, started) = (invocation.Webhook, time.GetTimestamp());
        AdmissionResponse? response = null;
        try
        {
            if (attributes.DryRun && !webhook.AllowsDryRun) throw WebhookDenials.DryRunUnsupported(webhook.Name);
            response = await AskAsync(invocation, attributes, type == AdmissionMetrics.Admit, cancellationToken);
            if (response.Allowed && apply is not null) await apply(response);
        }
        catch (WebhookFailure failure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Failed(failure);
        }
        catch (ApiException exception)
        {
            Observe(true, 0, AdmissionMetrics.InternalError);
            return new(response, exception);
        }
        if (response.Allowed)
        {
            Observe(false, 200, null);
            return new(response, null);
        }
        var denial = WebhookDenials.Denied(webhook.Name, response.Status);
        Observe(true, denial.Code, AdmissionMetrics.NoError);
        return new(response, denial);

        WebhookOutcome Failed(WebhookFailure failure)
        {
            Observe(!webhook.IgnoresFailures, failure.Code, webhook.IgnoresFailures ? null : AdmissionMetrics.CallingError);
            if (!webhook.IgnoresFailures)
            {
                WebhookLog.FailedClosed(logger, webhook.Name, webhook.Configuration, failure);
                return new(null, WebhookDenials.Internal(failure.Message));
            }
            metrics.FailedOpen(webhook.Name, type);
            WebhookLog.FailedOpen(logger, webhook.Name, webhook.Configuration, failure);
            return default;
        }

        void Observe(bool isRejected, int code, string? error) => metrics.Called(webhook.Name, type, attributes.OperationName, isRejected, code, error, time.GetElapsedTime(started));
    }

    /// <summary>Hands on what an answer says beside yes and no.</summary>
    /// <param name="place">Which of the calls for the request this was: <c>mutating.webhook.admission.k8s.io/round_0_index_2</c>.</param>
    public static void Report(AdmissionAttributes attributes, AdmissionWebhook webhook, WebhookOutcome outcome, string place)
    {
        if (outcome.IsFailedOpen) attributes.Annotate("failed-open." + place, webhook.Name);
        if (outcome.Response is not { } response) return;
        foreach (var (key, value) in response.AuditAnnotations) attributes.Annotate($"{webhook.Name}/{key}", value);
        attributes.Warnings.AddRange(response.Warnings);
    }

    private async ValueTask<AdmissionResponse> AskAsync(WebhookInvocation invocation, AdmissionAttributes attributes, bool isMutating, CancellationToken cancellationToken)
    {
        var webhook = invocation.Webhook;
        if (webhook.ReviewVersion is not { } reviewVersion) throw new WebhookFailure(webhook.Name, "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)", 400);
        if (webhook.Target is not { } target) throw new WebhookFailure(webhook.Name, "could not get REST client: " + webhook.ClientComplaint, 500);
        var uid = Guid.NewGuid().ToString();
        var review = AdmissionReview.Request(reviewVersion, uid, attributes, invocation.Version, invocation.Object, invocation.OldObject);
        try
        {
            var answer = await caller.PostAsync(target, review, webhook.Timeout, cancellationToken);
            return AdmissionReview.Read(answer.Span, reviewVersion, uid, isMutating);
        }
        catch (WebhookException exception)
        {
            throw new WebhookFailure(webhook.Name, "failed to call webhook: " + exception.Message, exception.Code, exception);
        }
        catch (JsonException exception)
        {
            throw new WebhookFailure(webhook.Name, "failed to call webhook: couldn't get version/kind; json parse error: " + exception.Message, 503, exception);
        }
        catch (FormatException exception)
        {
            throw new WebhookFailure(webhook.Name, "received invalid webhook response: " + exception.Message, 503, exception);
        }
    }
}
