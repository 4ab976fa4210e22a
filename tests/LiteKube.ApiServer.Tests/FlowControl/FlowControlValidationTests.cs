using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Tests.FlowControl;

public sealed class FlowControlValidationTests
{
    private const string Rule = """{"subjects":[{"kind":"User","user":{"name":"a"}}],"resourceRules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"],"namespaces":["*"]}]}""";

    [Theory]
    [InlineData("""{"matchingPrecedence":1,"priorityLevelConfiguration":{"name":"x"}}""", "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1")]
    [InlineData("""{"matchingPrecedence":10001,"priorityLevelConfiguration":{"name":"x"}}""", "spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000")]
    [InlineData("""{"matchingPrecedence":-1,"priorityLevelConfiguration":{"name":"x"}}""", "spec.matchingPrecedence: Invalid value: -1: must be a positive value")]
    [InlineData("""{"matchingPrecedence":5}""", "spec.priorityLevelConfiguration.name: Required value: must reference a priority level")]
    [InlineData("""{"matchingPrecedence":5,"priorityLevelConfiguration":{"name":"x"},"rules":[{"subjects":[],"nonResourceRules":[{"verbs":["get"],"nonResourceURLs":["/a"]}]}]}""", "spec.rules[0].subjects: Required value: subjects must contain at least one value")]
    [InlineData("""{"matchingPrecedence":5,"priorityLevelConfiguration":{"name":"x"},"rules":[{"subjects":[{"kind":"User","user":{"name":"a"}}]}]}""", "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty")]
    [InlineData("""{"matchingPrecedence":5,"priorityLevelConfiguration":{"name":"x"},"rules":[{"subjects":[{"kind":"Robot"}],"nonResourceRules":[{"verbs":["get"],"nonResourceURLs":["/a"]}]}]}""", "spec.rules[0].subjects[0].kind: Unsupported value: \"Robot\": supported values: \"Group\", \"ServiceAccount\", \"User\"")]
    [InlineData("""{"matchingPrecedence":5,"priorityLevelConfiguration":{"name":"x"},"rules":[{"subjects":[{"kind":"User","group":{"name":"g"}}],"nonResourceRules":[{"verbs":["get"],"nonResourceURLs":["/a"]}]}]}""", "[spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User', spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group']")]
    [InlineData("""{"matchingPrecedence":5,"priorityLevelConfiguration":{"name":"x"},"rules":[{"subjects":[{"kind":"ServiceAccount","serviceAccount":{"name":"a"}}],"nonResourceRules":[{"verbs":["get"],"nonResourceURLs":["/a"]}]}]}""", "spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account")]
    [InlineData("""{"matchingPrecedence":5,"priorityLevelConfiguration":{"name":"x"},"rules":[{"subjects":[{"kind":"User","user":{"name":"a"}}],"nonResourceRules":[{"verbs":["*","get"],"nonResourceURLs":["a","/a b","/a//b","/a*"]}]}]}""", "[spec.rules[0].nonResourceRules[0].verbs: Invalid value: [\"*\",\"get\"]: if '*' is present, must not specify other verbs, spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: \"a\": must start with slash, spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: \"/a b\": must not contain white-space, spec.rules[0].nonResourceRules[0].nonResourceURLs[2]: Invalid value: \"/a//b\": must not contain double slash, spec.rules[0].nonResourceRules[0].nonResourceURLs[3]: Invalid value: \"/a*\": wildcard can only do suffix matching]")]
    [InlineData("""{"matchingPrecedence":5,"priorityLevelConfiguration":{"name":"x"},"rules":[{"subjects":[{"kind":"User","user":{"name":"a"}}],"resourceRules":[{"verbs":["look"],"apiGroups":[""],"resources":["pods"]}]}]}""", "[spec.rules[0].resourceRules[0].verbs: Unsupported value: [\"look\"]: supported values: \"create\", \"delete\", \"deletecollection\", \"get\", \"list\", \"patch\", \"proxy\", \"update\", \"watch\", spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace]")]
    public void A_flow_schema_is_refused_in_Kubernetes_words(string spec, string message) => Assert.Equal(message, Errors("mine", spec, FlowSchemaValidation.Validate));

    [Fact]
    public void A_sound_flow_schema_passes() =>
        Assert.Equal("[]", Errors("mine", $$"""{"matchingPrecedence":5,"priorityLevelConfiguration":{"name":"x"},"distinguisherMethod":{"type":"ByUser"},"rules":[{{Rule}}]}""", FlowSchemaValidation.Validate));

    [Theory]
    [InlineData("exempt", """{"type":"Limited","limited":{"nominalConcurrencyShares":42,"limitResponse":{"type":"Reject"}}}""", "[spec.type: Invalid value: \"Limited\": type must be 'Exempt' if and only if name is 'exempt', spec: Invalid value: {\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":42,\"limitResponse\":{\"type\":\"Reject\"}}}: spec of 'exempt' except the 'spec.exempt' field must equal the fixed value]")]
    [InlineData("exempt", """{"type":"Exempt","exempt":{"nominalConcurrencyShares":-1,"lendablePercent":101}}""", "[spec.exempt.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer, spec.exempt.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive]")]
    [InlineData("mine", """{"type":"Limited"}""", "spec.limited: Required value: must not be empty when type is Limited")]
    [InlineData("mine", """{"type":"Open"}""", "spec.type: Unsupported value: \"Open\": supported values: \"Exempt\", \"Limited\"")]
    [InlineData("mine", """{"type":"Limited","exempt":{},"limited":{"limitResponse":{"type":"Reject","queuing":{}}}}""", "[spec.exempt: Forbidden: must be nil if the type is Limited, spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited]")]
    [InlineData("mine", """{"type":"Limited","limited":{"borrowingLimitPercent":-1,"limitResponse":{"type":"Queue"}}}""", "[spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer, spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited]")]
    [InlineData("mine", """{"type":"Limited","limited":{"limitResponse":{"type":"Queue","queuing":{"queues":512,"handSize":8,"queueLengthLimit":100}}}}""", "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60")]
    [InlineData("mine", """{"type":"Limited","limited":{"limitResponse":{"type":"Queue","queuing":{"queues":2147483647,"handSize":3,"queueLengthLimit":100}}}}""", "[spec.limited.limitResponse.queuing.queues: Invalid value: 2147483647: must not be greater than 10000000, spec.limited.limitResponse.queuing.handSize: Invalid value: 3: required entropy bits of deckSize 2147483647 and handSize 3 should not be greater than 60]")]
    [InlineData("mine", """{"type":"Limited","limited":{"limitResponse":{"type":"Queue","queuing":{"queues":4,"handSize":5,"queueLengthLimit":0}}}}""", "[spec.limited.limitResponse.queuing.queueLengthLimit: Invalid value: 0: must be positive, spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)]")]
    public void A_priority_level_is_refused_in_Kubernetes_words(string name, string spec, string message) => Assert.Equal(message, Errors(name, spec, PriorityLevelValidation.Validate));

    private static string Errors(string name, string spec, Action<FieldErrors, JsonObject> validate)
    {
        var errors = new FieldErrors();
        validate(errors, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = JsonNode.Parse(spec) });
        return errors.ToString();
    }
}
