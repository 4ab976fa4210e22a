using System.Text;
using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.FlowControl;
using LiteKube.ApiServer.Metrics;
using LiteKube.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>
/// What happens to every request whose user is known: its meaning is read from its path, it is authorized, counted and
/// answered; whatever goes wrong becomes a Status. Knows nothing of HTTP connections: components of this process pass
/// through it as well.
/// </summary>
internal sealed class RequestPipeline(
    IAuthorizer authorizer, ResourceEndpoints resources, NonResourceEndpoints others, FlowGate gate, RequestDeadlines deadlines, StoreHealth storeHealth, ServerMetrics metrics, AuditTrail? audit, ILogger<RequestPipeline> logger)
{
    private const int MaxWarningLength = 4096;
    private const int MaxLongWarningLength = 256;

    private static readonly ReadOnlyMemory<byte> NotFoundText = "404 page not found\n"u8.ToArray();

    /// <summary>Null: nothing is recorded.</summary>
    public AuditTrail? Audit => audit;

    /// <remarks>A watch or a stream of an audited request is complete when its transport says so (<see cref="ApiRequest.Audit"/>).</remarks>
    public ValueTask<ApiResult> HandleAsync(ApiRequest request, CancellationToken cancellationToken) =>
        audit is null ? AnswerOrExplainAsync(request, cancellationToken) : AnswerAuditedAsync(request, audit, cancellationToken);

    private async ValueTask<ApiResult> AnswerAuditedAsync(ApiRequest request, AuditTrail trail, CancellationToken cancellationToken)
    {
        request.Info = RequestInfoParser.Parse(request.Method, request.Path, request.Query);
        request.Audit = trail.Begin(request, request.OriginalUser ?? request.User);
        if (request.Audit is not { } audited) return await AnswerOrExplainAsync(request, cancellationToken);
        await audited.ReceivedAsync();
        ApiResult result;
        try
        {
            result = await AnswerOrExplainAsync(request, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await audited.CompleteAsync(null, StatusCodes.Status499ClientClosedRequest);
            throw;
        }
        if (result is WatchResult) await audited.StartedAsync(result.StatusCode);
        else if (result is not ConnectResult) await audited.CompleteAsync(result, result.StatusCode);
        return result;
    }

    private async ValueTask<ApiResult> AnswerOrExplainAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        var started = metrics.Start();
        ApiResult result;
        try
        {
            request.Info ??= RequestInfoParser.Parse(request.Method, request.Path, request.Query);
            result = await AnswerAsync(request, cancellationToken);
            if (request.Info.Verb is "create" or "update" or "patch" or "delete") storeHealth.Succeeded();
        }
        catch (UnknownPathException)
        {
            result = new BytesResult(NotFoundText) { StatusCode = 404, ContentType = "text/plain; charset=utf-8" };
        }
        catch (OperationCanceledException) when (request.Deadline is { HasExpired: true } deadline)
        {
            result = StatusObjects.Result(deadline.Error());
        }
        catch (Exception exception) when (!(exception is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            result = StatusObjects.Result(Translate(request, exception), request);
            if (request.Audit is { } audited && StatusObjects.Translate(exception) is null) await audited.PanickedAsync(result);
        }
        metrics.Finish(request, result.StatusCode, started);
        return result;
    }

    /// <summary>To be called for every request, when its answer is written: it gives back what it held.</summary>
    public void End(ApiRequest request)
    {
        gate.End(request);
        request.Deadline?.Dispose();
        request.Deadline = null;
    }

    /// <summary>A watch has sent its initial objects and costs little from now on.</summary>
    public void Leave(ApiRequest request) => gate.Leave(request);

    private async ValueTask<ApiResult> AnswerAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        var limit = RequestDeadlines.LimitOf(request);
        // A quarter of the time may go by in a queue.
        if (!await gate.EnterAsync(request, limit / 4, cancellationToken)) return FlowGate.Refusal(request);
        Authorize(request);
        if (!request.Info.IsResourceRequest) return await others.HandleAsync(request, cancellationToken);
        if (deadlines.For(request, limit, cancellationToken) is not { } deadline) return await resources.HandleAsync(request, cancellationToken);
        request.Deadline = deadline;
        var answer = resources.HandleAsync(request, deadline.Token);
        if (!answer.IsCompleted) deadline.Arm();
        return await answer;
    }

    private void Authorize(ApiRequest request)
    {
        var decision = authorizer.Authorize(request.User, request.Info);
        if (request.Audit is { } audited)
        {
            audited.Annotate("authorization.k8s.io/decision", decision.Allowed ? "allow" : "forbid");
            audited.Annotate("authorization.k8s.io/reason", decision.Reason);
        }
        if (!decision.Allowed) throw ForbiddenStatus.For(request.User, request.Info, decision.Reason);
    }

    /// <summary>What the client is told of an error; one that nobody expected is logged.</summary>
    public ApiException Translate(ApiRequest request, Exception exception)
    {
        if (exception is StoreUnavailableException unavailable) storeHealth.Failed(unavailable.Message);
        if (StatusObjects.Translate(exception) is { } known) return known;
        ApiServerLog.RequestFailed(logger, request.Method, request.Path, request.User.Name, exception);
        // The client learns that it is our fault; what the fault is stays in our log.
        return ApiException.Internal($"the request could not be handled; the server's log says why ({request.Method} {request.Path})");
    }

    /// <summary>The Warning headers of an answer. Who warns may be a webhook: of much the beginnings are shown, as upstream shows them.</summary>
    public static string[] WarningHeaders(IEnumerable<string> warnings)
    {
        var texts = warnings.Where(w => w.Length > 0).Distinct(StringComparer.Ordinal).ToList();
        if (texts.Sum(t => t.Length) <= MaxWarningLength) return [.. texts.Select(WarningHeader)];
        var headers = new List<string>();
        var length = 0;
        foreach (var text in texts)
        {
            if (length >= MaxWarningLength) break;
            var shown = text.Length > MaxLongWarningLength ? text[..MaxLongWarningLength] : text;
            length += shown.Length;
            headers.Add(WarningHeader(shown));
        }
        return [.. headers];
    }

    /// <summary>A Warning header's value (RFC 7234) as kubectl prints it.</summary>
    private static string WarningHeader(string text)
    {
        var quoted = new StringBuilder("299 - \"");
        foreach (var c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\');
            quoted.Append(char.IsControl(c) || c > 126 ? '?' : c);
        }
        return quoted.Append('"').ToString();
    }
}
