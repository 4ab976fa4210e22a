using System.Text.Json;
using System.Text.Json.Nodes;

namespace LiteKube.Cel.Tests;

/// <summary>Rules of custom resources: data seen through a structural schema.</summary>
public sealed class SchemaTests
{
    private static readonly CelSchema Schema = CelSchema.FromJson(JsonNode.Parse("""
        {
          "type": "object",
          "required": ["replicas"],
          "properties": {
            "replicas": {"type": "integer"},
            "maxReplicas": {"type": "integer"},
            "name": {"type": "string", "maxLength": 10},
            "size": {"x-kubernetes-int-or-string": true},
            "when": {"type": "string", "format": "date-time"},
            "day": {"type": "string", "format": "date"},
            "timeout": {"type": "string", "format": "duration"},
            "data": {"type": "string", "format": "byte"},
            "ratio": {"type": "number"},
            "on": {"type": "boolean"},
            "none": {"type": "string", "nullable": true},
            "namespace": {"type": "string"},
            "a.b-c/d__e": {"type": "string"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "maxItems": 5, "items": {"type": "string", "maxLength": 5}},
            "ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port"],
              "items": {"type": "object", "properties": {"port": {"type": "integer"}, "name": {"type": "string"}}}},
            "plain": {"type": "array", "items": {"type": "integer"}},
            "mode": {"type": "string", "enum": ["on", "offline"]},
            "any": {"x-kubernetes-preserve-unknown-fields": true},
            "template": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}
          }
        }
        """)!);

    private const string Data = """
        {
          "replicas": 2, "maxReplicas": 3, "name": "web", "size": "5%", "when": "2024-01-02T03:04:05Z", "day": "2024-01-02", "timeout": "1h", "data": "aGk=",
          "ratio": 1, "on": true, "none": null, "namespace": "ns", "a.b-c/d__e": "x", "labels": {"a.b": "1"}, "tags": ["x", "y"],
          "ports": [{"port": 1, "name": "a"}, {"port": 2, "name": "b"}], "plain": [1, 2], "mode": "on", "any": {"z": [1]},
          "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {}}, "unknown": 1
        }
        """;

    private static readonly CelSchemaTypes Types = new(CelDeclType.FromSchema(Schema, "selfType", isResourceRoot: true)!);

    private static readonly CelEnvironment Environment = CelEnvironment.Kubernetes.With(variables: [new("self", CelType.Struct("selfType")), new("oldSelf", CelType.Struct("selfType"))], typeProvider: Types);

    private static CelActivation Self(string old = Data) => new CelActivation().Set("self", CelJson.FromJson(JsonNode.Parse(Data), Schema)).Set("oldSelf", CelJson.FromJson(JsonNode.Parse(old), Schema));

    public static TheoryData<string> True => CelTable.Lines("""
        self.replicas <= self.maxReplicas && type(self.replicas) == int
        self.size == '5%' && type(self.size) == string
        self.when.getFullYear() == 2024 && self.day == timestamp('2024-01-02T00:00:00Z') && self.timeout == duration('60m')
        self.data == b'hi' && self.ratio == 1.0 && self.on && type(self.ratio) == double
        !has(self.none) && has(self.name) && !self.?none.hasValue()
        self.__namespace__ == 'ns' && self.a__dot__b__dash__c__slash__d__underscores__e == 'x'
        self.labels['a.b'] == '1' && self.labels.all(k, k == 'a.b') && self.labels.size() == 1
        self.tags == ['y', 'x'] && self.tags + ['x', 'z'] == ['x', 'y', 'z'] && ['x', 'y'] == self.tags
        self.tags != ['x', 'x'] && 'x' in self.tags && self.tags.exists(t, t == 'y')
        self.ports == oldSelf.ports && (self.ports + oldSelf.ports).size() == 2 && self.ports[0].port == 1
        self.ports.filter(p, p.name == 'b').map(p, p.port) == [2]
        self.plain == [1, 2] && self.plain + [3] == [1, 2, 3] && self.plain != [2, 1]
        self.template.metadata.name == 'p' && self.template.kind == 'Pod'
        self == oldSelf && self.mode == 'on'
        """);

    [Theory]
    [MemberData(nameof(True))]
    public void A_rule_over_data_with_a_schema_holds(string expression) => CelTable.AssertTrue(expression, Self(), Environment);

    [Fact]
    public void Keyed_lists_and_sets_are_equal_in_any_order()
    {
        var old = JsonNode.Parse(Data)!.AsObject();
        old["ports"] = new JsonArray(new JsonObject { ["port"] = 2, ["name"] = "b" }, new JsonObject { ["port"] = 1, ["name"] = "a" });
        old["tags"] = new JsonArray("y", "x");
        old["plain"] = new JsonArray(2, 1);
        var activation = Self(old.ToJsonString());
        CelTable.AssertTrue("self.ports == oldSelf.ports && self.tags == oldSelf.tags && self.plain != oldSelf.plain && self != oldSelf", activation, Environment);
        CelTable.AssertTrue("(self.ports + [oldSelf.ports[1]]).map(p, p.port) == [1, 2]", activation, Environment);
    }

    [Fact]
    public void Fields_that_the_schema_does_not_name_are_not_there()
    {
        Assert.StartsWith("ERROR: <input>:1:5: undefined field 'unknown'", CelTable.IssueText("self.unknown == 1", Environment), StringComparison.Ordinal);
        // Data of no known type has no type in the checker either.
        Assert.StartsWith("ERROR: <input>:1:5: undefined field 'any'", CelTable.IssueText("self.any == 1", Environment), StringComparison.Ordinal);
        Assert.StartsWith("ERROR: <input>:1:14: undefined field 'spec'", CelTable.IssueText("self.template.spec == 1", Environment), StringComparison.Ordinal);
    }

    [Fact]
    public void Data_that_does_not_fit_its_schema_is_an_error()
    {
        var activation = new CelActivation().Set("self", CelJson.FromJson(JsonNode.Parse("""{"replicas": "x", "when": "soon"}"""), Schema));
        CelTable.AssertError("self.replicas > 1", "invalid data, expected int, got string", activation, Environment);
        CelTable.AssertError("self.when > timestamp(0)", "Invalid date-time formatted string soon", activation, Environment);
    }

    [Fact]
    public void Elements_and_nodes_read_the_same()
    {
        using var document = JsonDocument.Parse(Data);
        var activation = new CelActivation().Set("self", CelJson.FromJson(document.RootElement, Schema)).Set("oldSelf", CelJson.FromJson(JsonNode.Parse(Data), Schema));
        CelTable.AssertTrue("self == oldSelf && self.tags == oldSelf.tags && self.replicas == 2", activation, Environment);
    }

    public static TheoryData<string, string> Estimates => CelTable.Pairs("""
        self.replicas <= self.maxReplicas => 5
        self.name.startsWith('abc') => 3
        self.name == self.name => 8
        self.tags.all(t, t.contains('x')) => 33
        self.mode == self.mode => 5
        self.plain.all(i, i > 0) => 7864318
        """);

    [Theory]
    [MemberData(nameof(Estimates))]
    public void The_schema_bounds_the_estimate(string expression, string max) => Assert.Equal(max, CelTable.Compile(expression, Environment).EstimateCost(Types).Max.ToString());

    [Fact]
    public void A_rule_that_loops_within_a_loop_over_unbounded_lists_exceeds_the_budget()
    {
        var estimate = CelTable.Compile("self.plain.all(i, self.plain.exists(j, i == j))", Environment).EstimateCost(Types);
        Assert.True(estimate.Max > CelCostLimits.EstimatedRule);
        Assert.Contains("by factor of more than 100x", CelCostLimits.ExceededMessage("estimated rule cost", estimate.Max, CelCostLimits.EstimatedRule), StringComparison.Ordinal);
    }

    [Fact]
    public void A_typical_rule_allocates_little()
    {
        var program = CelTable.Compile("self.replicas <= self.maxReplicas", Environment);
        var activation = Self();
        Assert.True(program.Evaluate(activation).Value.AsBool);
        const int turns = 1000;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < turns; i++)
            program.Evaluate(activation);
        var perTurn = (GC.GetAllocatedBytesForCurrentThread() - before) / turns;
        Assert.True(perTurn <= 128, $"{perTurn} bytes an evaluation");
    }

    [Theory]
    [InlineData("name", "name")]
    [InlineData("namespace", "__namespace__")]
    [InlineData("a.b", "a__dot__b")]
    [InlineData("a-b/c", "a__dash__b__slash__c")]
    [InlineData("a__b", "a__underscores__b")]
    [InlineData("a__b.c", "a__underscores__b__dot__c")]
    [InlineData("a_b", "a_b")]
    public void A_property_name_is_escaped_and_back(string name, string escaped)
    {
        Assert.Equal(escaped, CelIdentifiers.Escape(name));
        Assert.Equal(name, CelIdentifiers.Unescape(escaped));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0a")]
    [InlineData("a$b")]
    [InlineData("é")]
    public void A_name_that_cannot_be_an_identifier_is_refused(string name) => Assert.Null(CelIdentifiers.Escape(name));
}
