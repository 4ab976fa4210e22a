using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.OpenApi;

/// <summary>One operation on a path.</summary>
/// <param name="Action">x-kubernetes-action.</param>
/// <param name="Id">operationId.</param>
/// <param name="Query">Names and types of the query's parameters.</param>
/// <param name="Body">A reference to the body's type; null: there is none.</param>
/// <param name="Answer">A reference to the answer's type; null: text.</param>
/// <param name="Codes">Of success.</param>
internal sealed record OpenApiOperation(
    string Action, string Id, string Tag, string Description, GroupVersionKind Kind, IReadOnlyList<(string Name, string Type)> Query, JsonObject? Body, bool IsBodyRequired, JsonObject? Answer, IReadOnlyList<int> Codes)
{
    private static readonly string[] Produced = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
    private const string StrategicMerge = "application/strategic-merge-patch+json";
    private static readonly string[] AllPatches = ["application/json-patch+json", "application/merge-patch+json", StrategicMerge, "application/apply-patch+yaml"];

    /// <summary>Custom resources take no strategic merge; kubectl apply reads here which patch it may send.</summary>
    public bool IsCustom { get; init; }

    private string[] Patches => IsCustom ? [.. AllPatches.Where(p => p != StrategicMerge)] : AllPatches;

    public JsonObject ToJson(bool isV3)
    {
        var operation = new JsonObject { ["description"] = Description };
        if (!isV3)
        {
            operation["consumes"] = Action == "patch" ? Strings(Patches) : Strings(["*/*"]);
            operation["produces"] = Answer is null ? Strings(["*/*"]) : Strings(Produced);
            operation["schemes"] = Strings(["https"]);
        }
        operation["tags"] = Strings([Tag]);
        operation["operationId"] = Id;
        var parameters = new JsonArray([.. Query.Select(p => (JsonNode)Parameter(p.Name, "query", p.Type, isV3))]);
        if (Body is not null && isV3)
            operation["requestBody"] = RequestBody();
        else if (Body is not null)
            parameters.Add((JsonNode)BodyParameter());
        if (parameters.Count > 0)
            operation["parameters"] = parameters;
        var responses = new JsonObject();
        foreach (var code in Codes)
            responses[code.ToString(System.Globalization.CultureInfo.InvariantCulture)] = Response(code, isV3);
        responses["401"] = new JsonObject { ["description"] = "Unauthorized" };
        operation["responses"] = responses;
        operation["x-kubernetes-action"] = Action;
        operation["x-kubernetes-group-version-kind"] = OpenApiSchemas.KindExtension(Kind);
        return operation;
    }

    public static JsonObject Parameter(string name, string place, string type, bool isV3)
    {
        var parameter = new JsonObject { ["name"] = name, ["in"] = place };
        if (place == "path")
            parameter["required"] = true;
        var schema = isV3 ? new JsonObject() : parameter;
        schema["type"] = type;
        schema["uniqueItems"] = true;
        if (isV3)
            parameter["schema"] = schema;
        return parameter;
    }

    private JsonObject BodyParameter()
    {
        var body = new JsonObject { ["name"] = "body", ["in"] = "body" };
        if (IsBodyRequired)
            body["required"] = true;
        body["schema"] = Body!.DeepClone();
        return body;
    }

    private JsonObject RequestBody()
    {
        var content = new JsonObject();
        foreach (var type in Action == "patch" ? Patches : ["*/*"])
            content[type] = new JsonObject { ["schema"] = Body!.DeepClone() };
        var body = new JsonObject { ["content"] = content };
        if (IsBodyRequired)
            body["required"] = true;
        return body;
    }

    private JsonObject Response(int code, bool isV3)
    {
        var response = new JsonObject { ["description"] = code switch { 201 => "Created", 202 => "Accepted", _ => "OK" } };
        var schema = Answer ?? new JsonObject { ["type"] = "string" };
        if (!isV3)
        {
            response["schema"] = schema.DeepClone();
            return response;
        }
        var content = new JsonObject();
        foreach (var type in Answer is null ? ["*/*"] : Produced)
            content[type] = new JsonObject { ["schema"] = schema.DeepClone() };
        response["content"] = content;
        return response;
    }

    private static JsonArray Strings(string[] values) => new([.. values.Select(v => (JsonNode?)v)]);
}
