using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

public sealed class InstanceTests
{
    private const string Schema = """
        {"type":"object","required":["spec"],"properties":{
          "spec":{"type":"object","properties":{"size":{"type":"integer","minimum":1},"color":{"type":"string","enum":["red","green"],"default":"red"},"replicas":{"type":"integer"},"ports":{"type":"array","items":{"type":"object","properties":{"port":{"type":"integer"}}}}}},
          "status":{"type":"object","properties":{"replicas":{"type":"integer"},"selector":{"type":"string"},"phase":{"type":"string"}}}}}
        """;

    private const string Subresources = ",\"subresources\":{\"status\":{},\"scale\":{\"specReplicasPath\":\".spec.replicas\",\"statusReplicasPath\":\".status.replicas\",\"labelSelectorPath\":\".status.selector\"}}";

    private static string Object(string spec, string name = "a", string more = "") => $$"""{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"{{name}}"},"spec":{{spec}}{{more}}}""";

    [Fact]
    public async Task An_instance_lives_through_all_verbs()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo(Schema, Subresources));
        var before = (await server.GetAsync(CustomServer.Foos)).Json["metadata"]!["resourceVersion"]!.GetValue<string>();
        await using var watch = await server.WatchAsync($"{CustomServer.Foos}?watch=1&resourceVersion={before}");

        var created = await server.PostAsync(CustomServer.Foos, Object("""{"size":2,"other":1}"""));
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Contains("unknown field \\\"spec.other\\\"", string.Join(' ', created.Headers.GetValues("Warning")), StringComparison.Ordinal);
        Assert.StartsWith("""{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"creationTimestamp":""", created.Body, StringComparison.Ordinal);
        Assert.EndsWith("""},"spec":{"color":"red","size":2}}""", created.Body, StringComparison.Ordinal);
        Assert.Equal(created.Body, (await server.GetAsync($"{CustomServer.Foos}/a")).Body);
        Assert.Equal(created.Body, (await watch.NextAsync())!["object"]!.ToJsonString());
        Assert.Contains($"\"items\":[{created.Body}]", (await server.GetAsync(CustomServer.Foos)).Body, StringComparison.Ordinal);

        var patched = await server.PatchAsync($"{CustomServer.Foos}/a", """{"spec":{"size":3}}""");
        Assert.Equal(2, patched.Json["metadata"]!["generation"]!.GetValue<int>());
        var again = await server.PatchAsync($"{CustomServer.Foos}/a", """{"metadata":{"labels":{"x":"y"}}}""");
        Assert.Equal(2, again.Json["metadata"]!["generation"]!.GetValue<int>());
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await server.PatchAsync($"{CustomServer.Foos}/a", "{}", "application/strategic-merge-patch+json")).StatusCode);
        Assert.Equal("4", (await server.PatchAsync($"{CustomServer.Foos}/a", """[{"op":"replace","path":"/spec/size","value":4}]""", "application/json-patch+json")).Json["spec"]!["size"]!.ToJsonString());

        var unconditional = await server.PutAsync($"{CustomServer.Foos}/a", Object("""{"size":5}"""));
        Assert.Contains("metadata.resourceVersion: Invalid value: 0", unconditional.Message(), StringComparison.Ordinal);
        Assert.Contains("must be specified for an update", unconditional.Message(), StringComparison.Ordinal);

        var dry = await server.PostAsync($"{CustomServer.Foos}?dryRun=All", Object("""{"size":1}""", "b"));
        Assert.Equal(HttpStatusCode.Created, dry.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync($"{CustomServer.Foos}/b")).StatusCode);

        Assert.Equal(["MODIFIED a", "MODIFIED a", "MODIFIED a"], await watch.TakeAsync(3));
        Assert.Equal("Success", (await server.DeleteAsync(CustomServer.Foos)).Json["status"]?.GetValue<string>() ?? "Success");
        Assert.Equal(["DELETED a"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task A_protobuf_body_is_no_custom_resource()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo());
        // The envelope alone: {apiVersion: example.com/v1, kind: Foo} and no message.
        byte[] enveloped = [.. "k8s\0"u8, 0x0a, 21, 0x0a, 14, .. "example.com/v1"u8, 0x12, 3, .. "Foo"u8];

        var refused = await server.SendBytesAsync(HttpMethod.Post, CustomServer.Foos, enveloped, "application/vnd.kubernetes.protobuf");

        Assert.True(refused.StatusCode == HttpStatusCode.BadRequest, $"{refused.StatusCode} {refused.Body}");
        Assert.Equal("Foo in version \"v1\" cannot be handled as a Foo: object *unstructured.Unstructured does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message", refused.Message());
    }

    [Fact]
    public async Task What_the_schema_forbids_is_refused_and_what_it_does_not_know_by_choice()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo(Schema, Subresources));
        var invalid = await server.PostAsync(CustomServer.Foos, Object("""{"size":"x","color":"blue"}"""));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, invalid.StatusCode);
        Assert.Equal("Foo.example.com \"a\" is invalid: [spec.color: Unsupported value: \"blue\": supported values: \"red\", \"green\", spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"]", invalid.Message());
        Assert.Equal("FieldValueTypeInvalid", invalid.Json["details"]!["causes"]![1]!["reason"]!.GetValue<string>());

        var strict = await server.PostAsync($"{CustomServer.Foos}?fieldValidation=Strict", Object("""{"size":1,"size":2,"ports":[{"prt":1}]}"""));
        Assert.Equal((HttpStatusCode.BadRequest, "Foo in version \"v1\" cannot be handled as a Foo: strict decoding error: duplicate field \"spec.size\", unknown field \"spec.ports[0].prt\""), (strict.StatusCode, strict.Message()));
        Assert.Equal("Foo.example.com \"a\" is invalid: spec: Required value", (await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"}}""")).Message());
        Assert.Equal(HttpStatusCode.BadRequest, (await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a","labels":{"a":1}},"spec":{}}""")).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync($"{CustomServer.Foos}?fieldValidation=Ignore", Object("""{"what":1}"""))).StatusCode);
    }

    [Fact]
    public async Task Status_and_scale_are_doors_of_their_own()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo(Schema, Subresources));
        var created = await server.PostAsync(CustomServer.Foos, Object("""{"replicas":2}""", more: ",\"status\":{\"phase\":\"Early\"}"));
        Assert.False(created.Json.ContainsKey("status"));

        var status = await server.PatchAsync($"{CustomServer.Foos}/a/status", """{"metadata":{"labels":{"no":"way"}},"spec":{"replicas":9},"status":{"phase":"Ready","replicas":1,"selector":"a=b"}}""");
        Assert.Equal("2 Ready 1 ", $"{status.Json["spec"]!["replicas"]} {status.Json["status"]!["phase"]} {status.Json["metadata"]!["generation"]} {status.Json["metadata"]!["labels"]}");
        var invalid = await server.PatchAsync($"{CustomServer.Foos}/a/status", """{"status":{"phase":5}}""");
        Assert.Equal("Foo.example.com \"a\" is invalid: status.phase: Invalid value: \"integer\": phase in body must be of type string: \"integer\"", invalid.Message());

        var scale = await server.GetAsync($"{CustomServer.Foos}/a/scale");
        Assert.Equal("Scale 2 1 a=b", $"{scale.Json["kind"]} {scale.Json["spec"]!["replicas"]} {scale.Json["status"]!["replicas"]} {scale.Json["status"]!["selector"]}");
        var scaled = await server.PatchAsync($"{CustomServer.Foos}/a/scale", """{"spec":{"replicas":7}}""");
        Assert.Equal("7", scaled.Json["spec"]!["replicas"]!.ToJsonString());
        var now = (await server.GetAsync($"{CustomServer.Foos}/a")).Json;
        Assert.Equal("7 2", $"{now["spec"]!["replicas"]} {now["metadata"]!["generation"]}");
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync($"{CustomServer.Foos}/a/log")).StatusCode);
    }

    [Fact]
    public async Task Without_a_status_subresource_the_generation_rises_with_the_status_too()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo());
        await server.PostAsync(CustomServer.Foos, Object("{}", more: ",\"status\":{\"a\":1}"));
        var patched = await server.PatchAsync($"{CustomServer.Foos}/a", """{"status":{"a":2}}""");
        Assert.Equal("2 2", $"{patched.Json["status"]!["a"]} {patched.Json["metadata"]!["generation"]}");
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync($"{CustomServer.Foos}/a/status")).StatusCode);
    }

    [Fact]
    public async Task A_default_that_comes_later_shows_on_what_is_stored_and_a_changed_definition_ends_watches()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo(Schema));
        var created = await server.PostAsync(CustomServer.Foos, Object("""{"size":1}"""));
        await using var watch = await server.WatchAsync($"{CustomServer.Foos}?watch=1&resourceVersion={created.Json["metadata"]!["resourceVersion"]}");

        var changed = await server.PatchAsync($"{CustomServer.Definitions}/foos.example.com", """[{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/mode","value":{"type":"string","default":"auto"}},{"op":"remove","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size"}]""", "application/json-patch+json");
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);

        Assert.Null(await watch.NextAsync());
        const string Expected = """{"color":"red","mode":"auto"}""";
        Assert.Equal(Expected, (await server.GetAsync($"{CustomServer.Foos}/a")).Json["spec"]!.ToJsonString());
        Assert.Equal(Expected, (await server.GetAsync(CustomServer.Foos)).Json["items"]![0]!["spec"]!.ToJsonString());
        await using var after = await server.WatchAsync($"{CustomServer.Foos}?watch=1");
        Assert.Equal(Expected, (await after.NextAsync())!["object"]!["spec"]!.ToJsonString());
    }

    [Fact]
    public async Task An_unchanged_invalid_value_is_tolerated_on_update()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo(Schema));
        await server.PostAsync(CustomServer.Foos, Object("""{"size":1}"""));
        await server.PatchAsync($"{CustomServer.Definitions}/foos.example.com", """[{"op":"replace","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/minimum","value":5}]""", "application/json-patch+json");

        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{CustomServer.Foos}/a", """{"spec":{"color":"green"}}""")).StatusCode);
        Assert.Contains("spec.size: Invalid value: 2: spec.size in body should be greater than or equal to 5", (await server.PatchAsync($"{CustomServer.Foos}/a", """{"spec":{"size":2}}""")).Message(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Columns_selectors_and_discovery_follow_the_definition()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo(Schema, Subresources + ""","additionalPrinterColumns":[{"name":"Color","type":"string","jsonPath":".spec.color"},{"name":"Size","type":"integer","jsonPath":".spec.size","priority":1},{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}],"selectableFields":[{"jsonPath":".spec.color"}]"""));
        await server.PostAsync(CustomServer.Foos, Object("""{"size":1}"""));
        await server.PostAsync(CustomServer.Foos, Object("""{"color":"green"}""", "b"));

        var table = (await server.GetAsync(CustomServer.Foos, "application/json;as=Table;g=meta.k8s.io;v=v1")).Json;
        Assert.Equal("Name,Color,Size,Age", string.Join(',', table["columnDefinitions"]!.AsArray().Select(c => c!["name"])));
        Assert.Equal(["a", "red", "1"], table["rows"]![0]!["cells"]!.AsArray().Take(3).Select(c => c!.ToString()));
        Assert.Null(table["rows"]![1]!["cells"]![2]);
        Assert.Equal("b", (await server.GetAsync($"{CustomServer.Foos}?fieldSelector=spec.color%3Dgreen")).Json["items"]!.AsArray().Single()!["metadata"]!["name"]!.GetValue<string>());
        Assert.Equal("field label not supported: spec.size", (await server.GetAsync($"{CustomServer.Foos}?fieldSelector=spec.size%3D1")).Message());

        var resources = (await server.GetAsync("/apis/example.com/v1")).Json["resources"]!.AsArray();
        Assert.Equal(["foos", "foos/status", "foos/scale"], resources.Select(r => r!["name"]!.GetValue<string>()));
        Assert.Equal("foo fo all", $"{resources[0]!["singularName"]} {resources[0]!["shortNames"]![0]} {resources[0]!["categories"]![0]}");
        Assert.Contains("\"example.com\"", (await server.GetAsync("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_versions_are_one_object_and_the_best_is_preferred()
    {
        await using var server = await TestApiServer.StartAsync();
        const string Open = """{"type":"object","x-kubernetes-preserve-unknown-fields":true}""";
        var versions = string.Join(',', new[] { "v1alpha1", "v10", "v2", "v1beta1" }.Select(v => $$"""{"name":"{{v}}","served":true,"storage":{{(v == "v1beta1" ? "true" : "false")}},"schema":{"openAPIV3Schema":{{Open}}}{{(v == "v1alpha1" ? ",\"deprecated\":true" : "")}}}"""));
        var definition = CustomServer.Foo();
        await server.EstablishAsync(definition[..definition.IndexOf("\"versions\"", StringComparison.Ordinal)] + $"\"versions\":[{versions}]}}}}");

        Assert.Equal(["v10", "v2", "v1beta1", "v1alpha1"], (await server.GetAsync("/apis/example.com")).Json["versions"]!.AsArray().Select(v => v!["version"]!.GetValue<string>()));
        await server.PostAsync("/apis/example.com/v2/namespaces/default/foos", """{"apiVersion":"example.com/v2","kind":"Foo","metadata":{"name":"a"},"x":1}""");
        var old = await server.GetAsync("/apis/example.com/v1alpha1/namespaces/default/foos/a");
        Assert.Equal("example.com/v1alpha1", old.Json["apiVersion"]!.GetValue<string>());
        Assert.Contains("example.com/v1alpha1 Foo is deprecated; use example.com/v10 Foo", string.Join(' ', old.Headers.GetValues("Warning")), StringComparison.Ordinal);
        Assert.Equal("example.com/v10", (await server.GetAsync("/apis/example.com/v10/foos")).Json["items"]![0]!["apiVersion"]!.GetValue<string>());
        await using var watch = await server.WatchAsync("/apis/example.com/v2/foos?watch=1");
        Assert.Equal("example.com/v2", (await watch.NextAsync())!["object"]!["apiVersion"]!.GetValue<string>());
    }

    [Fact]
    public async Task OpenApi_publishes_the_schema_and_only_its_own_document_changes()
    {
        await using var server = await TestApiServer.StartAsync();
        var before = (await server.GetAsync("/openapi/v3")).Json["paths"]!.AsObject();
        await server.EstablishAsync(CustomServer.Foo(Schema));
        var after = (await server.GetAsync("/openapi/v3")).Json["paths"]!.AsObject();

        Assert.True(after.ContainsKey("apis/example.com/v1"));
        foreach (var (path, entry) in before) Assert.Equal(entry!.ToJsonString(), after[path]!.ToJsonString());
        var foo = (await server.GetAsync("/openapi/v3/apis/example.com/v1")).Json["components"]!["schemas"]!["com.example.v1.Foo"]!;
        Assert.Equal("""[{"group":"example.com","version":"v1","kind":"Foo"}]""", foo["x-kubernetes-group-version-kind"]!.ToJsonString());
        Assert.Equal("red", foo["properties"]!["spec"]!["properties"]!["color"]!["default"]!.GetValue<string>());
        Assert.True(foo["properties"]!.AsObject().ContainsKey("metadata"));
        Assert.True((await server.GetAsync("/openapi/v2")).Json["definitions"]!.AsObject().ContainsKey("com.example.v1.FooList"));
    }
}
