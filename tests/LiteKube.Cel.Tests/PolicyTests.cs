using System.Text.Json.Nodes;

namespace LiteKube.Cel.Tests;

/// <summary>What admission policies need: objects without a schema, variables on demand, and mutations.</summary>
public sealed class PolicyTests
{
    private static readonly CelEnvironment Environment = CelEnvironment.Kubernetes.With(
        variables: [new("object", CelType.Dyn), new("oldObject", CelType.Dyn), new("variables", CelType.Map(CelType.String, CelType.Dyn))],
        typeProvider: CelTypeProviders.Mutation,
        libraries: [CelLibraries.JsonPatch]);

    private static CelActivation Activation(string json = """{"metadata": {"labels": {"a/b": "c"}}, "spec": {"replicas": 3, "ratio": 0.5, "list": [1, "x", null]}}""") =>
        new CelActivation().Set("object", CelJson.FromJson(JsonNode.Parse(json))).Set("oldObject", CelValue.Null);

    [Theory]
    [InlineData("object.spec.replicas == 3 && object.spec.ratio == 0.5 && object.spec.list[1] == 'x' && object.spec.list[2] == null")]
    [InlineData("!has(object.spec.paused) && object.?metadata.?labels[?'a/b'].orValue('') == 'c' && oldObject == null")]
    [InlineData("object.metadata.labels.exists(k, k.startsWith('a/'))")]
    [InlineData("object == object && type(object) == map && object.spec.list.size() == 3")]
    public void A_policy_reads_an_object_without_a_schema(string expression) => CelTable.AssertTrue(expression, Activation(), Environment);

    [Fact]
    public void Variables_are_computed_once_and_only_when_used()
    {
        var computed = new List<string>();
        var variables = new CelLazyMap()
            .Add("used", () => Note(computed, "used"))
            .Add("unused", () => Note(computed, "unused"));
        CelTable.AssertTrue("variables.used == 1 && variables.used + 1 == 2", Activation().Set("variables", CelValue.Map(variables)), Environment);
        Assert.Equal(["used"], computed);
    }

    private static CelValue Note(List<string> computed, string name)
    {
        computed.Add(name);
        return CelValue.Int(1);
    }

    [Fact]
    public void A_mutation_becomes_json()
    {
        var value = CelTable.Evaluate("Object{metadata: Object.metadata{labels: {'x': 'y'}}, spec: Object.spec{replicas: object.spec.replicas + 1, ?paused: optional.none(), items: [Object.spec.items{n: 1u}]}}", Activation(), Environment);
        var mutation = Assert.IsType<CelMutationObject>(value.AsObject);
        Assert.Null(mutation.CheckTypeNames());
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"metadata": {"labels": {"x": "y"}}, "spec": {"replicas": 4, "items": [{"n": 1}]}}"""), CelJson.ToJson(value)));
    }

    [Fact]
    public void A_nested_type_must_repeat_its_path()
    {
        var value = CelTable.Evaluate("Object{spec: Object.status{}}", Activation(), Environment);
        Assert.Equal("unexpected type name \"Object.status\", expected \"Object.spec\", which matches field name path from root Object type", ((CelMutationObject)value.AsObject).CheckTypeNames());
    }

    [Fact]
    public void A_patch_is_a_list_of_operations()
    {
        var program = CelTable.Compile("[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: {'k': object.spec.list}}, JSONPatch{op: 'remove', path: '/x'}]", Environment);
        Assert.Equal("list(JSONPatch)", program.OutputType.ToString());
        var json = CelJson.ToJson(program.Evaluate(Activation()).Value);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""[{"op": "add", "path": "/metadata/labels/a~1b", "value": {"k": [1, "x", null]}}, {"op": "remove", "path": "/x"}]"""), json), json!.ToJsonString());
        Assert.Contains("undefined field 'nope'", CelTable.IssueText("JSONPatch{nope: 1}", Environment), StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_no_form_in_json_is_refused() =>
        Assert.Throws<NotSupportedException>(() => CelJson.ToJson(CelTable.Evaluate("{1: 2}")));

    [Fact]
    public void A_hosts_own_function_can_be_called()
    {
        var twice = new CelLibrary("host", new CelFunction("twice", [new CelOverload("twice_int", false, [CelType.Int], CelType.Int, args => CelValue.Int(args[0].AsInt * 2))]));
        CelTable.AssertTrue("twice(21) == 42", environment: CelEnvironment.Kubernetes.With(libraries: [twice]));
    }
}
