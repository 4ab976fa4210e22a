using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Codec;

public sealed class CanonicalWriterTests
{
    private static readonly byte[] Managed = """[{"manager":"a","operation":"Update"}]"""u8.ToArray();

    [Theory]
    [InlineData("v1", "ConfigMap", """{"data":{"z":"1","a":"<&>"},"metadata":{"labels":{"b":"1","a":"2"},"name":"a","creationTimestamp":"2026-01-01T00:00:00Z","uid":"u","generation":3},"kind":"ConfigMap","apiVersion":"v1"}""")]
    [InlineData("v1", "Secret", """{"apiVersion":"v1","kind":"Secret","type":"Opaque","data":{"k":"YWJj"},"metadata":{"annotations":{},"finalizers":[],"name":"a","creationTimestamp":"2026-01-01T00:00:00Z"}}""")]
    [InlineData("coordination.k8s.io/v1", "Lease", """{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","spec":{"renewTime":"2026-01-01T00:00:00.123456Z","holderIdentity":"a","leaseTransitions":0},"metadata":{"name":"a"}}""")]
    [InlineData("v1", "Pod", """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"status":{"phase":"","qosClass":"Burstable"},"spec":{"hostNetwork":false,"containers":[{"image":"i","name":"c","resources":{"limits":{"memory":"64Mi"},"requests":{"memory":"64Mi","cpu":"100m"}},"readinessProbe":{"httpGet":{"port":"http","path":"/"},"periodSeconds":10},"ports":[{"containerPort":80}]}],"tolerations":[{"tolerationSeconds":0,"key":"k"}]}}""")]
    public void What_writes_change_most_is_written_without_a_second_tree(string apiVersion, string kind, string json)
    {
        var schema = ResourceCatalog.BuiltIn.FindType(apiVersion, kind)!;
        // The decoder's own nodes, in the disorder that a strategy may leave.
        var decoded = ObjectDecoder.DecodeJson(Encoding.UTF8.GetBytes(json), schema, FieldValidation.Strict).Object;
        var tree = Shuffled(decoded, new Random(7));

        Assert.True(CanonicalWriter.TryWriteForStore(tree, schema, Managed, out var written));
        AssertSame(tree, schema, written);
    }

    [FixtureTheory]
    [MemberData(nameof(ApiFixtures.All), MemberType = typeof(ApiFixtures))]
    public void A_changed_object_is_written_as_its_canonical_form(string name)
    {
        var original = JsonNode.Parse(ApiFixtures.Read(name))!.AsObject();
        if (original["metadata"] is not JsonObject || original["apiVersion"] is null) return;
        var schema = ApiFixtures.TypeOf(original["apiVersion"]!.GetValue<string>(), original["kind"]!.GetValue<string>());
        var decoded = ObjectDecoder.DecodeJson(ApiFixtures.Read(name), schema, FieldValidation.Ignore).Object;
        (decoded["metadata"] as JsonObject)?.Remove("managedFields");
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var tree = Shuffled(decoded, random);
            if (seed > 0) Damage(tree, random);
            AssertSame(tree, schema, ObjectWriter.WriteForStore(tree, schema, Managed));
        }
    }

    private static void AssertSame(JsonObject tree, TypeSchema schema, EncodedObject written)
    {
        var expected = ObjectWriter.WriteForStore(ObjectDecoder.Canonicalize(tree, schema, FieldValidation.Ignore).Object, Managed);
        Assert.Equal(Encoding.UTF8.GetString(expected.Utf8.Span), Encoding.UTF8.GetString(written.Utf8.Span));
        Assert.Equal(expected.ResourceVersionOffset, written.ResourceVersionOffset);
    }

    private static JsonObject Shuffled(JsonObject value, Random random)
    {
        var fields = value.Select(p => (p.Key, Value: p.Value switch
        {
            JsonObject o => Shuffled(o, random),
            JsonArray a => new JsonArray([.. a.Select(e => e is JsonObject o ? Shuffled(o, random) : e?.DeepClone())]),
            var leaf => leaf?.DeepClone(),
        })).ToArray();
        random.Shuffle(fields);
        return new JsonObject(fields.Select(f => KeyValuePair.Create(f.Key, f.Value)));
    }

    /// <summary>Takes fields away, empties them, or sets them to nothing.</summary>
    private static void Damage(JsonObject value, Random random)
    {
        foreach (var (name, node) in value.ToList())
        {
            switch (random.Next(12))
            {
                case 0 when name is not ("kind" or "apiVersion" or "metadata"):
                    value.Remove(name);
                    break;
                case 1 when name is not ("kind" or "apiVersion" or "metadata"):
                    value[name] = Emptied(node);
                    break;
                default:
                    if (node is JsonObject child) Damage(child, random);
                    foreach (var element in (node as JsonArray)?.OfType<JsonObject>() ?? []) Damage(element, random);
                    break;
            }
        }
    }

    private static JsonNode? Emptied(JsonNode? node) => node switch
    {
        JsonObject => new JsonObject(),
        JsonArray => new JsonArray(),
        JsonValue value when value.GetValueKind() is JsonValueKind.True or JsonValueKind.False => false,
        JsonValue value when value.TryGetValue(out int _) => 0,
        JsonValue value when value.TryGetValue(out long _) => 0L,
        _ => null,
    };
}
