using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>The error that a denied request gets.</summary>
internal static class PolicyDenial
{
    public static ApiException Of(AdmissionAttributes attributes, string message, int code, string reason)
    {
        var details = Details(attributes, out var name);
        details["causes"] = new JsonArray(new JsonObject { ["message"] = message });
        var resource = new Apis.GroupResource(attributes.Request.Group, attributes.Request.Resource);
        return new ApiException(code, reason, $"{resource} \"{name}\" is forbidden: {message}", details);
    }

    /// <summary>The resource and the name of a request, as far as it is known before one is generated.</summary>
    public static JsonObject Details(AdmissionAttributes attributes, out string name)
    {
        var metadata = attributes.Object?["metadata"] as JsonObject;
        name = attributes.Name is { Length: > 0 } given ? given
            : metadata.Str("name") is { Length: > 0 } named ? named
            : metadata.Str("generateName") is { Length: > 0 } generated ? generated : "Unknown";
        var details = new JsonObject { ["name"] = name };
        if (attributes.Request.Group.Length > 0) details["group"] = attributes.Request.Group;
        details["kind"] = attributes.Request.Resource;
        return details;
    }
}
