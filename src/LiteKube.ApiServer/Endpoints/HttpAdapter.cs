using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authentication.Oidc;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Watch;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>HTTP on one side, the pipeline on the other: who asks, what they ask, and how the answer is written.</summary>
internal sealed class HttpAdapter(RequestPipeline pipeline, IAuthenticator authenticator, TokenIssuers issuers, IAuthorizer authorizer, int maxBodyBytes, ILogger<HttpAdapter> logger, CancellationToken stopping)
{
    private const int WatchFlushBytes = 64 * 1024;

    /// <summary>The pace of watches is the transport's own affair: it keeps real time whatever clock the server runs on.</summary>
    private static readonly TimeProvider TransportClock = TimeProvider.System;

    private readonly WatchPace _watchPace = new(TransportClock);

    // As Go writes upstream's X-Kubernetes-PF-FlowSchema-UID.
    private const string SchemaUidHeader = "X-Kubernetes-Pf-Flowschema-Uid";
    private const string LevelUidHeader = "X-Kubernetes-Pf-Prioritylevel-Uid";

    private static readonly StringValues NoCache = "no-cache, private";

    public async Task ProcessAsync(HttpContext context)
    {
        var cancellationToken = context.RequestAborted;
        ApiRequest? request = null;
        try
        {
            (request, var refusal) = await ReadAsync(context, cancellationToken);
            var result = request is null ? refusal! : await pipeline.HandleAsync(request, cancellationToken);
            if (request?.Audit is { } audited) await WriteAuditedAsync(context, request, audited, result, cancellationToken);
            else await WriteAsync(context, request, result, cancellationToken);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ConnectionAbortedException or ConnectionResetException && cancellationToken.IsCancellationRequested)
        {
            // The client went away; nobody is left to answer.
        }
        catch (BadHttpRequestException exception) when (!context.Response.HasStarted)
        {
            await WriteAsync(context, null, StatusObjects.Result(new ApiException(exception.StatusCode, exception.StatusCode == 413 ? "RequestEntityTooLarge" : "BadRequest", exception.Message)), cancellationToken);
        }
        catch (Exception exception)
        {
            // The answer has begun: what can be said is said by breaking off.
            ApiServerLog.RequestFailed(logger, context.Request.Method, context.Request.Path, "", exception);
            context.Abort();
        }
        finally
        {
            if (request is not null) pipeline.End(request);
        }
    }

    /// <summary>The request with its user, or why it has none.</summary>
    private async ValueTask<(ApiRequest?, ApiResult?)> ReadAsync(HttpContext context, CancellationToken cancellationToken)
    {
        UserInfo? user = null, original = null;
        var constraint = "";
        try
        {
            user = await authenticator.AuthenticateAsync(RequestCredentials.Read(context), cancellationToken) ?? issuers.Anonymous.UserFor(context.Request.Path.Value ?? "/");
            if (RequestCredentials.HasImpersonation(context.Request.Headers))
            {
                var message = context.Request;
                var info = RequestInfoParser.Parse(message.Method, message.Path.Value ?? "/", QueryParameters.Parse(message.QueryString.Value ?? ""));
                original = user;
                (user, constraint) = Impersonation.Apply(user, message.Headers, info, authorizer);
                if (ReferenceEquals(user, original)) original = null;
            }
        }
        catch (ApiException exception)
        {
            var refusal = StatusObjects.Result(exception);
            if (pipeline.Audit is { } trail) await RecordRefusalAsync(context, trail, user, refusal);
            return (null, refusal);
        }
        return (Wrap(context, user, original, constraint), null);
    }

    private HttpApiRequest Wrap(HttpContext context, UserInfo? user, UserInfo? original, string constraint = "")
    {
        var message = context.Request;
        var headers = message.Headers;
        return new HttpApiRequest(context, maxBodyBytes)
        {
            Method = message.Method,
            Path = message.Path.Value ?? "/",
            RawQuery = message.QueryString.Value ?? "",
            ContentType = message.ContentType,
            Accept = headers.Accept,
            IfNoneMatch = headers.IfNoneMatch,
            UserAgent = headers.UserAgent.ToString(),
            User = user ?? UserInfo.Anonymous,
            OriginalUser = original,
            ImpersonationConstraint = constraint,
            IsAuthenticated = user is not null,
        };
    }

    /// <summary>Credentials that prove nothing, or an impersonation that is not allowed (then the user is known).</summary>
    private async ValueTask RecordRefusalAsync(HttpContext context, AuditTrail trail, UserInfo? user, ApiResult refusal)
    {
        var request = Wrap(context, user, null);
        request.Info = RequestInfoParser.Parse(request.Method, request.Path, request.Query);
        if (trail.Begin(request, user) is not { } audited) return;
        await audited.ReceivedAsync();
        await audited.CompleteAsync(refusal, refusal.StatusCode);
    }

    /// <summary>What goes on after the answer began is complete when it ends, however it ends.</summary>
    private async ValueTask WriteAuditedAsync(HttpContext context, ApiRequest request, AuditedRequest audited, ApiResult result, CancellationToken cancellationToken)
    {
        var response = context.Response;
        response.Headers["Audit-ID"] = audited.Id;
        if (result is ConnectResult)
            response.OnStarting(() => audited.StartedAsync(response.StatusCode).AsTask());
        try
        {
            await WriteAsync(context, request, result, cancellationToken);
        }
        finally
        {
            await audited.CompleteAsync(null, response.StatusCode);
        }
    }

    private async ValueTask WriteAsync(HttpContext context, ApiRequest? request, ApiResult result, CancellationToken cancellationToken)
    {
        if (result is ConnectResult connect)
        {
            await ConnectAsync(context, connect, cancellationToken);
            return;
        }
        if (result is WatchResult watched && WebSocketUpgrade.IsAskedFor(context))
        {
            await WriteWatchMessagesAsync(context, request!, watched, cancellationToken);
            return;
        }
        var response = context.Response;
        response.StatusCode = result.StatusCode;
        response.ContentType = result.ContentType;
        response.Headers.CacheControl = NoCache;
        if (request?.Flow is { } flow)
        {
            response.Headers[SchemaUidHeader] = flow.SchemaUid;
            response.Headers[LevelUidHeader] = flow.LevelUid;
        }
        foreach (var (name, value) in result.Headers) response.Headers[name] = value;
        if (request is { HasWarnings: true }) response.Headers.Warning = new StringValues(RequestPipeline.WarningHeaders(request.Warnings));
        switch (result)
        {
            case BytesResult bytes: await ResponseBodies.WriteAsync(context, bytes, cancellationToken); break;
            case CompressedResult packed: await ResponseBodies.WriteAsync(context, packed, cancellationToken); break;
            case ListResult list: await ResponseBodies.WriteAsync(context, list, cancellationToken); break;
            case WatchResult watch: await WriteWatchAsync(context, request!, watch, cancellationToken); break;
            default: throw new InvalidOperationException($"Nothing writes a {result.GetType().Name}.");
        }
    }

    private async ValueTask ConnectAsync(HttpContext context, ConnectResult connect, CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        // Another server does the work from here, under limits of its own.
        if (connect is RelayedResult) pipeline.Leave(connect.Request);
        try
        {
            await connect.Run(context, linked.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The server stops; the connection ends with it.
        }
        catch (Exception exception) when (!context.Response.HasStarted && !cancellationToken.IsCancellationRequested)
        {
            context.Response.Clear();
            await WriteAsync(context, connect.Request, StatusObjects.Result(pipeline.Translate(connect.Request, exception), connect.Request), cancellationToken);
        }
    }

    private async ValueTask WriteWatchAsync(HttpContext context, ApiRequest request, WatchResult result, CancellationToken cancellationToken)
    {
        await using var stream = result.Stream;
        var writer = context.Response.BodyWriter;
        // Headers go out at once: a client counts a watch as open when it has them.
        await context.Response.StartAsync(cancellationToken);
        await writer.FlushAsync(cancellationToken);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        try
        {
            var clock = TransportClock;
            long? flushed = null;
            while (await stream.WaitAsync(linked.Token))
            {
                if (flushed is { } last)
                {
                    var rest = _watchPace.Gap - clock.GetElapsedTime(last);
                    if (rest > TimeSpan.Zero) await Task.Delay(rest, clock, linked.Token);
                }
                while (stream.TryWrite(writer))
                {
                    if (writer.UnflushedBytes >= WatchFlushBytes && (await writer.FlushAsync(linked.Token)).IsCompleted) return;
                }
                if ((await writer.FlushAsync(linked.Token)).IsCompleted) return;
                if (stream.HasSentInitial) pipeline.Leave(request);
                _watchPace.Flushed();
                flushed = clock.GetTimestamp();
            }
            // A last bookmark may have become due at the end.
            while (stream.TryWrite(writer)) continue;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The server stops: the stream ends in order, the client asks again elsewhere or later.
        }
    }

    private async ValueTask WriteWatchMessagesAsync(HttpContext context, ApiRequest request, WatchResult result, CancellationToken cancellationToken)
    {
        await using var stream = result.Stream;
        if (WatchSocket.RefusalOf(context) is { } statusCode)
        {
            context.Response.StatusCode = statusCode;
            if (statusCode == StatusCodes.Status400BadRequest) context.Response.Headers.SecWebSocketVersion = "13";
            return;
        }
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        try
        {
            await WatchSocket.RunAsync(context, stream, isText: result.ContentType == ApiResult.Json, () => pipeline.Leave(request), linked.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The server stops; the connection ends with it.
        }
    }
}
