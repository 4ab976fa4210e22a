using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.OpenApi;

/// <summary>
/// An OpenAPI v2 document as the protobuf message that kubectl and client-go ask for (gnostic's
/// openapiv2/OpenAPIv2.proto; field numbers from there). Extensions travel as YAML text; JSON is YAML.
/// </summary>
internal static class GnosticEncoder
{
    public static byte[] Encode(JsonObject document)
    {
        var writer = new ProtobufWriter();
        writer.String(1, Text(document["swagger"]));
        writer.Message(2, info =>
        {
            info.String(1, Text(document["info"]!["title"]));
            info.String(2, Text(document["info"]!["version"]));
        });
        writer.Message(8, paths =>
        {
            foreach (var (path, item) in document["paths"]!.AsObject())
                paths.Message(2, named => Named(named, path, value => PathItem(value, item!.AsObject())));
        });
        writer.Message(9, definitions =>
        {
            foreach (var (name, schema) in document["definitions"]!.AsObject())
                definitions.Message(1, named => Named(named, name, value => Schema(value, schema!.AsObject())));
        });
        foreach (var requirement in document["security"] as JsonArray ?? [])
            writer.Message(12, message => Requirement(message, requirement!.AsObject()));
        if (document["securityDefinitions"] is JsonObject security)
            writer.Message(13, message => SecurityDefinitions(message, security));
        return writer.ToArray();
    }

    private static void Requirement(ProtobufWriter writer, JsonObject requirement)
    {
        foreach (var (name, scopes) in requirement)
            writer.Message(1, named => Named(named, name, value => Strings(value, 1, scopes)));
    }

    /// <summary>Of the forms of a definition those that have no flows: basic and apiKey.</summary>
    private static void SecurityDefinitions(ProtobufWriter writer, JsonObject security)
    {
        foreach (var (name, node) in security)
        {
            var definition = node!.AsObject();
            if (Text(definition["type"]) == "basic")
            {
                writer.Message(1, named => Named(named, name, item => item.Message(1, basic =>
                {
                    basic.String(1, "basic");
                    Optional(basic, 2, definition["description"]);
                })));
            }
            else if (Text(definition["type"]) == "apiKey")
            {
                writer.Message(1, named => Named(named, name, item => item.Message(2, key =>
                {
                    key.String(1, "apiKey");
                    Optional(key, 2, definition["name"]);
                    Optional(key, 3, definition["in"]);
                    Optional(key, 4, definition["description"]);
                })));
            }
        }
    }

    internal static void Named(ProtobufWriter writer, string name, Action<ProtobufWriter> value)
    {
        writer.String(1, name);
        writer.Message(2, value);
    }

    private static void PathItem(ProtobufWriter writer, JsonObject item)
    {
        foreach (var (name, value) in item)
        {
            var number = name switch { "get" => 2, "put" => 3, "post" => 4, "delete" => 5, "patch" => 8, _ => 0 };
            if (number != 0)
                writer.Message(number, operation => Operation(operation, value!.AsObject()));
        }
        Parameters(writer, 9, item["parameters"]);
    }

    private static void Operation(ProtobufWriter writer, JsonObject operation)
    {
        Strings(writer, 1, operation["tags"]);
        Optional(writer, 3, operation["description"]);
        Optional(writer, 5, operation["operationId"]);
        Strings(writer, 6, operation["produces"]);
        Strings(writer, 7, operation["consumes"]);
        Parameters(writer, 8, operation["parameters"]);
        writer.Message(9, responses =>
        {
            foreach (var (code, response) in operation["responses"] as JsonObject ?? [])
                responses.Message(1, named => Named(named, code, value => value.Message(1, inner => Response(inner, response!.AsObject()))));
        });
        Strings(writer, 10, operation["schemes"]);
        Extensions(writer, 13, operation);
    }

    private static void Response(ProtobufWriter writer, JsonObject response)
    {
        Optional(writer, 1, response["description"]);
        if (response["schema"] is JsonObject schema)
            writer.Message(2, item => item.Message(1, nested => Schema(nested, schema)));
    }

    private static void Parameters(ProtobufWriter writer, int number, JsonNode? parameters)
    {
        foreach (var parameter in parameters as JsonArray ?? [])
            writer.Message(number, item => item.Message(1, either => Parameter(either, parameter!.AsObject())));
    }

    private static void Parameter(ProtobufWriter writer, JsonObject parameter)
    {
        var isRequired = parameter["required"] is JsonValue required && required.TryGetValue<bool>(out var isSet) && isSet;
        if (Text(parameter["in"]) == "body")
        {
            writer.Message(1, body =>
            {
                body.String(2, Text(parameter["name"]));
                body.String(3, "body");
                if (isRequired)
                    body.Bool(4, true);
                if (parameter["schema"] is JsonObject schema)
                    body.Message(5, nested => Schema(nested, schema));
            });
            return;
        }
        var place = Text(parameter["in"]);
        var kind = place switch { "header" => 1, "formData" => 2, "path" => 4, _ => 3 };
        // Parameter.non_body_parameter, then the form of its place; those that may be empty have a field more.
        writer.Message(2, nonBody => nonBody.Message(kind, form =>
        {
            if (isRequired)
                form.Bool(1, true);
            form.String(2, place);
            form.String(4, Text(parameter["name"]));
            Optional(form, kind is 1 or 4 ? 5 : 6, parameter["type"]);
        }));
    }

    private static void Strings(ProtobufWriter writer, int number, JsonNode? values)
    {
        foreach (var value in values as JsonArray ?? [])
            writer.String(number, Text(value));
    }

    private static void Schema(ProtobufWriter writer, JsonObject schema)
    {
        foreach (var (name, value) in schema)
        {
            switch (name)
            {
                case "$ref": writer.String(1, Text(value)); break;
                case "format": writer.String(2, Text(value)); break;
                case "title": writer.String(3, Text(value)); break;
                case "description": writer.String(4, Text(value)); break;
                case "default": writer.Message(5, any => Any(any, value)); break;
                case "multipleOf": writer.Double(6, Number(value)); break;
                case "maximum": writer.Double(7, Number(value)); break;
                case "exclusiveMaximum": writer.Bool(8, value!.GetValue<bool>()); break;
                case "minimum": writer.Double(9, Number(value)); break;
                case "exclusiveMinimum": writer.Bool(10, value!.GetValue<bool>()); break;
                case "maxLength": writer.Int64(11, (long)Number(value)); break;
                case "minLength": writer.Int64(12, (long)Number(value)); break;
                case "pattern": writer.String(13, Text(value)); break;
                case "maxItems": writer.Int64(14, (long)Number(value)); break;
                case "minItems": writer.Int64(15, (long)Number(value)); break;
                case "uniqueItems": writer.Bool(16, value!.GetValue<bool>()); break;
                case "maxProperties": writer.Int64(17, (long)Number(value)); break;
                case "minProperties": writer.Int64(18, (long)Number(value)); break;
                case "enum":
                    foreach (var choice in value!.AsArray())
                        writer.Message(20, any => Any(any, choice));
                    break;
                case "required":
                    foreach (var field in value!.AsArray())
                        writer.String(19, Text(field));
                    break;
                case "additionalProperties" when value is JsonObject additional: writer.Message(21, either => either.Message(1, nested => Schema(nested, additional))); break;
                case "additionalProperties": writer.Message(21, either => either.Bool(2, value!.GetValue<bool>())); break;
                case "type": writer.Message(22, item => item.String(1, Text(value))); break;
                case "items": writer.Message(23, item => item.Message(1, nested => Schema(nested, value!.AsObject()))); break;
                case "properties":
                    writer.Message(25, properties =>
                    {
                        foreach (var (property, nested) in value!.AsObject())
                            properties.Message(1, named => Named(named, property, inner => Schema(inner, nested!.AsObject())));
                    });
                    break;
            }
        }
        Extensions(writer, 31, schema);
    }

    internal static void Extensions(ProtobufWriter writer, int number, JsonObject value)
    {
        foreach (var (name, extension) in value)
        {
            if (name.StartsWith("x-", StringComparison.Ordinal))
                writer.Message(number, named => Named(named, name, any => any.String(2, extension!.GetValueKind() == JsonValueKind.String ? Text(extension) : Yaml(extension))));
        }
    }

    /// <summary>A text that other servers' documents may lack.</summary>
    internal static void Optional(ProtobufWriter writer, int number, JsonNode? value)
    {
        if (value is not null)
            writer.String(number, Text(value));
    }

    internal static string Text(JsonNode? value) => value is JsonValue text && text.TryGetValue<string>(out var found) ? found : throw new InvalidOperationException("an OpenAPI document has something else where a text must be");

    internal static void Any(ProtobufWriter writer, JsonNode? value) => writer.String(2, Yaml(value));

    private static string Yaml(JsonNode? value) => value is null ? "null" : System.Text.Encoding.UTF8.GetString(ObjectWriter.Write(value));

    internal static double Number(JsonNode? value) => value is JsonValue scalar && JsonNumbers.TryNumber(scalar, out var number) ? number : 0;
}
