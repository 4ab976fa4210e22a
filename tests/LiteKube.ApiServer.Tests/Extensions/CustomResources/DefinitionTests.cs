using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

public sealed class DefinitionTests
{
    [Fact]
    public async Task A_definition_is_defaulted_accepted_and_established()
    {
        await using var server = await TestApiServer.StartAsync();
        var created = await server.PostAsync(CustomServer.Definitions, CustomServer.Foo());
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("""{"plural":"foos","singular":"foo","shortNames":["fo"],"kind":"Foo","listKind":"FooList","categories":["all"]}""", created.Json["spec"]!["names"]!.ToJsonString());
        Assert.Equal("""{"strategy":"None"}""", created.Json["spec"]!["conversion"]!.ToJsonString());
        Assert.Equal("""["v1"]""", created.Json["status"]!["storedVersions"]!.ToJsonString());

        var established = await server.WaitForAsync("foos.example.com", "Established", "True");

        Assert.Equal("foos", established["status"]!["acceptedNames"]!["plural"]!.GetValue<string>());
        Assert.Equal(["NamesAccepted NoConflicts no conflicts found", "Established InitialNamesAccepted the initial names have been accepted"],
            established["status"]!["conditions"]!.AsArray().Select(c => $"{c!["type"]} {c["reason"]} {c["message"]}"));
        Assert.Equal("""{"kind":"FooList","apiVersion":"example.com/v1","metadata":{"resourceVersion":"x"},"items":[]}""", System.Text.RegularExpressions.Regex.Replace((await server.GetAsync(CustomServer.Foos)).Body, "\"[0-9]+\"", "\"x\""));
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"spec":{"type":"array","items":{}}}}""", "spec.validation.openAPIV3Schema.properties[spec].items.type: Required value: must not be empty for specified array items")]
    [InlineData("""{"type":"object","properties":{"spec":{"properties":{"a":{"type":"string"}}}}}""", "spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields")]
    [InlineData("""{"properties":{}}""", "spec.validation.openAPIV3Schema.type: Required value: must not be empty at the root")]
    [InlineData("""{"type":"object","properties":{"metadata":{"type":"object","properties":{"labels":{"type":"object"}}}}}""", "spec.validation.openAPIV3Schema.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","default":5}}}""", "spec.validation.openAPIV3Schema.properties[a].default: Invalid value: \"integer\":  in body must be of type string: \"integer\"")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"object","default":{"x":1}}}}""", "spec.validation.openAPIV3Schema.properties[a].default: Invalid value: {\"x\":1}: must not have unknown fields")]
    [InlineData("""{"type":"object","anyOf":[{"properties":{"a":{"minLength":1}}}]}""", "spec.validation.openAPIV3Schema.properties[a]: Required value: because it is defined in spec.validation.openAPIV3Schema.anyOf[0].properties[a]")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","allOf":[{"type":"string"}]}}}""", "spec.validation.openAPIV3Schema.properties[a].allOf[0].type: Forbidden: must be empty to be structural")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"array","uniqueItems":true,"items":{"type":"string"}}}}""", "spec.validation.openAPIV3Schema.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{"k":{"type":"string"}}}}}}""", "spec.validation.openAPIV3Schema.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"array","x-kubernetes-list-type":"map","items":{"type":"object"}}}}""", "spec.validation.openAPIV3Schema.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"object","x-kubernetes-embedded-resource":true}}}""", "spec.validation.openAPIV3Schema.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"object","x-kubernetes-preserve-unknown-fields":false}}}""", "spec.validation.openAPIV3Schema.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string","pattern":"("}}}""", "spec.validation.openAPIV3Schema.properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `(`")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"file"}}}""", "spec.validation.openAPIV3Schema.properties[a].type: Unsupported value: \"file\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#/b","type":"string"}}}""", "spec.validation.openAPIV3Schema.properties[a].$ref: Forbidden: $ref is not supported")]
    [InlineData("""{"type":"object","nullable":true}""", "spec.validation.openAPIV3Schema.nullable: Forbidden: nullable cannot be true at the root")]
    public async Task A_schema_that_is_not_structural_is_refused(string schema, string error)
    {
        await using var server = await TestApiServer.StartAsync();
        var refused = await server.PostAsync(CustomServer.Definitions, CustomServer.Foo(schema));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Contains(error, refused.Message(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_versions_and_columns_are_checked()
    {
        await using var server = await TestApiServer.StartAsync();
        await Refused(CustomServer.Foo().Replace("\"name\":\"foos.example.com\"", "\"name\":\"bars.example.com\"", StringComparison.Ordinal), "metadata.name: Invalid value: \"bars.example.com\": must be spec.names.plural+\".\"+spec.group");
        await Refused(CustomServer.Foo().Replace("\"storage\":true", "\"storage\":false", StringComparison.Ordinal), "must have exactly one version marked as storage version");
        await Refused(CustomServer.Foo(extra: ",\"additionalPrinterColumns\":[{\"name\":\"C\",\"type\":\"text\",\"jsonPath\":\"spec\"}]"), "spec.additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of boolean,date,integer,number,string");
        await Refused(CustomServer.Foo(extra: ",\"additionalPrinterColumns\":[{\"name\":\"C\",\"type\":\"string\",\"jsonPath\":\"spec\"}]"), "spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"spec\": must be a simple json path starting with .");
        await Refused(CustomServer.Foo(extra: ",\"subresources\":{\"scale\":{\"specReplicasPath\":\".x\",\"statusReplicasPath\":\".status.r\"}}"), "spec.subresources.scale.specReplicasPath: Invalid value: \".x\": should be a json path under .spec");
        await Refused(CustomServer.Foo(extra: ",\"selectableFields\":[{\"jsonPath\":\".spec.none\"}]"), "spec.selectableFields[0].jsonPath: Invalid value: \".spec.none\": is an invalid path");
        await Refused(CustomServer.Foo().Replace("\"scope\":\"Namespaced\"", "\"scope\":\"Other\"", StringComparison.Ordinal), "spec.scope: Unsupported value: \"Other\": supported values: \"Cluster\", \"Namespaced\"");
        await Refused(CustomServer.Foo().Replace("\"scope\":", "\"preserveUnknownFields\":true,\"scope\":", StringComparison.Ordinal), "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");
        await Refused(CustomServer.Foo().Replace("example.com", "foo.k8s.io", StringComparison.Ordinal), "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111");
        await Refused(CustomServer.Foo().Replace("\"scope\":", "\"conversion\":{\"strategy\":\"Webhook\"},\"scope\":", StringComparison.Ordinal), "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook");

        async Task Refused(string definition, string error)
        {
            var refused = await server.PostAsync(CustomServer.Definitions, definition);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
            Assert.Contains(error, refused.Message(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Group_names_and_scope_of_an_established_definition_stay()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo());
        var refused = await server.PatchAsync($"{CustomServer.Definitions}/foos.example.com", """{"spec":{"scope":"Cluster","names":{"kind":"Fu"}}}""");
        Assert.Contains("spec.scope: Invalid value: \"Cluster\": field is immutable", refused.Message(), StringComparison.Ordinal);
        Assert.Contains("spec.names.kind: Invalid value: \"Fu\": field is immutable", refused.Message(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_another_definition_has_is_not_accepted_until_it_is_free()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo());
        await server.PostAsync(CustomServer.Definitions, CustomServer.Foo().Replace("foos", "bars", StringComparison.Ordinal));
        var waiting = await server.WaitForAsync("bars.example.com", "NamesAccepted", "False");
        Assert.Contains(waiting["status"]!["conditions"]!.AsArray(), c => c!["reason"]!.GetValue<string>() == "ListKindConflict" && c["message"]!.GetValue<string>() == "\"FooList\" is already in use");
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync("/apis/example.com/v1/bars")).StatusCode);

        await server.DeleteAsync($"{CustomServer.Definitions}/foos.example.com");

        await server.WaitForAsync("bars.example.com", "Established", "True");
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync("/apis/example.com/v1/bars")).StatusCode);
    }

    [Fact]
    public async Task Deleting_a_definition_deletes_its_instances_ends_watches_and_serves_no_more()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo());
        await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"held","finalizers":["example.com/hold"]}}""");
        await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"free"}}""");
        await using var watch = await server.WatchAsync($"{CustomServer.Foos}?watch=1&resourceVersion=0");
        Assert.Equal(["ADDED free", "ADDED held"], (await watch.TakeAsync(2)).Order());

        var deleted = await server.DeleteAsync($"{CustomServer.Definitions}/foos.example.com");

        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        Assert.Equal("""["customresourcecleanup.apiextensions.k8s.io"]""", deleted.Json["metadata"]!["finalizers"]!.ToJsonString());
        Assert.Equal(["DELETED free", "MODIFIED held"], (await watch.TakeAsync(2)).Order());
        var refused = await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"late"}}""");
        Assert.Equal((HttpStatusCode.Forbidden, "foos.example.com \"late\" is forbidden: create not allowed while custom resource definition is terminating"), (refused.StatusCode, refused.Message()));

        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{CustomServer.Foos}/held", """{"metadata":{"finalizers":null}}""")).StatusCode);

        Assert.Equal(["DELETED held"], await watch.TakeAsync(1));
        Assert.Null(await watch.NextAsync());
        await server.WaitUntilGoneAsync("foos.example.com");
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync(CustomServer.Foos)).StatusCode);
        Assert.DoesNotContain("example.com", (await server.GetAsync("/apis")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_status_is_its_own_and_stored_versions_grow_with_the_storage_version()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo());
        var changed = await server.PatchAsync($"{CustomServer.Definitions}/foos.example.com", """[{"op":"replace","path":"/spec/versions/0/storage","value":false},{"op":"add","path":"/spec/versions/-","value":{"name":"v2","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}}]""", "application/json-patch+json");
        Assert.Equal("""["v1","v2"]""", changed.Json["status"]!["storedVersions"]!.ToJsonString());

        var refused = await server.PatchAsync($"{CustomServer.Definitions}/foos.example.com", """[{"op":"remove","path":"/spec/versions/0"}]""", "application/json-patch+json");
        Assert.Contains("status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions; v1 was previously a storage version", refused.Message(), StringComparison.Ordinal);

        var status = await server.PatchAsync($"{CustomServer.Definitions}/foos.example.com/status", """{"status":{"storedVersions":["v2"]},"spec":{"group":"other.com"}}""");
        Assert.Equal("""["v2"]""", status.Json["status"]!["storedVersions"]!.ToJsonString());
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{CustomServer.Definitions}/foos.example.com", """[{"op":"remove","path":"/spec/versions/0"}]""", "application/json-patch+json")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync(CustomServer.Foos)).StatusCode);
    }

    [Fact]
    public async Task Formats_that_nobody_knows_are_warned_of()
    {
        await using var server = await TestApiServer.StartAsync();
        var created = await server.PostAsync(CustomServer.Definitions, CustomServer.Foo("""{"type":"object","properties":{"a":{"type":"string","format":"shoe-size"}}}"""));
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Contains("unrecognized format \\\"shoe-size\\\"", string.Join(' ', created.Headers.GetValues("Warning")), StringComparison.Ordinal);
    }
}
