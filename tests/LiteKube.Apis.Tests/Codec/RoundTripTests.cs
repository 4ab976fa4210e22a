using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Codec;

public class RoundTripTests
{
    /// <summary>Groups whose kinds no server serves by default, or that are no kinds of the API: the table does not hold them.</summary>
    private static readonly string[] NotHeld =
    [
        "imagepolicy.k8s.io.v1alpha1.", "internal.apiserver.k8s.io.v1alpha1.", "extensions.v1beta1.", "apps.v1beta1.", "apps.v1beta2.",
    ];

    public static TheoryData<string> Names()
    {
        var data = new TheoryData<string>();
        foreach (var name in ApiFixtures.Names)
        {
            if (!IsAlphaOrBeta(name) && !NotHeld.Any(n => name.StartsWith(n, StringComparison.Ordinal)))
                data.Add(name);
        }

        if (data.Count == 0)
            data.Add("none");
        return data;
    }

    [FixtureTheory]
    [MemberData(nameof(Names))]
    public void A_full_object_reads_and_writes_back_to_the_same_value(string name)
    {
        var json = ApiFixtures.Read(name);
        var original = JsonNode.Parse(json)!.AsObject();
        // A WatchEvent says neither.
        var apiVersion = original["apiVersion"]?.GetValue<string>() ?? "v1";
        var kind = original["kind"]?.GetValue<string>() ?? name[(name.LastIndexOf('.') + 1)..];
        var schema = ResourceCatalog.BuiltIn.FindType(apiVersion, kind);
        Assert.True(schema is not null, $"no type for {apiVersion} {kind}");

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

    private static bool IsAlphaOrBeta(string name) => name.Split('.').Any(part => part.StartsWith('v') && (part.Contains("alpha", StringComparison.Ordinal) || part.Contains("beta", StringComparison.Ordinal)));

    private static List<string> NamesInOrder(JsonNode? node) => node switch
    {
        JsonObject o => [.. o.SelectMany(p => NamesInOrder(p.Value).Prepend(p.Key))],
        JsonArray a => [.. a.SelectMany(NamesInOrder)],
        _ => [],
    };
}
