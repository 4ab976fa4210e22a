using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Endpoints;

namespace LiteKube.ApiServer.Proxy;

/// <summary>What a connect asks for (PodExecOptions, PodProxyOptions, ...): the object that admission sees in the place of a body, read from the query by the fields of its type.</summary>
internal static class ConnectOptions
{
    /// <param name="path">Of a proxy: what follows the subresource.</param>
    public static JsonObject Read(ApiRequest request, ResourceInfo resource, string path = "")
    {
        var kind = AdmissionAttributes.KindOf(resource, request.Info.Subresource);
        var schema = ResourceCatalog.BuiltIn.FindType(kind.ApiVersion, kind.Kind) ?? throw ApiException.Internal($"no schema for {kind}");
        var options = new JsonObject { ["kind"] = kind.Kind, ["apiVersion"] = kind.ApiVersion };
        foreach (var field in schema.Fields)
        {
            if (field.Name is "kind" or "apiVersion" || !request.Query.Has(field.Name)) continue;
            if (field.Cardinality == Cardinality.List) options[field.Name] = new JsonArray([.. request.Query.All(field.Name).Select(text => Value(field, text))]);
            else options[field.Name] = field.Kind == ValueKind.Boolean ? request.Query.Flag(field.Name) : Value(field, request.Query.Get(field.Name)!);
        }
        if (path.Length > 0) options["path"] = path;
        return ObjectDecoder.Canonicalize(options, schema, FieldValidation.Ignore).Object;
    }

    private static JsonNode Value(FieldSchema field, string text)
    {
        if (field.Kind is not (ValueKind.Int32 or ValueKind.Int64)) return text;
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw ApiException.BadRequest($"strconv.ParseInt: parsing \"{text}\": invalid syntax");
    }
}
