using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Patching;

namespace LiteKube.Apis.Tests.Patching;

public class JsonPatchTests
{
    private const string Document = """{"a":{"b":[1,2,3],"c/d":"x"},"e":null}""";

    [Theory]
    [InlineData("""[{"op":"add","path":"/a/b/1","value":9}]""", """{"a":{"b":[1,9,2,3],"c/d":"x"},"e":null}""")]
    [InlineData("""[{"op":"add","path":"/a/b/-","value":9}]""", """{"a":{"b":[1,2,3,9],"c/d":"x"},"e":null}""")]
    [InlineData("""[{"op":"add","path":"/f","value":{"g":1}}]""", """{"a":{"b":[1,2,3],"c/d":"x"},"e":null,"f":{"g":1}}""")]
    [InlineData("""[{"op":"remove","path":"/a/b/-1"}]""", """{"a":{"b":[1,2],"c/d":"x"},"e":null}""")]
    [InlineData("""[{"op":"remove","path":"/a/c~1d"},{"op":"remove","path":"/e"}]""", """{"a":{"b":[1,2,3]}}""")]
    [InlineData("""[{"op":"replace","path":"/a/b","value":[]}]""", """{"a":{"b":[],"c/d":"x"},"e":null}""")]
    [InlineData("""[{"op":"move","from":"/a/b/0","path":"/e"}]""", """{"a":{"b":[2,3],"c/d":"x"},"e":1}""")]
    [InlineData("""[{"op":"copy","from":"/a","path":"/e"},{"op":"remove","path":"/a"}]""", """{"e":{"b":[1,2,3],"c/d":"x"}}""")]
    [InlineData("""[{"op":"test","path":"/a/b","value":[1,2,3]},{"op":"test","path":"/none","value":null},{"op":"test","path":"/e","value":null}]""", Document)]
    [InlineData("""[]""", Document)]
    public void Operations_apply_in_order(string patch, string expected)
    {
        var result = JsonPatch.Apply(JsonNode.Parse(Document)!, Encoding.UTF8.GetBytes(patch))!;
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(ObjectWriter.Write(result))), result.ToJsonString());
    }

    [Theory]
    [InlineData("""[{"op":"test","path":"/a/b/0","value":2}]""", "testing value /a/b/0 failed: test failed")]
    [InlineData("""[{"op":"remove","path":"/a/x"}]""", "error in remove for path: '/a/x': Unable to remove nonexistent key: x: missing value")]
    [InlineData("""[{"op":"remove","path":"/x/y"}]""", "remove operation does not apply: doc is missing path: \"/x/y\": missing value")]
    [InlineData("""[{"op":"add","path":"/x/y","value":1}]""", "add operation does not apply: doc is missing path: \"/x/y\": missing value")]
    [InlineData("""[{"op":"add","path":"/a/b/7","value":1}]""", "error in add for path: '/a/b/7': Unable to access invalid index: 7: invalid index referenced")]
    [InlineData("""[{"op":"replace","path":"/a/b/3","value":1}]""", "replace operation does not apply: doc is missing key: /a/b/3: missing value")]
    [InlineData("""[{"op":"replace","path":"/x/y","value":1}]""", "replace operation does not apply: doc is missing path: /x/y: missing value")]
    [InlineData("""[{"op":"frob","path":"/a"}]""", "Unexpected kind: frob")]
    [InlineData("""[{"path":"/a"}]""", "Unexpected kind: unknown")]
    [InlineData("""[{"op":"replace","value":1}]""", "replace operation failed to decode path: operation missing path field: missing value")]
    [InlineData("""[{"op":"add","path":"/a/b/x","value":1}]""", "error in add for path: '/a/b/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax")]
    [InlineData("""[{"op":"add","value":1}]""", "add operation failed to decode path: missing value")]
    public void What_does_not_apply_is_unprocessable(string patch, string message)
    {
        var e = Assert.Throws<PatchException>(() => JsonPatch.Apply(JsonNode.Parse(Document)!, Encoding.UTF8.GetBytes(patch)));
        Assert.Equal(message, e.Message);
        Assert.True(e.IsUnprocessable);
    }

    [Theory]
    [InlineData("{}", "json: cannot unmarshal object into Go value of type jsonpatch.Patch")]
    [InlineData("[1]", "json: cannot unmarshal number into Go value of type jsonpatch.Operation")]
    [InlineData("[", "error decoding patch: unexpected end of JSON input")]
    public void What_is_no_patch_is_a_bad_request(string patch, string message)
    {
        var e = Assert.Throws<PatchException>(() => JsonPatch.Apply(JsonNode.Parse(Document)!, Encoding.UTF8.GetBytes(patch)));
        Assert.Equal(message, e.Message);
        Assert.False(e.IsUnprocessable);
    }

    [Fact]
    public void A_patch_of_copies_cannot_grow_the_object_without_bound()
    {
        var doubling = string.Join(',', Enumerable.Range(0, 40).Select(i => $$"""{"op":"copy","from":"/a","path":"/a/k{{i}}"}"""));
        Assert.Throws<PatchException>(() => JsonPatch.Apply(JsonNode.Parse(Document)!, Encoding.UTF8.GetBytes($"[{doubling}]")));
    }

    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""{}""", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public void A_merge_patch_merges_objects_and_replaces_the_rest(string original, string patch, string expected) =>
        Assert.Equal(expected, MergePatch.Apply(JsonNode.Parse(original)!.AsObject(), Encoding.UTF8.GetBytes(patch)).ToJsonString());

    [Fact]
    public void The_difference_of_two_objects_as_a_merge_patch_leads_from_one_to_the_other() =>
        Gen.Select(Objects, Objects).Sample((from, to) =>
        {
            var (a, b) = (JsonNode.Parse(from)!.AsObject(), JsonNode.Parse(to)!.AsObject());
            var result = MergePatch.Apply(a, Encoding.UTF8.GetBytes(Difference(a, b).ToJsonString()));
            return JsonEquality.AreEqual(result, b) && a.ToJsonString() == from;
        });

    private static Gen<string> Objects { get; } = Gen.Recursive<string>((depth, self) =>
        Gen.Select(Gen.OneOf("a", "b", "c"), depth > 3 ? Gen.OneOf("1", "\"x\"", "[1,2]") : Gen.OneOf(Gen.OneOf("1", "true", "[{}]"), self)).Array[0, 3]
            .Select(fields => "{" + string.Join(',', fields.DistinctBy(f => f.Item1).Select(f => $"\"{f.Item1}\":{f.Item2}")) + "}"));

    private static JsonObject Difference(JsonObject from, JsonObject to)
    {
        var patch = new JsonObject();
        foreach (var (name, value) in to)
        {
            if (value is JsonObject child && from[name] is JsonObject before)
                patch[name] = Difference(before, child);
            else
                patch[name] = value?.DeepClone();
        }

        foreach (var (name, _) in from.Where(f => !to.ContainsKey(f.Key)))
            patch[name] = null;
        return patch;
    }
}
