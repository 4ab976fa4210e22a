using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Audit;

/// <summary>What is gathered about one request while it is answered; its events are written at its stages.</summary>
internal sealed class AuditedRequest(AuditTrail trail, ApiRequest request, AuditDecision decision, string id, DateTimeOffset received)
{
    private readonly Lock _lock = new();
    private SortedDictionary<string, string>? _annotations;
    private bool _isComplete;

    public ApiRequest Request { get; } = request;
    public AuditDecision Decision { get; } = decision;

    /// <summary>In the header Audit-ID of request and answer.</summary>
    public string Id { get; } = id;

    public DateTimeOffset Received { get; } = received;
    public IReadOnlyDictionary<string, string>? Annotations => _annotations;

    /// <summary>JSON; empty below the level that wants it.</summary>
    public ReadOnlyMemory<byte> RequestBody { get; private set; }

    /// <summary>Name, namespace and uid of what was sent, for a reference that the path leaves incomplete.</summary>
    public (string Namespace, string Name, string Uid, string ResourceVersion) Sent { get; private set; } = ("", "", "", "");

    /// <summary>Admission plugins run in one request's turn, webhooks among them perhaps at the same time.</summary>
    public void Annotate(string key, string value)
    {
        lock (_lock)
            (_annotations ??= new(StringComparer.Ordinal))[key] = value;
    }

    /// <summary>The object as it was decoded, before admission changes it.</summary>
    public void SetRequestObject(JsonObject value)
    {
        Sent = (value.Namespace(), value.Name(), value.Uid(), value.ResourceVersion());
        if (Decision.Level >= AuditLevel.Request)
            RequestBody = ObjectWriter.Write(Decision.OmitsManagedFields ? AuditEvents.WithoutManagedFields(value) : value);
    }

    /// <summary>A body that is no object of the resource: a patch, options.</summary>
    public void SetRequestBody(ReadOnlyMemory<byte> body)
    {
        if (Decision.Level < AuditLevel.Request || body.IsEmpty)
            return;
        try
        {
            // YAML is JSON's superset; what is neither is refused elsewhere and shows in the answer.
            RequestBody = ObjectDecoder.ParseYaml(body.Span) is { } node ? ObjectWriter.Write(node) : default;
        }
        catch (DecodeException)
        {
            RequestBody = default;
        }
    }

    public ValueTask ReceivedAsync() => trail.WriteAsync(this, AuditStages.RequestReceived, null, 0);

    /// <summary>The answer of a request that goes on: a watch, a stream.</summary>
    public ValueTask StartedAsync(int statusCode) => trail.WriteAsync(this, AuditStages.ResponseStarted, null, statusCode);

    /// <summary>Once; later calls do nothing.</summary>
    public ValueTask CompleteAsync(ApiResult? result, int statusCode)
    {
        if (_isComplete)
            return ValueTask.CompletedTask;
        _isComplete = true;
        return trail.WriteAsync(this, AuditStages.ResponseComplete, result, statusCode);
    }

    /// <summary>Something failed that nobody expected.</summary>
    public ValueTask PanickedAsync(ApiResult result)
    {
        _isComplete = true;
        return trail.WriteAsync(this, AuditStages.Panic, result, result.StatusCode);
    }
}
