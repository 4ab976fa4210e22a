using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Patching;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Patching;

public class StrategicMergePatchTests
{
    private static string Apply(string apiVersion, string type, string original, string patch) =>
        Encoding.UTF8.GetString(ObjectWriter.Write(StrategicMergePatch.Apply(
            JsonNode.Parse(original)!.AsObject(), Encoding.UTF8.GetBytes(patch), ResourceCatalog.BuiltIn.FindType(apiVersion, type)!)));

    [Theory]
    // Elements meet by their merge key; new ones come in the patch's order before what follows it.
    [InlineData("PodSpec", """{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}""", """{"containers":[{"name":"b","image":"2"}]}""", """{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}""")]
    [InlineData("PodSpec", """{"containers":[{"name":"a"}]}""", """{"containers":[{"name":"b"}]}""", """{"containers":[{"name":"b"},{"name":"a"}]}""")]
    // Directives on elements and maps.
    [InlineData("PodSpec", """{"containers":[{"name":"a"},{"name":"b"}]}""", """{"containers":[{"name":"a","$patch":"delete"}]}""", """{"containers":[{"name":"b"}]}""")]
    [InlineData("PodSpec", """{"containers":[{"name":"a"},{"name":"b"}]}""", """{"containers":[{"name":"c"},{"$patch":"replace"}]}""", """{"containers":[{"name":"c"}]}""")]
    [InlineData("PodSpec", """{"securityContext":{"runAsUser":1,"fsGroup":2}}""", """{"securityContext":{"$patch":"replace","fsGroup":3}}""", """{"securityContext":{"fsGroup":3}}""")]
    [InlineData("PodSpec", """{"securityContext":{"runAsUser":1},"hostname":"h"}""", """{"securityContext":{"$patch":"delete"}}""", """{"securityContext":{},"hostname":"h"}""")]
    // Null deletes; a null inside something new is nothing.
    [InlineData("PodSpec", """{"hostname":"h","subdomain":"s"}""", """{"hostname":null,"affinity":{"nodeAffinity":null,"podAffinity":{}}}""", """{"subdomain":"s","affinity":{"podAffinity":{}}}""")]
    // Lists without a merge strategy are replaced.
    [InlineData("Container", """{"args":["a","b"],"name":"x"}""", """{"args":["c"]}""", """{"args":["c"],"name":"x"}""")]
    [InlineData("PodSpec", """{"tolerations":[{"key":"a"}]}""", """{"tolerations":[{"key":"b"}]}""", """{"tolerations":[{"key":"b"}]}""")]
    // Lists of scalars that merge are sets.
    [InlineData("ObjectMeta", """{"finalizers":["a","b"]}""", """{"finalizers":["b","c"]}""", """{"finalizers":["a","b","c"]}""")]
    [InlineData("ObjectMeta", """{"finalizers":["a","b","c"]}""", """{"$deleteFromPrimitiveList/finalizers":["b"]}""", """{"finalizers":["a","c"]}""")]
    [InlineData("ObjectMeta", """{"finalizers":["a","b"]}""", """{"$setElementOrder/finalizers":["c","b","a"],"finalizers":["c"]}""", """{"finalizers":["c","b","a"]}""")]
    // $setElementOrder: kubectl apply sends it with every list it knows.
    [InlineData("PodSpec", """{"containers":[{"name":"a","image":"1"},{"name":"server"},{"name":"b"}]}""", """{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"a","image":"2"}]}""", """{"containers":[{"name":"server"},{"name":"b"},{"name":"a","image":"2"}]}""")]
    [InlineData("PodSpec", """{"containers":[{"name":"a"},{"name":"b"}]}""", """{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}""", """{"containers":[{"name":"b"},{"name":"a"}]}""")]
    [InlineData("Container", """{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}""", """{"$setElementOrder/env":[{"name":"B"},{"name":"C"}],"env":[{"name":"C","value":"3"},{"$patch":"delete","name":"A"}]}""", """{"env":[{"name":"B","value":"2"},{"name":"C","value":"3"}]}""")]
    [InlineData("PodSpec", """{}""", """{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"a"},{"$patch":"delete","name":"gone"}]}""", """{"containers":[{"name":"a"}]}""")]
    [InlineData("PodSpec", """{"containers":[{"name":"d"},{"name":"e"},{"name":"a"}]}""", """{"$setElementOrder/containers":[{"name":"b"},{"name":"e"},{"name":"c"}],"containers":[{"name":"d","$patch":"delete"},{"name":"b"},{"name":"c"}]}""", """{"containers":[{"name":"a"},{"name":"b"},{"name":"e"},{"name":"c"}]}""")]
    // $retainKeys drops the union's other members.
    [InlineData("DeploymentSpec", """{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}},"replicas":1}""", """{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}""", """{"strategy":{"type":"Recreate"},"replicas":1}""")]
    [InlineData("PodSpec", """{"volumes":[{"name":"v","emptyDir":{}}]}""", """{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"}}]}""", """{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}""")]
    // Maps of scalars merge; types that differ are replaced.
    [InlineData("ObjectMeta", """{"labels":{"a":"1","b":"2"}}""", """{"labels":{"b":null,"c":"3"}}""", """{"labels":{"a":"1","c":"3"}}""")]
    [InlineData("ServiceSpec", """{"ports":[{"port":80,"targetPort":8080}]}""", """{"ports":[{"port":80,"targetPort":"http"}]}""", """{"ports":[{"port":80,"targetPort":"http"}]}""")]
    // patchStrategy=replace.
    [InlineData("PodDisruptionBudgetSpec", """{"selector":{"matchLabels":{"a":"1"}}}""", """{"selector":{"matchLabels":{"b":"2"}}}""", """{"selector":{"matchLabels":{"b":"2"}}}""")]
    public void A_patch_merges_by_what_the_schema_declares(string type, string original, string patch, string expected)
    {
        var apiVersion = type switch { "DeploymentSpec" => "apps/v1", "PodDisruptionBudgetSpec" => "policy/v1", _ => "v1" };
        Assert.Equal(expected, Apply(apiVersion, type, original, patch));
    }

    [Theory]
    [InlineData("PodSpec", """{"containers":[{"name":"a"}]}""", """{"containers":[{"image":"x"}]}""", "map: map[image:x] does not contain declared merge key: name")]
    [InlineData("PodSpec", """{"containers":[{"name":"a"}]}""", """{"containers":[{"name":"a","$patch":"merge"}]}""", "merging lists cannot yet be specified in the patch")]
    [InlineData("PodSpec", """{}""", """{"$patch":"remove"}""", "unknown patch type: remove in map: map[$patch:remove]")]
    [InlineData("PodSpec", """{"volumes":[{"name":"v"}]}""", """{"volumes":[{"name":"v","$retainKeys":["name"],"hostPath":{}}]}""", "invalid patch format of retainKeys")]
    [InlineData("ObjectMeta", """{"finalizers":["a"]}""", """{"$deleteFromPrimitiveList":["a"]}""", "invalid patch format of primitive list")]
    [InlineData("PodSpec", """{"containers":[{"name":"a"}]}""", """{"$setElementOrder/containers":[{"name":"a"},{"name":"b"}],"containers":[{"name":"b"},{"name":"a"}]}""", "The order in patch list:\n[map[name:b] map[name:a]]\n doesn't match $setElementOrder list:\n[map[name:a] map[name:b]]\n")]
    [InlineData("PodSpec", """{"containers":[{"name":"a"}]}""", """{"containers":["a"]}""", "list element types are not identical: [[map[name:a]] [a]]")]
    [InlineData("PodSpec", """{}""", """[]""", "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}")]
    [InlineData("PodSpec", """{}""", """{"a":""", "error decoding patch: unexpected end of JSON input")]
    public void A_misused_directive_is_refused_in_the_words_of_Kubernetes(string type, string original, string patch, string message) =>
        Assert.Equal(message, Assert.Throws<PatchException>(() => Apply("v1", type, original, patch)).Message);

    [Fact]
    public void The_input_is_left_as_it_was()
    {
        var original = JsonNode.Parse("""{"containers":[{"name":"a","env":[{"name":"X"}]}],"nodeSelector":{"a":"b"}}""")!.AsObject();
        var before = original.ToJsonString();
        StrategicMergePatch.Apply(original, """{"containers":[{"name":"a","env":[{"name":"X","$patch":"delete"}]}],"nodeSelector":null}"""u8, ResourceCatalog.BuiltIn.FindType("v1", "PodSpec")!);
        Assert.Equal(before, original.ToJsonString());
    }

    [Fact]
    public void An_order_directive_puts_the_named_elements_in_that_order_and_loses_none() =>
        Gen.Select(Gen.Int[0, 9].Array[0, 8], Gen.Int[0, 9].Array[0, 8], Gen.Int[0, 9].Array[0, 8]).Sample((current, order, change) =>
        {
            var server = current.Distinct().ToList();
            var ordered = order.Distinct().ToList();
            var changed = ordered.Where(change.Contains).ToList();
            var original = new JsonObject { ["containers"] = Containers(server, "old") };
            var patch = new JsonObject { ["$setElementOrder/containers"] = Containers(ordered, null), ["containers"] = Containers(changed, "new") };

            var result = StrategicMergePatch.Apply(original, ObjectWriter.Write(patch), ResourceCatalog.BuiltIn.FindType("v1", "PodSpec")!)["containers"]!.AsArray()
                .Select(c => (Name: int.Parse(c!["name"]!.GetValue<string>(), System.Globalization.CultureInfo.InvariantCulture), Image: c["image"]!.GetValue<string>())).ToList();

            Assert.Equal(server.Union(changed).Order(), result.Select(r => r.Name).Order());
            Assert.Equal(ordered.Where(o => server.Contains(o) || changed.Contains(o)), result.Select(r => r.Name).Where(ordered.Contains));
            Assert.All(result, r => Assert.Equal(changed.Contains(r.Name) ? "new" : "old", r.Image));
        });

    private static JsonArray Containers(IEnumerable<int> names, string? image) =>
        [.. names.Select(n => image is null ? new JsonObject { ["name"] = $"{n}" } : new JsonObject { ["name"] = $"{n}", ["image"] = image })];
}
