using System.Text.Json.Nodes;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Extensions.CustomResources.Validation;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

public class SchemaValidatorTests
{
    private static StructuralSchema Spec(string schema) =>
        StructuralSchema.Read(JsonNode.Parse($$$"""{"type":"object","properties":{"spec":{{{schema}}}}}""")!.AsObject());

    private static string Errors(string schema, string value, string? old = null)
    {
        var root = Spec(schema);
        var errors = new FieldErrors();
        var now = JsonNode.Parse($$"""{"spec":{{value}}}""");
        SchemaValidator.Validate(root, now, null, errors, old is null ? null : new Correlation(now, JsonNode.Parse($$"""{"spec":{{old}}}"""), root));
        return errors.Count == 0 ? "" : errors.ToString();
    }

    [Theory]
    [InlineData("""{"type":"integer"}""", "\"a\"", "spec: Invalid value: \"string\": spec in body must be of type integer: \"string\"")]
    [InlineData("""{"type":"integer"}""", "1.5", "[spec: Invalid value: \"number\": spec in body must be of type integer: \"number\", <nil>: Invalid value: \"\": Checked value must be of type integer (default format) in spec]")]
    [InlineData("""{"type":"integer"}""", "2.0", "")]
    [InlineData("""{"type":"number"}""", "2", "")]
    [InlineData("""{"type":"string"}""", "null", "spec: Invalid value: \"null\": spec in body must be of type string: \"null\"")]
    [InlineData("""{"type":"string","nullable":true}""", "null", "")]
    [InlineData("""{"type":"object"}""", "[]", "spec: Invalid value: \"array\": spec in body must be of type object: \"array\"")]
    [InlineData("""{"type":"boolean"}""", "true", "")]
    [InlineData("""{"x-kubernetes-int-or-string":true}""", "true", "spec: Invalid value: \"boolean\": spec in body must be of type integer,string: \"boolean\"")]
    [InlineData("""{"x-kubernetes-int-or-string":true}""", "\"50%\"", "")]
    [InlineData("""{"type":"string","enum":["b","c"]}""", "\"a\"", "spec: Unsupported value: \"a\": supported values: \"b\", \"c\"")]
    [InlineData("""{"type":"integer","enum":[1,2]}""", "2.0", "")]
    [InlineData("""{"type":"object","required":["x","y"]}""", """{"y":1}""", "spec.x: Required value")]
    [InlineData("""{"type":"integer","minimum":3}""", "2", "spec: Invalid value: 2: spec in body should be greater than or equal to 3")]
    [InlineData("""{"type":"integer","minimum":3,"exclusiveMinimum":true}""", "3", "spec: Invalid value: 3: spec in body should be greater than 3")]
    [InlineData("""{"type":"number","maximum":1.5}""", "1.75", "spec: Invalid value: 1.75: spec in body should be less than or equal to 1.5")]
    [InlineData("""{"type":"number","maximum":1.5,"exclusiveMaximum":true}""", "1.5", "spec: Invalid value: 1.5: spec in body should be less than 1.5")]
    [InlineData("""{"type":"integer","multipleOf":3}""", "7", "spec: Invalid value: 7: spec in body should be a multiple of 3")]
    [InlineData("""{"type":"number","multipleOf":0.1}""", "0.3", "")]
    [InlineData("""{"type":"integer","format":"int32"}""", "3000000000", "<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in spec")]
    [InlineData("""{"type":"string","minLength":2}""", "\"a\"", "spec: Invalid value: \"a\": spec in body should be at least 2 chars long")]
    [InlineData("""{"type":"string","maxLength":2}""", "\"😀😀😀\"", "spec: Too long: may not be more than 2 bytes")]
    [InlineData("""{"type":"string","maxLength":3}""", "\"😀😀😀\"", "")]
    [InlineData("""{"type":"string","pattern":"^a+$"}""", "\"b\"", "spec: Invalid value: \"b\": spec in body should match '^a+$'")]
    [InlineData("""{"type":"array","items":{"type":"string"},"minItems":1}""", "[]", "spec: Invalid value: 0: spec in body should have at least 1 items")]
    [InlineData("""{"type":"array","items":{"type":"string"},"maxItems":1}""", """["a","b"]""", "spec: Too many: 2: must have at most 1 item")]
    [InlineData("""{"type":"array","items":{"type":"integer"}}""", """[1,"b"]""", "spec[1]: Invalid value: \"string\": spec[1] in body must be of type integer: \"string\"")]
    [InlineData("""{"type":"object","minProperties":1}""", "{}", "spec: Invalid value: 0: spec in body should have at least 1 properties")]
    [InlineData("""{"type":"object","maxProperties":0}""", """{"a":1}""", "spec: Too many: 1: must have at most 0 items")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"string"}}""", """{"a":1}""", "spec.a: Invalid value: \"integer\": spec.a in body must be of type string: \"integer\"")]
    [InlineData("""{"type":"object","additionalProperties":false,"properties":{"b":{"type":"string"}}}""", """{"a":1}""", "spec: Invalid value: \"a\": spec.a in body is a forbidden property")]
    [InlineData("""{"type":"string","format":"date-time"}""", "\"x\"", "spec: Invalid value: \"x\": spec in body must be of type date-time: \"x\"")]
    [InlineData("""{"type":"string","format":"date-time"}""", "5", "spec: Invalid value: \"int64\": spec in body must be of type date-time: \"int64\"")]
    [InlineData("""{"type":"string","format":"no-such-thing"}""", "\"x\"", "")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"oneOf":[{"required":["a"]},{"required":["b"]}]}""", """{"a":"x","b":"y"}""", "<nil>: Invalid value: \"\": \"spec\" must validate one and only one schema (oneOf). Found 2 valid alternatives")]
    [InlineData("""{"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}]}""", "{}", "[<nil>: Invalid value: \"\": \"spec\" must validate one and only one schema (oneOf). Found none valid, spec.a: Required value]")]
    [InlineData("""{"type":"integer","anyOf":[{"minimum":5},{"multipleOf":2}]}""", "3", "[<nil>: Invalid value: \"\": \"spec\" must validate at least one schema (anyOf), spec: Invalid value: 3: spec in body should be greater than or equal to 5]")]
    [InlineData("""{"type":"integer","allOf":[{"minimum":5},{"maximum":9}]}""", "3", "[spec: Invalid value: 3: spec in body should be greater than or equal to 5, <nil>: Invalid value: \"\": \"spec\" must validate all the schemas (allOf)]")]
    [InlineData("""{"type":"integer","not":{"enum":[3]}}""", "3", "<nil>: Invalid value: \"\": \"spec\" must not validate the schema (not)")]
    public void A_value_is_judged_in_Kubernetes_words(string schema, string value, string errors) => Assert.Equal(errors, Errors(schema, value));

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","pattern":"^x$"},"b":{"type":"integer"}}}""", """{"a":"y","b":2}""", """{"a":"y","b":1}""", "")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","pattern":"^x$"},"b":{"type":"integer"}}}""", """{"a":"z","b":1}""", """{"a":"y","b":1}""", "spec.a: Invalid value: \"z\": spec.a in body should match '^x$'")]
    [InlineData("""{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{"k":{"type":"string"},"v":{"type":"integer","maximum":1}}}}""", """[{"k":"new","v":0},{"k":"old","v":5}]""", """[{"k":"old","v":5}]""", "")]
    [InlineData("""{"type":"array","items":{"type":"integer","maximum":1}}""", "[5,0]", "[5]", "spec[0]: Invalid value: 5: spec[0] in body should be less than or equal to 1")]
    [InlineData("""{"type":"object","required":["r"],"properties":{"a":{"type":"integer"}}}""", """{"a":2}""", """{"a":1}""", "spec.r: Required value")]
    public void What_an_update_leaves_alone_is_tolerated(string schema, string value, string old, string errors) => Assert.Equal(errors, Errors(schema, value, old));

    [Theory]
    [InlineData("ipv4", "10.0.0.1", "10.0.0")]
    [InlineData("ipv6", "fe80::1", "1.2.3.4")]
    [InlineData("cidr", "10.0.0.0/8", "10.0.0.0/33")]
    [InlineData("uri", "https://a/b", "a b")]
    [InlineData("email", "a@example.com", "a")]
    [InlineData("hostname", "a.example.com", "-a")]
    [InlineData("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567")]
    [InlineData("uuid4", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000")]
    [InlineData("byte", "YQ==", "YQ")]
    [InlineData("date", "2024-02-29", "2023-02-29")]
    [InlineData("date-time", "2024-01-01T10:00:00Z", "2024-01-01 10:00:00")]
    [InlineData("date-time", "2024-01-01T10:00:00.5+02:00", "2024-01-01T24:00:00Z")]
    [InlineData("duration", "1h30m", "soon")]
    [InlineData("duration", "3 days", "3")]
    [InlineData("mac", "01:23:45:67:89:ab", "01:23")]
    [InlineData("creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112")]
    [InlineData("isbn", "978-0321751041", "978-0321751042")]
    [InlineData("isbn10", "0321751043", "0321751044")]
    [InlineData("ssn", "123-45-6789", "12-345-6789")]
    [InlineData("hexcolor", "#FFF", "#FF")]
    [InlineData("rgbcolor", "rgb(255,0,1)", "rgb(256,0,1)")]
    [InlineData("k8s-short-name", "a-b", "a.b")]
    [InlineData("k8s-long-name", "a.b", "A.b")]
    public void A_format_tells_its_texts_from_others(string format, string good, string bad)
    {
        Assert.True(FormatChecks.Matches(format, good), good);
        Assert.False(FormatChecks.Matches(format, bad), bad);
    }

    [Theory]
    [InlineData("^a$", "a", true)]
    [InlineData("^a$", "a\n", false)]
    [InlineData(@"^\d+$", "١", false)]
    [InlineData(@"^[\w.]+$", "a_b.c", true)]
    [InlineData(@"^[[:alpha:]]+$", "abC", true)]
    [InlineData(@"^\pL+$", "äß", true)]
    [InlineData("(?P<x>a)b", "ab", true)]
    [InlineData(@"^[^\s]+$", "a b", false)]
    [InlineData(@"^[\D]+$", "a1", false)]
    [InlineData(@"^\Qa.b\E$", "a.b", true)]
    [InlineData("^[a-z[]+$", "a[", true)]
    public void A_pattern_means_what_it_means_to_Go(string pattern, string text, bool matches) => Assert.Equal(matches, GoPattern.IsMatch(pattern, text));

    [Theory]
    [InlineData("a(b", "error parsing regexp: missing closing )")]
    [InlineData("(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`")]
    [InlineData("a{1001}", "error parsing regexp: invalid repeat count: `{1001}`")]
    [InlineData("[a", "error parsing regexp: missing closing ]: `[a`")]
    public void A_pattern_that_Go_would_not_take_is_refused(string pattern, string complaint) => Assert.StartsWith(complaint, GoPattern.Check(pattern), StringComparison.Ordinal);

    [Theory]
    [InlineData("""["a","b","a"]""", "set", "spec[2]: Duplicate value: \"a\"")]
    [InlineData("""[{"k":1},{"k":2},{"k":1,"v":3}]""", "map", "spec[2]: Duplicate value: {\"k\":1}")]
    public void Lists_that_are_sets_or_maps_hold_nothing_twice(string value, string type, string errors)
    {
        var found = new FieldErrors();
        ListRules.Validate(JsonNode.Parse($$"""{"spec":{{value}}}"""), Spec($$"""{"type":"array","x-kubernetes-list-type":"{{type}}","x-kubernetes-list-map-keys":["k"],"items":{"type":"object"} }"""), null, found);
        Assert.Equal(errors, found.ToString());
    }
}
