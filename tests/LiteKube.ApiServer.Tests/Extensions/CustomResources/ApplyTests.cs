using System.Net;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Tests.Apply;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

/// <summary>Server-side apply of custom resources: their CRD's schema says what merges.</summary>
public sealed class ApplyTests
{
    private const string Schema = """
        {"type":"object","properties":{
          "spec":{"type":"object","properties":{
            "replicas":{"type":"integer"},
            "color":{"type":"string","default":"red"},
            "limit":{"x-kubernetes-int-or-string":true},
            "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port","protocol"],"items":{"type":"object","required":["port"],"properties":{"port":{"type":"integer"},"protocol":{"type":"string","default":"TCP"},"name":{"type":"string"}}}},
            "tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
            "args":{"type":"array","items":{"type":"string"}},
            "whole":{"type":"object","x-kubernetes-map-type":"atomic","properties":{"a":{"type":"string"},"b":{"type":"string"}}},
            "labels":{"type":"object","additionalProperties":{"type":"string"}},
            "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
          "status":{"type":"object","properties":{"replicas":{"type":"integer"},"phase":{"type":"string"}}}}}
        """;

    private const string Subresources = ",\"subresources\":{\"status\":{},\"scale\":{\"specReplicasPath\":\".spec.replicas\",\"statusReplicasPath\":\".status.replicas\"}}";

    [Fact]
    public async Task Lists_maps_and_atoms_merge_as_the_schema_says()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo(Schema, Subresources));
        var created = await ApplyAsync(server, "a", """{"ports":[{"port":1,"name":"one"}],"tags":["x"],"args":["1"],"whole":{"a":"a"},"labels":{"a":"1"},"free":{"a":{"b":1}},"limit":5}""");
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        Assert.Equal(
            """{"f:spec":{"f:args":{},"f:free":{"f:a":{".":{},"f:b":{}}},"f:labels":{"f:a":{}},"f:limit":{},"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}}},"f:tags":{"v:\"x\"":{}},"f:whole":{}}}""",
            ManagedFields.Compact(ManagedFields.Entry(created.Json, "a")["fieldsV1"]));
        Assert.Equal(created.Body, (await ApplyAsync(server, "a", """{"ports":[{"port":1,"name":"one"}],"tags":["x"],"args":["1"],"whole":{"a":"a"},"labels":{"a":"1"},"free":{"a":{"b":1}},"limit":5}""")).Body);

        var merged = await ApplyAsync(server, "b", """{"ports":[{"port":1,"protocol":"UDP","name":"two"}],"tags":["y"],"labels":{"b":"2"},"free":{"a":{"c":2}}}""");
        Assert.True(merged.StatusCode == HttpStatusCode.OK, merged.Body);
        Assert.Equal(
            """{"args":["1"],"color":"red","free":{"a":{"b":1,"c":2}},"labels":{"a":"1","b":"2"},"limit":5,"ports":[{"name":"one","port":1,"protocol":"TCP"},{"name":"two","port":1,"protocol":"UDP"}],"tags":["x","y"],"whole":{"a":"a"}}""",
            merged.Json["spec"]!.ToJsonString());
        Assert.Equal("""["a","b"]""", new JsonArray([.. ManagedFields.Managers(merged.Json).Select(m => (JsonNode)m)]).ToJsonString());

        var refused = await ApplyAsync(server, "b", """{"args":["2"],"whole":{"b":"b"},"limit":"6"}""");
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Equal("Apply failed with 3 conflicts: conflicts with \"a\":\n- .spec.args\n- .spec.limit\n- .spec.whole", refused.Message());

        var pruned = await ApplyAsync(server, "a", """{"args":["1"]}""");
        Assert.Equal("""{"args":["1"],"color":"red","free":{"a":{"c":2}},"labels":{"b":"2"},"ports":[{"name":"two","port":1,"protocol":"UDP"}],"tags":["y"]}""", pruned.Json["spec"]!.ToJsonString());
    }

    [Fact]
    public async Task Owners_are_kept_for_every_writer_and_once_in_the_bytes()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo(Schema, Subresources));
        await ApplyAsync(server, "a", """{"replicas":1}""");
        await server.PatchAsync($"{CustomServer.Foos}/a/status?fieldManager=op", """{"status":{"phase":"Ready"}}""");
        var scaled = await server.PatchAsync($"{CustomServer.Foos}/a/scale?fieldManager=hpa", """{"spec":{"replicas":4}}""");
        Assert.True(scaled.StatusCode == HttpStatusCode.OK, scaled.Body);

        var read = await server.GetAsync($"{CustomServer.Foos}/a");
        Assert.Equal(2, read.Body.Split("\"managedFields\"").Length);
        Assert.Equal("""{"f:status":{"f:phase":{}}}""", ManagedFields.Compact(ManagedFields.Entry(read.Json, "op", "status")["fieldsV1"]).Replace("\".\":{},", "", StringComparison.Ordinal));
        Assert.Equal("""{"f:spec":{"f:replicas":{}}}""", ManagedFields.Compact(ManagedFields.Entry(read.Json, "hpa", "scale")["fieldsV1"]));
        var refused = await ApplyAsync(server, "a", """{"replicas":1}""");
        Assert.Equal("Apply failed with 1 conflict: conflict with \"hpa\" with subresource \"scale\" using example.com/v1: .spec.replicas", refused.Message());

        var applied = await server.PatchAsync($"{CustomServer.Foos}/a/scale?fieldManager=b&force=true", """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"a","namespace":"default"},"spec":{"replicas":6}}""", "application/apply-patch+yaml");
        Assert.True(applied.StatusCode == HttpStatusCode.OK, applied.Body);
        Assert.Equal("6", (await server.GetAsync($"{CustomServer.Foos}/a")).Json["spec"]!["replicas"]!.ToJsonString());
    }

    [Fact]
    public async Task An_unknown_field_is_refused_by_its_path()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo(Schema, Subresources));
        var refused = await ApplyAsync(server, "a", """{"ports":[{"port":1,"prt":2}]}""");
        Assert.Equal("""failed to create typed patch object (default/a; example.com/v1, Kind=Foo): .spec.ports[port=1,protocol="TCP"].prt: field not declared in schema""", refused.Message());
    }

    [Fact]
    public async Task Owners_of_one_version_meet_applies_of_another()
    {
        await using var converter = await FakeConverter.StartAsync();
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(ConversionTests.Definition($"\"url\":\"https://127.0.0.1:{converter.Address.Port}/convert\"", converter.CaBundle));
        await server.PatchAsync($"{CustomServer.Foos}/a?fieldManager=a", """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"spec":{"host":"h"}}""", "application/apply-patch+yaml");

        var refused = await server.PatchAsync($"{ConversionTests.V2}/a?fieldManager=b", """{"apiVersion":"example.com/v2","kind":"Foo","metadata":{"name":"a"},"spec":{"hostname":"i"}}""", "application/apply-patch+yaml");
        Assert.Equal("Apply failed with 1 conflict: conflict with \"a\": .spec.host", refused.Message());
        var moved = await server.PatchAsync($"{ConversionTests.V2}/a?fieldManager=a", """{"apiVersion":"example.com/v2","kind":"Foo","metadata":{"name":"a"},"spec":{"hostname":"j"}}""", "application/apply-patch+yaml");
        Assert.True(moved.StatusCode == HttpStatusCode.OK, moved.Body);
        Assert.Equal("j example.com/v2", $"{moved.Json["spec"]!["hostname"]} {ManagedFields.Entry(moved.Json, "a")["apiVersion"]}");
        Assert.Equal(["a"], ManagedFields.Managers(moved.Json));
        Assert.Equal("""{"host":"j"}""", (await server.GetAsync($"{CustomServer.Foos}/a")).Json["spec"]!.ToJsonString());
    }

    private static Task<TestResponse> ApplyAsync(TestApiServer server, string manager, string spec) =>
        server.PatchAsync($"{CustomServer.Foos}/a?fieldManager={manager}", $$"""{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a","namespace":"default"},"spec":{{spec}}}""", "application/apply-patch+yaml");
}
