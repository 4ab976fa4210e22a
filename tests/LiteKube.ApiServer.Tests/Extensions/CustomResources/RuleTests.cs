using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

/// <summary>x-kubernetes-validations on a running server.</summary>
public sealed class RuleTests
{
    /// <summary>What Kubernetes' own end-to-end tests of rules use.</summary>
    private const string Sum = """
        {"type":"object","properties":{
          "spec":{"type":"object","x-kubernetes-validations":[{"rule":"self.x + self.y > 0"}],"properties":{"x":{"type":"integer"},"y":{"type":"integer"}}},
          "status":{"type":"object","x-kubernetes-validations":[{"rule":"self.health == 'ok' || self.health == 'unhealthy'"}],"properties":{"health":{"type":"string"}}}}}
        """;

    private const string WithStatus = ""","subresources":{"status":{}}""";

    private static string Foo(string spec, string name = "a", string? resourceVersion = null) =>
        $$$"""{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"{{{name}}}"{{{(resourceVersion is null ? "" : $",\"resourceVersion\":\"{resourceVersion}\"")}}}},"spec":{{{spec}}}}""";

    private static string Rules(string rules, string properties = "", string type = "object") =>
        Spec($$"""{"type":"{{type}}","x-kubernetes-validations":[{{rules}}]""" + (properties.Length == 0 ? "}" : "," + properties + "}"));

    /// <summary>A schema whose spec is as given.</summary>
    private static string Spec(string schema) => """{"type":"object","properties":{"spec":""" + schema + "}}";

    private static async Task<TestApiServer> StartAsync(string schema, string extra = "")
    {
        var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo(schema, extra));
        return server;
    }

    private static async Task<TestResponse> ReplaceAsync(TestApiServer server, string spec, string name = "a")
    {
        var standing = (await server.GetAsync($"{CustomServer.Foos}/{name}")).Json;
        return await server.PutAsync($"{CustomServer.Foos}/{name}", Foo(spec, name, standing["metadata"]!["resourceVersion"]!.GetValue<string>()));
    }

    private static void AssertRefused(TestResponse response, string message)
    {
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Equal("Invalid", response.Json["reason"]!.GetValue<string>());
        Assert.Equal(message, response.Message());
    }

    [Fact]
    public async Task A_custom_resource_that_satisfies_the_rules_is_created()
    {
        await using var server = await StartAsync(Sum);
        var created = await server.PostAsync(CustomServer.Foos, Foo("""{"x":1,"y":0}"""));
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
    }

    [Fact]
    public async Task A_custom_resource_that_does_not_satisfy_the_rules_is_refused()
    {
        await using var server = await StartAsync(Sum);
        var refused = await server.PostAsync(CustomServer.Foos, Foo("""{"x":0,"y":0}"""));
        AssertRefused(refused, "Foo.example.com \"a\" is invalid: spec: Invalid value: failed rule: self.x + self.y > 0");
        Assert.Equal("""[{"reason":"FieldValueInvalid","message":"Invalid value: failed rule: self.x \u002B self.y \u003E 0","field":"spec"}]""", refused.Json["details"]!["causes"]!.ToJsonString());
    }

    [Theory]
    [InlineData("self.z == 100", "undefined field 'z'")]
    [InlineData("self = 42", "Syntax error: token recognition error at: '= '")]
    [InlineData("self.x", "cel expression must evaluate to a bool")]
    public async Task A_definition_whose_rule_does_not_compile_is_refused(string rule, string complaint)
    {
        await using var server = await TestApiServer.StartAsync();
        var refused = await server.PostAsync(CustomServer.Definitions, CustomServer.Foo(Rules($$"""{"rule":"{{rule}}"}""", """ "properties":{"x":{"type":"integer"}}""")));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        var start = $$"""CustomResourceDefinition.apiextensions.k8s.io "foos.example.com" is invalid: spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {"Rule":"{{rule}}","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: """;
        Assert.StartsWith(start, refused.Message(), StringComparison.Ordinal);
        Assert.Contains(complaint, refused.Message(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_definition_whose_rule_exceeds_the_estimated_cost_limit_is_refused()
    {
        await using var server = await TestApiServer.StartAsync();
        var schema = """{"type":"object","properties":{"spec":{"type":"object","properties":{"x":{"type":"array","items":{"type":"array","items":{"type":"string"},"x-kubernetes-validations":[{"rule":"self.all(s, s == 'string constant')"}]}}}}}}""";
        var refused = await server.PostAsync(CustomServer.Definitions, CustomServer.Foo(schema));
        const string Path = "spec.validation.openAPIV3Schema.properties[spec].properties[x].items.x-kubernetes-validations[0].rule";
        AssertRefused(refused, $"CustomResourceDefinition.apiextensions.k8s.io \"foos.example.com\" is invalid: [{Path}: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared), "
            + $"{Path}: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema, "
            + "spec.validation.openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)]");
        // Bounds on the data make it cheap enough.
        var bounded = schema.Replace("\"type\":\"array\"", "\"type\":\"array\",\"maxItems\":20", StringComparison.Ordinal).Replace("\"type\":\"string\"", "\"type\":\"string\",\"maxLength\":20", StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(CustomServer.Definitions, CustomServer.Foo(bounded))).StatusCode);
    }

    [Fact]
    public async Task A_custom_resource_that_exceeds_the_runtime_cost_limit_is_refused()
    {
        const string Rule = "self.all(x, self.all(y, self.all(z, x == y || z == z)))";
        await using var server = await StartAsync(Rules($$"""{"rule":"{{Rule}}"}""", """ "maxItems":90,"items":{"type":"integer"}""", "array"));
        var refused = await server.PostAsync(CustomServer.Foos, Foo($"[{string.Join(',', Enumerable.Range(0, 90))}]"));
        AssertRefused(refused, $"Foo.example.com \"a\" is invalid: spec: Invalid value: \"array\": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: {Rule}");
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(CustomServer.Foos, Foo("[1,2,3]"))).StatusCode);
    }

    [Fact]
    public async Task All_rules_of_an_object_share_a_budget()
    {
        // Each costs less than a million, and no object may cost more than ten.
        var rule = """{"rule":"self.all(x, self.all(y, x + y >= 0 && x + y >= 0))"}""";
        await using var server = await StartAsync(Rules(string.Join(',', Enumerable.Repeat(rule, 40)), """ "maxItems":250,"items":{"type":"integer"}""", "array"));
        var refused = await server.PostAsync(CustomServer.Foos, Foo($"[{string.Join(',', Enumerable.Range(0, 250))}]"));
        AssertRefused(refused, "Foo.example.com \"a\" is invalid: spec: Invalid value: \"array\": validation failed due to running out of cost budget, no further validation rules will be run");
    }

    [Fact]
    public async Task An_update_that_does_not_satisfy_a_transition_rule_is_refused()
    {
        await using var server = await StartAsync("""{"type":"object","properties":{"spec":{"type":"object","properties":{"x":{"type":"integer","x-kubernetes-validations":[{"rule":"self == oldSelf"}]},"y":{"type":"string"}}}}}""");
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(CustomServer.Foos, Foo("""{"x":1}"""))).StatusCode);
        AssertRefused(await ReplaceAsync(server, """{"x":2}"""), "Foo.example.com \"a\" is invalid: spec.x: Invalid value: 2: failed rule: self == oldSelf");
        AssertRefused(await server.PatchAsync($"{CustomServer.Foos}/a", """{"spec":{"x":3}}"""), "Foo.example.com \"a\" is invalid: spec.x: Invalid value: 3: failed rule: self == oldSelf");
        Assert.Equal(HttpStatusCode.OK, (await ReplaceAsync(server, """{"x":1,"y":"new"}""")).StatusCode);
        // A value that goes or comes has nothing to be compared with.
        Assert.Equal(HttpStatusCode.OK, (await ReplaceAsync(server, "{}")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await ReplaceAsync(server, """{"x":7}""")).StatusCode);
    }

    [Fact]
    public async Task A_rule_with_an_optional_old_value_runs_on_create_too()
    {
        await using var server = await StartAsync(Rules("""{"rule":"oldSelf.hasValue() ? self.x >= oldSelf.value().x : self.x == 0","optionalOldSelf":true,"message":"starts at 0 and grows"}""", """ "properties":{"x":{"type":"integer"}}"""));
        AssertRefused(await server.PostAsync(CustomServer.Foos, Foo("""{"x":1}""")), "Foo.example.com \"a\" is invalid: spec: Invalid value: starts at 0 and grows");
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(CustomServer.Foos, Foo("""{"x":0}"""))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await ReplaceAsync(server, """{"x":5}""")).StatusCode);
        AssertRefused(await ReplaceAsync(server, """{"x":4}"""), "Foo.example.com \"a\" is invalid: spec: Invalid value: starts at 0 and grows");
    }

    [Fact]
    public async Task The_status_is_judged_when_it_is_written()
    {
        await using var server = await StartAsync(Sum, WithStatus);
        await server.PostAsync(CustomServer.Foos, Foo("""{"x":1,"y":0}"""));
        var refused = await server.PatchAsync($"{CustomServer.Foos}/a/status", """{"status":{"health":"so-so"}}""");
        AssertRefused(refused, "Foo.example.com \"a\" is invalid: status: Invalid value: failed rule: self.health == 'ok' || self.health == 'unhealthy'");
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{CustomServer.Foos}/a/status", """{"status":{"health":"ok"}}""")).StatusCode);
    }

    [Theory]
    [InlineData("""{"rule":"self.x < self.max","message":"x is too large"}""", "spec: Invalid value: x is too large")]
    [InlineData("""{"rule":"self.x < self.max","message":"x is too large","messageExpression":"'x must be below %d'.format([self.max])"}""", "spec: Invalid value: x must be below 3")]
    [InlineData("""{"rule":"self.x < self.max","message":"x is too large","messageExpression":"self.none"}""", "spec: Invalid value: x is too large")]
    [InlineData("""{"rule":"self.x < self.max","messageExpression":"'  '"}""", "spec: Invalid value: failed rule: self.x < self.max")]
    [InlineData("""{"rule":"self.x < self.max","reason":"FieldValueForbidden","message":"no"}""", "spec: Forbidden: no")]
    [InlineData("""{"rule":"self.x < self.max","reason":"FieldValueRequired","message":"no"}""", "spec: Required value: no")]
    [InlineData("""{"rule":"self.x < self.max","reason":"FieldValueDuplicate","message":"no"}""", "spec: Duplicate value")]
    [InlineData("""{"rule":"self.x < self.max","fieldPath":".x","message":"no"}""", "spec.x: Invalid value: no")]
    [InlineData("""{"rule":"self.x < self.max","fieldPath":".labels['a.b']","message":"no"}""", "spec.labels[a.b]: Invalid value: no")]
    [InlineData("""{"rule":"self.__namespace__ != 'ns' && self.a__dot__b__dash__c != 1","message":"names are escaped"}""", "spec: Invalid value: names are escaped")]
    [InlineData("""{"rule":"self.size > 5"}""", "spec: Invalid value: \"object\": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self.size > 5")]
    [InlineData("""{"rule":"self.none == 'x'"}""", "spec: Invalid value: \"object\": no such key: none evaluating rule: self.none == 'x'")]
    [InlineData("""{"rule":"type(self.size) == string && self.size == '6%'"}""", "spec: Invalid value: failed rule: type(self.size) == string && self.size == '6%'")]
    public async Task A_failure_is_told_as_its_rule_says(string rule, string error)
    {
        const string Properties = """
            "properties":{"x":{"type":"integer"},"max":{"type":"integer"},"none":{"type":"string"},"namespace":{"type":"string"},"a.b-c":{"type":"integer"},
              "labels":{"type":"object","additionalProperties":{"type":"string"}},"size":{"x-kubernetes-int-or-string":true}}
            """;
        await using var server = await StartAsync(Rules(rule, Properties));
        AssertRefused(await server.PostAsync(CustomServer.Foos, Foo("""{"x":5,"max":3,"namespace":"ns","a.b-c":1,"size":"5%"}""")), $"Foo.example.com \"a\" is invalid: {error}");
    }

    [Fact]
    public async Task Of_metadata_rules_see_the_name_alone()
    {
        await using var server = await StartAsync("""{"type":"object","x-kubernetes-validations":[{"rule":"self.metadata.name.startsWith('f-') && self.kind == 'Foo'","fieldPath":".metadata.name","message":"begins with f-"}],"properties":{"metadata":{"type":"object","properties":{"name":{"type":"string"}}}}}""");
        AssertRefused(await server.PostAsync(CustomServer.Foos, Foo("{}", "a")), "Foo.example.com \"a\" is invalid: metadata.name: Invalid value: begins with f-");
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(CustomServer.Foos, Foo("{}", "f-a"))).StatusCode);
        var refused = await server.PostAsync(CustomServer.Definitions, CustomServer.Foo("""{"type":"object","x-kubernetes-validations":[{"rule":"self.metadata.labels.size() > 0"}]}""").Replace("foos", "bars", StringComparison.Ordinal));
        Assert.Contains("undefined field 'labels'", refused.Message(), StringComparison.Ordinal);
        // Names are not as long as texts can be.
        var bounded = CustomServer.Foo("""{"type":"object","x-kubernetes-validations":[{"rule":"self.metadata.name.contains(self.metadata.name) && self.metadata.generateName.contains(self.metadata.generateName)"}]}""");
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(CustomServer.Definitions, bounded.Replace("foos", "bars", StringComparison.Ordinal))).StatusCode);
    }

    [Fact]
    public async Task Elements_with_keys_keep_their_old_value_wherever_they_stand()
    {
        var list = """
            {"type":"object","properties":{"ports":{"type":"array","maxItems":9,"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name","proto"],
              "items":{"type":"object","required":["name","proto"],"x-kubernetes-validations":[{"rule":"self.port >= oldSelf.port","message":"ports only grow"}],
                "properties":{"name":{"type":"string"},"proto":{"type":"string"},"port":{"type":"integer"}}}}}}
            """;
        await using var server = await StartAsync(Spec(list));
        await server.PostAsync(CustomServer.Foos, Foo("""{"ports":[{"name":"a","proto":"tcp","port":5},{"name":"b","proto":"tcp","port":7}]}"""));
        Assert.Equal(HttpStatusCode.OK, (await ReplaceAsync(server, """{"ports":[{"name":"b","proto":"tcp","port":8},{"name":"a","proto":"udp","port":1},{"name":"a","proto":"tcp","port":5}]}""")).StatusCode);
        AssertRefused(await ReplaceAsync(server, """{"ports":[{"name":"a","proto":"tcp","port":6},{"name":"b","proto":"tcp","port":7}]}"""), "Foo.example.com \"a\" is invalid: spec.ports[1]: Invalid value: ports only grow");
        var atomic = list.Replace(""","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name","proto"]""", "", StringComparison.Ordinal);
        var refused = await server.PostAsync(CustomServer.Definitions, CustomServer.Foo(Spec(atomic)).Replace("foos", "bars", StringComparison.Ordinal));
        Assert.Contains("spec.validation.openAPIV3Schema.properties[spec].properties[ports].items.x-kubernetes-validations[0].rule: Invalid value: \"self.port >= oldSelf.port\": oldSelf cannot be used on the uncorrelatable portion of the schema within spec.validation.openAPIV3Schema.properties[spec].properties[ports]", refused.Message(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_update_leaves_as_it_was_only_warns()
    {
        await using var server = await StartAsync("""{"type":"object","properties":{"spec":{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"integer"}}}}}""");
        await server.PostAsync(CustomServer.Foos, Foo("""{"x":5,"y":1}"""));
        // The rule comes after the object.
        var definition = (await server.GetAsync($"{CustomServer.Definitions}/foos.example.com")).Json;
        definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!["properties"]!["x"]!["x-kubernetes-validations"] = new JsonArray(new JsonObject { ["rule"] = "self < 3" });
        Assert.Equal(HttpStatusCode.OK, (await server.PutAsync($"{CustomServer.Definitions}/foos.example.com", definition.ToJsonString())).StatusCode);

        var other = await ReplaceAsync(server, """{"x":5,"y":2}""");

        Assert.True(other.StatusCode == HttpStatusCode.OK, other.Body);
        Assert.Equal(["299 - \"spec.x: Invalid value: 5: failed rule: self < 3\""], other.Headers.GetValues("Warning"));
        AssertRefused(await ReplaceAsync(server, """{"x":6,"y":2}"""), "Foo.example.com \"a\" is invalid: spec.x: Invalid value: 6: failed rule: self < 3");
        AssertRefused(await server.PostAsync(CustomServer.Foos, Foo("""{"x":5}""", "b")), "Foo.example.com \"b\" is invalid: spec.x: Invalid value: 5: failed rule: self < 3");
    }

    [Fact]
    public async Task Embedded_resources_and_preserved_fields_are_seen_as_far_as_they_are_known()
    {
        await using var server = await StartAsync(Rules("""{"rule":"self.template.kind == 'Pod' && self.template.metadata.name == self.name","message":"names differ"}""",
            """ "properties":{"name":{"type":"string"},"template":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}"""));
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(CustomServer.Foos, Foo("""{"name":"p","template":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"any":1}}}"""))).StatusCode);
        AssertRefused(await server.PostAsync(CustomServer.Foos, Foo("""{"name":"q","template":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}}""", "b")), "Foo.example.com \"b\" is invalid: spec: Invalid value: names differ");
    }

    [Fact]
    public async Task An_object_of_the_wrong_shape_is_not_judged_by_rules()
    {
        await using var server = await StartAsync(Sum);
        AssertRefused(await server.PostAsync(CustomServer.Foos, Foo("""{"x":"one","y":0}""")),
            "Foo.example.com \"a\" is invalid: [spec.x: Invalid value: \"string\": spec.x in body must be of type integer: \"string\", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]");
    }

    [Theory]
    [InlineData("""{"type":"string","default":"b","x-kubernetes-validations":[{"rule":"self == 'a'","message":"only a"}]}""", "default: Invalid value: \"b\": only a")]
    [InlineData("""{"type":"string","default":"b","x-kubernetes-validations":[{"rule":"oldSelf.hasValue()","optionalOldSelf":true}]}""", "default: Invalid value: \"b\": failed rule: oldSelf.hasValue()")]
    [InlineData("""{"type":"string","x-kubernetes-validations":[{"rule":"true","optionalOldSelf":true}]}""", "x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule")]
    [InlineData("""{"type":"string","x-kubernetes-validations":[{"rule":"true","messageExpression":"1"}]}""", "x-kubernetes-validations[0].messageExpression: Invalid value: {\"Rule\":\"true\",\"Message\":\"\",\"MessageExpression\":\"1\",\"Reason\":null,\"FieldPath\":\"\",\"OptionalOldSelf\":null}: messageExpression must evaluate to a string")]
    [InlineData("""{"x-kubernetes-preserve-unknown-fields":true,"x-kubernetes-validations":[{"rule":"true"}]}""", "x-kubernetes-validations: Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations")]
    [InlineData("""{"type":"object","x-kubernetes-validations":[{"rule":"true","fieldPath":".b"}],"properties":{"a":{"type":"string"}}}""", "x-kubernetes-validations[0].fieldPath: Invalid value: \".b\": must be a valid path")]
    public async Task A_definition_that_uses_rules_wrongly_is_refused(string schema, string error)
    {
        await using var server = await TestApiServer.StartAsync();
        AssertRefused(await server.PostAsync(CustomServer.Definitions, CustomServer.Foo(Spec(schema))),
            $"CustomResourceDefinition.apiextensions.k8s.io \"foos.example.com\" is invalid: spec.validation.openAPIV3Schema.properties[spec].{error}");
    }

    [Fact]
    public async Task Rules_apply_to_what_is_applied_on_the_server_and_to_dry_runs()
    {
        await using var server = await StartAsync(Sum);
        AssertRefused(await server.PatchAsync($"{CustomServer.Foos}/a?fieldManager=m", Foo("""{"x":0,"y":0}"""), "application/apply-patch+yaml"), "Foo.example.com \"a\" is invalid: spec: Invalid value: failed rule: self.x + self.y > 0");
        AssertRefused(await server.PostAsync(CustomServer.Foos + "?dryRun=All", Foo("""{"x":0,"y":0}""")), "Foo.example.com \"a\" is invalid: spec: Invalid value: failed rule: self.x + self.y > 0");
    }
}
