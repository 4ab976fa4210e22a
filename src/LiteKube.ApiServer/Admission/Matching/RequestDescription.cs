using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Admission.Matching;

/// <summary>The fields of an AdmissionRequest beside its uid and its objects: webhooks get them in a review, expressions as the variable request.</summary>
internal static class RequestDescription
{
    public static JsonObject Of(AdmissionAttributes attributes, MatchedVersion version)
    {
        var subresource = attributes.Request.Subresource;
        var request = new JsonObject { ["kind"] = Kind(version.Kind), ["resource"] = Resource(version.Resource) };
        SetText(request, "subResource", subresource);
        request["requestKind"] = Kind(attributes.Kind);
        request["requestResource"] = Resource(attributes.RequestResource);
        SetText(request, "requestSubResource", subresource);
        SetText(request, "name", attributes.Name);
        SetText(request, "namespace", attributes.Namespace);
        request["operation"] = attributes.OperationName;
        request["userInfo"] = User(attributes.User);
        return request;
    }

    /// <summary>Null for a connect, whose options are the object.</summary>
    public static JsonObject? Options(AdmissionAttributes attributes) => attributes.Operation == AdmissionOperation.Connect ? null : attributes.Options?.Describe(attributes.Operation);

    private static JsonObject Kind(GroupVersionKind kind) => new() { ["group"] = kind.Group, ["version"] = kind.Version, ["kind"] = kind.Kind };

    private static JsonObject Resource(GroupVersionResource resource) => new() { ["group"] = resource.Group, ["version"] = resource.Version, ["resource"] = resource.Resource };

    private static JsonObject User(UserInfo user)
    {
        var value = new JsonObject();
        SetText(value, "username", user.Name);
        SetText(value, "uid", user.Uid);
        if (user.Groups.Count > 0) value["groups"] = List(user.Groups);
        if (user.Extra is { Count: > 0 } extra)
        {
            var all = new JsonObject();
            foreach (var (key, values) in extra) all[key] = List(values);
            value["extra"] = all;
        }
        return value;
    }

    private static JsonArray List(IEnumerable<string> texts) => new([.. texts.Select(t => (JsonNode)t)]);

    private static void SetText(JsonObject value, string field, string text)
    {
        if (text.Length > 0) value[field] = text;
    }
}
