using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Endpoints;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Audit;

/// <summary>Decides which requests are recorded, and hands their events to the log (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/).</summary>
internal sealed class AuditTrail : IAsyncDisposable
{
    private const string IdHeader = "Audit-ID";
    private const int MaxIdLength = 64;

    private readonly AuditPolicy _policy;
    private readonly AuditLog _log;
    private readonly AuditMetrics _metrics;
    private readonly TimeProvider _time;

    private AuditTrail(AuditPolicy policy, AuditLog log, AuditMetrics metrics, TimeProvider time) => (_policy, _log, _metrics, _time) = (policy, log, metrics, time);

    /// <summary>Null when no options ask for it.</summary>
    /// <exception cref="InvalidDataException">Policy or log cannot be used.</exception>
    public static AuditTrail? Open(AuditOptions? options, AuditMetrics metrics, TimeProvider time, ILoggerFactory logs) =>
        options is null ? null : new AuditTrail(AuditPolicy.Load(options.PolicyFile), new AuditLog(options, metrics, time, logs.CreateLogger<AuditLog>()), metrics, time);

    /// <summary>Null: the policy wants nothing recorded.</summary>
    /// <param name="user">Who asks, before any impersonation; null: nobody proved to be someone.</param>
    public AuditedRequest? Begin(ApiRequest request, UserInfo? user)
    {
        var decision = _policy.Evaluate(user, request.Info);
        _metrics.Judged(decision.Level);
        if (decision.Level == AuditLevel.None)
            return null;
        var given = request.Header(IdHeader);
        return new AuditedRequest(this, request, decision, given is { Length: > 0 and <= MaxIdLength } ? given : Guid.NewGuid().ToString("D"), _time.GetUtcNow());
    }

    public ValueTask WriteAsync(AuditedRequest request, AuditStages stage, ApiResult? result, int statusCode) =>
        (request.Decision.Omitted & stage) != 0 ? ValueTask.CompletedTask : _log.WriteAsync(AuditEvents.Write(request, stage, result, statusCode, _time.GetUtcNow()));

    public ValueTask DisposeAsync() => _log.DisposeAsync();
}
