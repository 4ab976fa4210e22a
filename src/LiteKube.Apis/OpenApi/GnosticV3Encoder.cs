using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using static LiteKube.Apis.OpenApi.GnosticEncoder;

namespace LiteKube.Apis.OpenApi;

/// <summary>An OpenAPI v3 document as gnostic's openapiv3 Document (field numbers from openapiv3/OpenAPIv3.proto).</summary>
internal static class GnosticV3Encoder
{
    public static byte[] Encode(JsonObject document)
    {
        var writer = new ProtobufWriter();
        writer.String(1, Text(document["openapi"]));
        writer.Message(2, info =>
        {
            info.String(1, Text(document["info"]!["title"]));
            info.String(6, Text(document["info"]!["version"]));
        });
        writer.Message(4, paths =>
        {
            foreach (var (path, item) in document["paths"]!.AsObject())
                paths.Message(1, named => Named(named, path, value => PathItem(value, item!.AsObject())));
        });
        writer.Message(5, components =>
        {
            components.Message(1, schemas => NamedSchemas(schemas, document["components"]!["schemas"]!.AsObject()));
            if (document["components"]!["securitySchemes"] is JsonObject security)
                components.Message(7, message => SecuritySchemes(message, security));
        });
        return writer.ToArray();
    }

    private static void SecuritySchemes(ProtobufWriter writer, JsonObject security)
    {
        foreach (var (name, node) in security)
        {
            writer.Message(1, named => Named(named, name, either => either.Message(1, scheme =>
            {
                var definition = node!.AsObject();
                Optional(scheme, 1, definition["type"]);
                Optional(scheme, 2, definition["description"]);
                Optional(scheme, 3, definition["name"]);
                Optional(scheme, 4, definition["in"]);
                Optional(scheme, 5, definition["scheme"]);
                Optional(scheme, 6, definition["bearerFormat"]);
            })));
        }
    }

    private static void PathItem(ProtobufWriter writer, JsonObject item)
    {
        foreach (var (name, value) in item)
        {
            var number = name switch { "get" => 4, "put" => 5, "post" => 6, "delete" => 7, "patch" => 10, _ => 0 };
            if (number != 0)
                writer.Message(number, operation => Operation(operation, value!.AsObject()));
        }
        Parameters(writer, 13, item["parameters"]);
    }

    private static void Operation(ProtobufWriter writer, JsonObject operation)
    {
        foreach (var tag in operation["tags"] as JsonArray ?? [])
            writer.String(1, Text(tag));
        Optional(writer, 3, operation["description"]);
        Optional(writer, 5, operation["operationId"]);
        Parameters(writer, 6, operation["parameters"]);
        if (operation["requestBody"] is JsonObject body)
        {
            writer.Message(7, either => either.Message(1, request =>
            {
                Content(request, 2, body["content"]!.AsObject());
                if (body["required"] is not null)
                    request.Bool(3, true);
            }));
        }
        writer.Message(8, responses =>
        {
            foreach (var (code, response) in operation["responses"]!.AsObject())
                responses.Message(2, named => Named(named, code, either => either.Message(1, value => Response(value, response!.AsObject()))));
        });
        Extensions(writer, 13, operation);
    }

    private static void Response(ProtobufWriter writer, JsonObject response)
    {
        Optional(writer, 1, response["description"]);
        if (response["content"] is JsonObject content)
            Content(writer, 3, content);
    }

    private static void Content(ProtobufWriter writer, int number, JsonObject content) => writer.Message(number, types =>
    {
        foreach (var (type, value) in content)
            types.Message(1, named => Named(named, type, media => media.Message(1, schema => Either(schema, value!["schema"]!.AsObject()))));
    });

    private static void Parameters(ProtobufWriter writer, int number, JsonNode? parameters)
    {
        foreach (var parameter in parameters as JsonArray ?? [])
        {
            writer.Message(number, either => either.Message(1, form =>
            {
                form.String(1, Text(parameter!["name"]));
                form.String(2, Text(parameter["in"]));
                if (parameter["required"] is not null)
                    form.Bool(4, true);
                form.Message(10, schema => Either(schema, parameter["schema"]!.AsObject()));
            }));
        }
    }

    private static void NamedSchemas(ProtobufWriter writer, JsonObject schemas)
    {
        foreach (var (name, schema) in schemas)
            writer.Message(1, named => Named(named, name, either => Either(either, schema!.AsObject())));
    }

    /// <summary>SchemaOrReference.</summary>
    private static void Either(ProtobufWriter writer, JsonObject schema)
    {
        if (schema["$ref"] is { } reference)
            writer.Message(2, target => target.String(1, Text(reference)));
        else
            writer.Message(1, value => Schema(value, schema));
    }

    private static void Schema(ProtobufWriter writer, JsonObject schema)
    {
        foreach (var (name, value) in schema)
        {
            switch (name)
            {
                case "nullable": writer.Bool(1, value!.GetValue<bool>()); break;
                case "title": writer.String(9, Text(value)); break;
                case "multipleOf": writer.Double(10, Number(value)); break;
                case "maximum": writer.Double(11, Number(value)); break;
                case "exclusiveMaximum": writer.Bool(12, value!.GetValue<bool>()); break;
                case "minimum": writer.Double(13, Number(value)); break;
                case "exclusiveMinimum": writer.Bool(14, value!.GetValue<bool>()); break;
                case "maxLength": writer.Int64(15, (long)Number(value)); break;
                case "minLength": writer.Int64(16, (long)Number(value)); break;
                case "pattern": writer.String(17, Text(value)); break;
                case "maxItems": writer.Int64(18, (long)Number(value)); break;
                case "minItems": writer.Int64(19, (long)Number(value)); break;
                case "uniqueItems": writer.Bool(20, value!.GetValue<bool>()); break;
                case "maxProperties": writer.Int64(21, (long)Number(value)); break;
                case "minProperties": writer.Int64(22, (long)Number(value)); break;
                case "required": Each(value, item => writer.String(23, Text(item))); break;
                case "enum": Each(value, item => writer.Message(24, any => Any(any, item))); break;
                case "type": writer.String(25, Text(value)); break;
                case "allOf": Each(value, item => writer.Message(26, either => Either(either, item!.AsObject()))); break;
                case "oneOf": Each(value, item => writer.Message(27, either => Either(either, item!.AsObject()))); break;
                case "anyOf": Each(value, item => writer.Message(28, either => Either(either, item!.AsObject()))); break;
                case "not": writer.Message(29, nested => Schema(nested, value!.AsObject())); break;
                case "items": writer.Message(30, item => item.Message(1, either => Either(either, value!.AsObject()))); break;
                case "properties": writer.Message(31, properties => NamedSchemas(properties, value!.AsObject())); break;
                case "additionalProperties" when value is JsonObject additional: writer.Message(32, item => item.Message(1, either => Either(either, additional))); break;
                case "additionalProperties": writer.Message(32, item => item.Bool(2, value!.GetValue<bool>())); break;
                case "default": writer.Message(33, item => Default(item, value)); break;
                case "description": writer.String(34, Text(value)); break;
                case "format": writer.String(35, Text(value)); break;
            }
        }
        Extensions(writer, 36, schema);
    }

    /// <summary>gnostic can say numbers, truth values and texts; an object or list as a default has no form in it.</summary>
    private static void Default(ProtobufWriter writer, JsonNode? value)
    {
        switch (value?.GetValueKind())
        {
            case System.Text.Json.JsonValueKind.Number: writer.Double(1, Number(value)); break;
            case System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False: writer.Bool(2, value.GetValue<bool>()); break;
            case System.Text.Json.JsonValueKind.String: writer.String(3, Text(value)); break;
        }
    }

    private static void Each(JsonNode? list, Action<JsonNode?> write)
    {
        foreach (var item in list!.AsArray())
            write(item);
    }
}
