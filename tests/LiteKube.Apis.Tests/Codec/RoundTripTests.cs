using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Tests.Codec;

public class RoundTripTests
{
    [FixtureTheory]
    [MemberData(nameof(ApiFixtures.All), MemberType = typeof(ApiFixtures))]
    public void A_full_object_reads_and_writes_back_to_the_same_value(string name)
    {
        var json = ApiFixtures.Read(name);
        var original = JsonNode.Parse(json)!.AsObject();
        // A WatchEvent says neither.
        var apiVersion = original["apiVersion"]?.GetValue<string>() ?? "v1";
        var kind = original["kind"]?.GetValue<string>() ?? name[(name.LastIndexOf('.') + 1)..];
        var schema = ApiFixtures.TypeOf(apiVersion, kind);

        // Fields that have gone since an older version are the only ones that may be unknown.
        var validation = ApiFixtures.HasExpected(name) ? FieldValidation.Ignore : FieldValidation.Strict;
        var decoded = ObjectDecoder.DecodeJson(json, schema, validation);
        var written = ObjectWriter.Write(decoded.Object);
        var expected = JsonNode.Parse(ApiFixtures.ReadExpected(name))!;
        Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(written)), $"expected {expected.ToJsonString()}\nactual   {System.Text.Encoding.UTF8.GetString(written)}");

        // Canonical form is a fixed point, and Go's field order is kept.
        Assert.Equal(written, ObjectWriter.Write(ObjectDecoder.Canonicalize(decoded.Object, schema, FieldValidation.Strict).Object));
        Assert.Equal(NamesInOrder(expected), NamesInOrder(decoded.Object));
    }

    private static List<string> NamesInOrder(JsonNode? node) => node switch
    {
        JsonObject o => [.. o.SelectMany(p => NamesInOrder(p.Value).Prepend(p.Key))],
        JsonArray a => [.. a.SelectMany(NamesInOrder)],
        _ => [],
    };
}
