using System.Net;
using System.Text.Json.Nodes;
using CsCheck;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Extensions.CustomResources.Validation;
using LiteKube.ApiServer.Registry;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

public sealed class FuzzTests
{
    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static readonly Gen<string> Names = OneOf("a", "b", "c", "kind", "metadata", "apiVersion", "spec");

    private static readonly Gen<JsonNode?> Scalars = Gen.OneOf(
        Gen.Const((JsonNode?)null),
        Gen.Bool.Select(b => (JsonNode?)b),
        Gen.Int.Select(i => (JsonNode?)i),
        Gen.Double[-1e6, 1e6].Select(d => (JsonNode?)d),
        Gen.String[Gen.Char.AlphaNumeric, 0, 6].Select(s => (JsonNode?)s));

    private static Gen<JsonNode?> Value(int depth) => depth == 0 ? Scalars : Gen.OneOf(
        Scalars,
        Gen.Select(Names, Value(depth - 1)).List[0, 4].Select(pairs => (JsonNode?)new JsonObject(pairs.DistinctBy(p => p.Item1).Select(p => KeyValuePair.Create(p.Item1, p.Item2?.DeepClone())))),
        Value(depth - 1).List[0, 3].Select(items => (JsonNode?)new JsonArray([.. items.Select(i => i?.DeepClone())])));

    private static Gen<JsonObject> Schema(int depth)
    {
        var leaf = OneOf(
            """{"type":"string","maxLength":3}""", """{"type":"integer","minimum":0,"default":1}""", """{"type":"boolean","nullable":true}""", """{"type":"number","maximum":10}""",
            """{"x-kubernetes-int-or-string":true}""", """{"x-kubernetes-preserve-unknown-fields":true}""", """{"type":"string","enum":["a","b"]}""", """{"type":"string","format":"date"}""").Select(s => JsonNode.Parse(s)!.AsObject());
        if (depth == 0) return leaf;
        return Gen.OneOf(
            leaf,
            Gen.Select(OneOf("a", "b", "c"), Schema(depth - 1)).List[1, 3].Select(pairs => new JsonObject
            {
                ["type"] = "object",
                ["required"] = new JsonArray(pairs[0].Item1),
                ["properties"] = new JsonObject(pairs.DistinctBy(p => p.Item1).Select(p => KeyValuePair.Create(p.Item1, (JsonNode?)p.Item2.DeepClone()))),
            }),
            Schema(depth - 1).Select(items => new JsonObject { ["type"] = "array", ["maxItems"] = 2, ["items"] = items.DeepClone() }),
            Schema(depth - 1).Select(values => new JsonObject { ["type"] = "object", ["additionalProperties"] = values.DeepClone() }));
    }

    [Fact]
    public void Pruning_and_defaulting_any_value_by_any_schema_settle_at_once()
    {
        Gen.Select(Schema(3), Value(4)).Sample((source, value) =>
        {
            var schema = StructuralSchema.Read(source);
            var tree = value is null ? null : SortedJson.Of(value);
            Pruner.Prune(tree, schema, false);
            StructuralDefaulter.DropNulls(tree, schema);
            StructuralDefaulter.Apply(tree, schema);
            var settled = tree is null ? "null" : Convert.ToHexString(ObjectWriter.Write(tree));
            Assert.False(Pruner.Prune(tree, schema, false));
            Assert.False(StructuralDefaulter.DropNulls(tree, schema));
            Assert.False(StructuralDefaulter.Apply(tree, schema));
            if (tree is not null) Assert.Equal(settled, Convert.ToHexString(ObjectWriter.Write(SortedJson.Of(tree))));
            var errors = new FieldErrors();
            SchemaValidator.Validate(schema, tree, null, errors);
            var again = new FieldErrors();
            // Nothing that did not change is refused on update.
            SchemaValidator.Validate(schema, tree, null, again, new Correlation(tree, tree?.DeepClone(), schema));
            Assert.Equal(0, again.Count);
        }, iter: 2000);
    }

    [Fact]
    public async Task Any_JSON_is_stored_pruned_or_refused_as_the_client_s_fault()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo("""{"type":"object","properties":{"spec":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"array","items":{"type":"integer"}},"c":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}}}}"""));
        await Gen.Select(Value(4), Value(2)).SampleAsync(async (spec, metadata) =>
        {
            var body = new JsonObject { ["apiVersion"] = "example.com/v1", ["kind"] = "Foo", ["spec"] = spec?.DeepClone(), ["metadata"] = metadata is JsonObject ? metadata.DeepClone() : new JsonObject { ["generateName"] = "f-" } };
            var answer = await server.PostAsync($"{CustomServer.Foos}?fieldValidation=Ignore", body.ToJsonString());
            if (answer.StatusCode != HttpStatusCode.Created)
            {
                Assert.InRange((int)answer.StatusCode, 400, 499);
                Assert.Equal("Status", answer.Json["kind"]!.GetValue<string>());
                return;
            }
            Assert.All(answer.Json["spec"] as JsonObject ?? [], p => Assert.Contains(p.Key, (string[])["a", "b", "c"]));
            Assert.Equal(answer.Body, (await server.GetAsync($"{CustomServer.Foos}/{answer.Json["metadata"]!["name"]}")).Body);
        }, iter: 200, threads: 1);
    }
}
