using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>metav1.Status: what an error, and a deletion that leaves nothing to show, answers.</summary>
internal static class StatusObjects
{
    public static JsonObject Failure(ApiException error)
    {
        var details = error.Details is null ? null : (JsonObject)error.Details.DeepClone();
        if (error.RetryAfter is { } wait)
        {
            details ??= [];
            details["retryAfterSeconds"] = (int)Math.Ceiling(wait.TotalSeconds);
        }
        var status = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = error.Continue is { } token ? new JsonObject { ["continue"] = token } : new JsonObject(),
            ["status"] = "Failure",
            ["message"] = error.Message,
        };
        if (error.Reason.Length > 0) status["reason"] = error.Reason;
        if (details is not null) status["details"] = details;
        status["code"] = error.Code;
        return status;
    }

    public static JsonObject Success(string group, string resource, string name, string uid)
    {
        var details = new JsonObject { ["name"] = name };
        if (group.Length > 0) details["group"] = group;
        details["kind"] = resource;
        details["uid"] = uid;
        return new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["details"] = details };
    }

    /// <param name="request">Null: what it accepts is not known. An error that cannot be told as the client wishes is told in JSON.</param>
    public static ApiResult Result(ApiException error, ApiRequest? request = null)
    {
        if (request is null || !MediaTypes.TryNegotiate(request.Accept, Offers.Protobuf, out var accepted)) accepted = AcceptedType.Json;
        var body = BodyEncoder.Encode(accepted, Failure(error), error.Code);
        return error.RetryAfter is not { } wait ? body : new BytesResult(body.Body)
        {
            StatusCode = body.StatusCode,
            ContentType = body.ContentType,
            Headers = [new("Retry-After", Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture))],
        };
    }

    /// <summary>The API's word for what the layers below throw; null for what nobody expected.</summary>
    public static ApiException? Translate(Exception exception) => exception switch
    {
        ApiException api => api,
        CompactedException => ApiException.Expired("The provided resource version is too old: the history before it has been compacted. List again without a resource version."),
        FutureRevisionException future => TooLargeResourceVersion(future.Requested, future.Current),
        StoreUnavailableException unavailable => new ApiException(503, "ServiceUnavailable", unavailable.Message, null, TimeSpan.FromSeconds(1)),
        _ => null,
    };

    public static ApiException TooLargeResourceVersion(long requested, long current) =>
        new(504, "Timeout", $"Timeout: Too large resource version: {requested}, current: {current}", new JsonObject
        {
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ResourceVersionTooLarge", ["message"] = "Too large resource version" }),
        }, TimeSpan.FromSeconds(1));
}
