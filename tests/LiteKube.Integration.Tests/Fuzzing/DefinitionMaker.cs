using System.Text;
using System.Text.Json.Nodes;

namespace LiteKube.Integration.Tests.Fuzzing;

/// <summary>CRDs that are nearly right, rules included, and objects that nearly fit them, as a function of a seed.</summary>
internal sealed class DefinitionMaker(int seed)
{
    private static readonly string[] Types = ["object", "object", "object", "array", "string", "integer", "number", "boolean"];
    private static readonly string[] Names = ["a", "b", "spec", "status", "items", "metadata", "x-y", "in", "__p__", "namespace"];
    private static readonly string[] Formats = ["date-time", "date", "duration", "ipv4", "ipv6", "cidr", "uuid", "email", "hostname", "uri", "byte", "int32", "int64", "double", "password", "mac", "bsonobjectid", "shoe-size", "k8s-short-name"];
    private static readonly string[] Patterns = ["^a+$", "(a+)+$", "[", "\\d{1,3}", "(?i)x", "a{1000}", "\\p{L}", "(?<n>x)\\1", "^(a|aa)+$", ""];

    // Pieces of expressions: put together they are sometimes one.
    private static readonly string[] Words =
    [
        "self", "self.a", "self.spec", "oldSelf", "oldSelf.b", "self[0]", "self['a']", "1", "-1", "9223372036854775808", "1.5", "'x'", "\"\\u00e9\"", "b'x'", "true", "null", "[1,2]", "{'a':1}", "size(self)", "self.size()", "has(self.a)", "self.all(x, x > 1)",
        "self.exists_one(x, x == 1)", "self.map(x, x)", "self.filter(x, true)", "[1,2,3].map(x, [x].map(y, [y].map(z, z)))", "self.matches('^a+$')", "self.matches(self)", "int(self)", "duration('1h')", "timestamp('2020-01-01T00:00:00Z')", "quantity('1Gi')", "ip('10.0.0.1')",
        "cidr('10.0.0.0/8')", "url('https://x')", "optional.of(self)", "self.?a", "self.?a.orValue(1)", "type(self)", "dyn(self)", "self.isSorted()", "self.sum()", "self.find('a')", "self.split(',')", "format.dns1123Label()", "semver('1.0.0')", "'%s'.format([self])", "cel.bind(x, self, x)",
    ];

    private static readonly string[] Operators = ["==", "!=", "<", ">=", "+", "-", "*", "/", "%", "&&", "||", "in", "?", ":", ".", ",", "(", ")", "[", "]", "!", ""];
    private static readonly string[] Strings = ["", "a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "2020-01-01T00:00:00Z", "10.0.0.1", "1h", "x@y.z", "é", "\0", "1Gi", "https://x/y?z", "00000000-0000-0000-0000-000000000000"];

    private readonly Random _random = new(seed);

    public string Group { get; } = $"g{seed}.fuzz.example.com";
    public string Name => "things." + Group;

    public byte[] Definition()
    {
        var schema = Schema(0);
        if (_random.Next(8) != 0) schema["type"] = "object";
        var version = new JsonObject { ["name"] = "v1", ["served"] = true, ["storage"] = true, ["schema"] = new JsonObject { ["openAPIV3Schema"] = schema } };
        if (_random.Next(2) == 0) version["subresources"] = new JsonObject { ["status"] = new JsonObject(), ["scale"] = new JsonObject { ["specReplicasPath"] = ".spec." + Pick(Names), ["statusReplicasPath"] = ".status." + Pick(Names), ["labelSelectorPath"] = Pick(".status.a", ".spec.b", "") } };
        if (_random.Next(2) == 0) version["additionalPrinterColumns"] = new JsonArray(Column(), Column());
        if (_random.Next(3) == 0) version["selectableFields"] = new JsonArray(new JsonObject { ["jsonPath"] = Pick(".spec.a", ".spec.b", ".status.a", ".a", "a", ".spec['a']") });
        return Encoding.UTF8.GetBytes(new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject { ["name"] = Name },
            ["spec"] = new JsonObject
            {
                ["group"] = Group,
                ["scope"] = "Namespaced",
                ["names"] = new JsonObject { ["plural"] = "things", ["kind"] = "Thing" },
                ["versions"] = new JsonArray(version),
            },
        }.ToJsonString());
    }

    /// <summary>A request on the objects of this CRD.</summary>
    public FuzzedRequest Next()
    {
        var collection = $"/apis/{Group}/v1/namespaces/{RequestMaker.Namespace}/things";
        var name = "o" + _random.Next(3);
        var item = $"{collection}/{name}{Pick("", "", "", "/status", "/scale")}";
        return _random.Next(8) switch
        {
            0 or 1 => new(HttpMethod.Post, collection + Pick("", "?fieldValidation=Strict", "?dryRun=All"), Object(name), "application/json", null),
            2 => new(HttpMethod.Put, item, Object(name), "application/json", null),
            3 => new(HttpMethod.Patch, item, Object(name), "application/merge-patch+json", null),
            4 => new(HttpMethod.Patch, item + "?fieldManager=" + Pick("a", "b") + Pick("", "&force=true"), Object(name), "application/apply-patch+yaml", null),
            5 => new(HttpMethod.Patch, item, Encoding.UTF8.GetBytes(new JsonArray(new JsonObject { ["op"] = Pick("add", "replace", "remove", "test"), ["path"] = $"/{Pick(Names)}{Pick("", "/a", "/0", "/-")}", ["value"] = Value(0) }).ToJsonString()), "application/json-patch+json", null),
            6 => new(HttpMethod.Get, collection + Pick("", "?fieldSelector=spec.a%3D1", "?limit=1"), null, "", Pick("application/json;as=Table;v=v1;g=meta.k8s.io", "application/json", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")),
            _ => new(HttpMethod.Delete, $"{collection}/{name}", null, "", null),
        };
    }

    private JsonObject Column() => new() { ["name"] = "C", ["type"] = Pick("string", "integer", "date", "boolean", "number"), ["jsonPath"] = Pick(".spec.a", ".metadata.name", ".spec[*]", ".spec.a[?(@.b==1)].a", "{", ".spec['a']", "..a", ".spec[-1:]") };

    private JsonObject Schema(int depth)
    {
        var type = depth > 3 ? Pick("string", "integer", "boolean") : Pick(Types);
        var schema = new JsonObject { ["type"] = type };
        switch (type)
        {
            case "object" when _random.Next(4) == 0:
                schema["additionalProperties"] = Schema(depth + 1);
                break;
            case "object":
                var properties = new JsonObject();
                for (var i = _random.Next(4); i > 0; i--) properties[Pick(Names)] = Schema(depth + 1);
                schema["properties"] = properties;
                if (_random.Next(4) == 0) schema["required"] = new JsonArray(Pick(Names));
                break;
            case "array":
                schema["items"] = Schema(depth + 1);
                if (_random.Next(2) == 0) schema["maxItems"] = _random.Next(5);
                if (_random.Next(3) == 0) schema["x-kubernetes-list-type"] = Pick("set", "atomic", "map");
                if (_random.Next(4) == 0) schema["x-kubernetes-list-map-keys"] = new JsonArray(Pick(Names));
                break;
            case "string":
                if (_random.Next(2) == 0) schema["format"] = Pick(Formats);
                if (_random.Next(3) == 0) schema["pattern"] = Pick(Patterns);
                if (_random.Next(3) == 0) schema["maxLength"] = _random.Next(-1, 40);
                break;
            default:
                if (_random.Next(3) == 0) schema["minimum"] = _random.Next(-2, 3);
                if (_random.Next(5) == 0) schema["multipleOf"] = Pick(0, 1, 2);
                break;
        }
        if (_random.Next(4) == 0) schema["default"] = Value(0);
        if (_random.Next(8) == 0) schema["nullable"] = true;
        if (_random.Next(8) == 0) schema["enum"] = new JsonArray(Value(2), Value(2));
        if (_random.Next(10) == 0) schema[Pick("x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string")] = true;
        if (_random.Next(10) == 0) schema[Pick("anyOf", "allOf", "oneOf")] = new JsonArray(new JsonObject { [Pick("required", "minimum", "pattern", "type")] = Value(2) }, new JsonObject());
        if (_random.Next(2) == 0) schema["x-kubernetes-validations"] = new JsonArray(Rule());
        return schema;
    }

    private JsonObject Rule()
    {
        var rule = new JsonObject { ["rule"] = Expression() };
        if (_random.Next(4) == 0) rule["messageExpression"] = Expression();
        if (_random.Next(4) == 0) rule["message"] = Pick(Strings);
        if (_random.Next(4) == 0) rule["fieldPath"] = Pick(".a", ".spec.b", "a", ".a[0]", ".['a']");
        if (_random.Next(4) == 0) rule["reason"] = Pick("FieldValueInvalid", "FieldValueRequired", "x");
        if (_random.Next(6) == 0) rule["optionalOldSelf"] = _random.Next(2) == 0;
        return rule;
    }

    private string Expression()
    {
        var text = new StringBuilder(Pick(Words));
        for (var i = _random.Next(4); i > 0; i--) text.Append(' ').Append(Pick(Operators)).Append(' ').Append(Pick(Words));
        if (_random.Next(3) != 0) text.Append(" == ").Append(Pick(Words));
        if (_random.Next(20) == 0) text.Length = _random.Next(text.Length);
        if (_random.Next(60) == 0) text.Insert(0, new string('(', 500));
        return text.ToString();
    }

    private byte[] Object(string name)
    {
        var value = Value(0) as JsonObject ?? [];
        (value["apiVersion"], value["kind"]) = ($"{Group}/v1", "Thing");
        if (_random.Next(15) != 0) value["metadata"] = new JsonObject { ["name"] = name };
        return Encoding.UTF8.GetBytes(value.ToJsonString());
    }

    private JsonNode? Value(int depth) => _random.Next(depth > 3 ? 7 : 14) switch
    {
        0 => null,
        1 => _random.Next(2) == 0,
        2 => Pick(0, 1, -1, 3, int.MaxValue),
        3 => Pick(0.5, 1e300, -0.0),
        4 => long.MinValue,
        <= 6 => Pick(Strings),
        <= 8 => new JsonArray([.. Enumerable.Range(0, _random.Next(4)).Select(_ => Value(depth + 1))]),
        _ => Map(depth),
    };

    private JsonObject Map(int depth)
    {
        var map = new JsonObject();
        for (var i = _random.Next(4); i > 0; i--) map[Pick(Names)] = Value(depth + 1);
        return map;
    }

    private T Pick<T>(params IReadOnlyList<T> choices) => choices[_random.Next(choices.Count)];
}
