using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer;

/// <summary>An answer that is an error: becomes Kubernetes' Status, word for word as kubectl prints it.</summary>
public sealed class ApiException(int code, string reason, string message, JsonObject? details = null, TimeSpan? retryAfter = null) : Exception(message)
{
    public int Code { get; } = code;
    public string Reason { get; } = reason;
    public JsonObject? Details { get; } = details;
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>The token with which a list goes on although its first pages are from an older state.</summary>
    public string? Continue { get; init; }

    public static ApiException BadRequest(string message) => new(400, "BadRequest", message);
    public static ApiException Unauthorized() => new(401, "Unauthorized", "Unauthorized");
    public static ApiException MethodNotAllowed() => new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
    public static ApiException Expired(string message) => new(410, "Expired", message);
    public static ApiException Internal(string message) => new(500, "InternalError", $"Internal error occurred: {message}");
    public static ApiException TooLarge(string message) => new(413, "RequestEntityTooLarge", $"Request entity too large: {message}");
    public static ApiException TooManyRequests(string message, TimeSpan retryAfter) => new(429, "TooManyRequests", message, null, retryAfter);

    public static ApiException NotFound(GroupResource resource, string name) =>
        new(404, "NotFound", $"{resource} \"{name}\" not found", NameDetails(resource.Group, resource.Resource, name));

    public static ApiException AlreadyExists(GroupResource resource, string name) =>
        new(409, "AlreadyExists", $"{resource} \"{name}\" already exists", NameDetails(resource.Group, resource.Resource, name));

    public static ApiException Conflict(GroupResource resource, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {resource} \"{name}\": {why}", NameDetails(resource.Group, resource.Resource, name));

    public static ApiException Forbidden(GroupResource resource, string name, string why) =>
        new(403, "Forbidden", name.Length == 0 ? $"{resource} is forbidden: {why}" : $"{resource} \"{name}\" is forbidden: {why}", NameDetails(resource.Group, resource.Resource, name));

    public static ApiException Invalid(GroupVersionKind kind, string name, FieldErrors errors)
    {
        var details = NameDetails(kind.Group, kind.Kind, name);
        details["causes"] = errors.ToCauses();
        var qualified = kind.Group.Length == 0 ? kind.Kind : $"{kind.Kind}.{kind.Group}";
        return new(422, "Invalid", $"{qualified} \"{name}\" is invalid: {errors}", details);
    }

    private static JsonObject NameDetails(string group, string kind, string name)
    {
        var details = new JsonObject();
        if (name.Length > 0) details["name"] = name;
        if (group.Length > 0) details["group"] = group;
        details["kind"] = kind;
        return details;
    }
}
