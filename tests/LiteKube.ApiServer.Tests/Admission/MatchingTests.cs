using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Tests.Admission;

public sealed class MatchingTests
{
    private static readonly ResourceTable Table = new(ResourceCatalog.BuiltIn, new StrategyRegistry());

    private readonly InMemoryObjects _objects = new();

    [Theory]
    [InlineData("""{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*/*"]}""", true, true)]
    [InlineData("""{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}""", true, false)]
    [InlineData("""{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["*"]}""", true, false)]
    [InlineData("""{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods/*"]}""", true, true)]
    [InlineData("""{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["*/binding"]}""", false, true)]
    [InlineData("""{"operations":["UPDATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["*/*"]}""", false, false)]
    [InlineData("""{"operations":["CREATE"],"apiGroups":["apps"],"apiVersions":["v1"],"resources":["*/*"]}""", false, false)]
    [InlineData("""{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v2"],"resources":["*/*"]}""", false, false)]
    [InlineData("""{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["*/*"],"scope":"Cluster"}""", false, false)]
    [InlineData("""{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["*/*"],"scope":"Namespaced"}""", true, true)]
    [InlineData("""{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["*/*"],"resourceNames":["q"]}""", false, false)]
    public void A_rule_is_about_resources_and_subresources_as_it_says(string rule, bool pod, bool binding)
    {
        var parsed = ResourceRule.Read(JsonNode.Parse(rule)!.AsObject());
        var (create, bind) = (Attributes("", "v1", "pods", AdmissionOperation.Create), Attributes("", "v1", "pods", AdmissionOperation.Create, subresource: "binding"));

        Assert.Equal((pod, binding), (parsed.Matches(create, create.RequestResource), parsed.Matches(bind, bind.RequestResource)));
    }

    [Fact]
    public async Task An_equivalent_rule_gets_the_object_in_the_version_that_it_asked_for_and_gives_it_back_in_the_stored_one()
    {
        var rules = """{"rules":[{"operations":["*"],"apiGroups":["events.k8s.io"],"apiVersions":["v1"],"resources":["events"]}],"matchPolicy":"Equivalent"}""";
        var attributes = Attributes("", "v1", "events", AdmissionOperation.Create, """{"kind":"Event","apiVersion":"v1","metadata":{"name":"e"},"message":"hello"}""");

        var match = Webhook(rules).Match(attributes, _objects)!;

        Assert.Equal(("events.k8s.io/v1, Kind=Event", "events.k8s.io"), (match.Kind.ToString(), match.Resource.Group));
        var shown = await match.ShowAsync(attributes, attributes.Object, CancellationToken.None);
        Assert.Equal("hello", shown!["note"]!.GetValue<string>());
        shown["note"] = "bye";
        Assert.Equal("bye", (await match.TakeBackAsync(attributes, shown, CancellationToken.None))["message"]!.GetValue<string>());
        Assert.Null(Webhook(rules.Replace("Equivalent", "Exact", StringComparison.Ordinal)).Match(attributes, _objects));
    }

    [Fact]
    public void A_namespace_selector_looks_at_the_namespace_at_a_namespace_itself_and_never_at_cluster_scoped_objects()
    {
        _objects.Put("""{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"default","labels":{"env":"prod"}}}""");
        var prod = Webhook("""{"rules":[{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]}],"namespaceSelector":{"matchLabels":{"env":"prod"}}}""");

        Assert.NotNull(prod.Match(Attributes("", "v1", "pods", AdmissionOperation.Create), _objects));
        Assert.Null(prod.Match(Attributes("", "v1", "namespaces", AdmissionOperation.Create, """{"metadata":{"name":"new","labels":{"env":"test"}}}""", ns: ""), _objects));
        Assert.NotNull(prod.Match(Attributes("", "v1", "namespaces", AdmissionOperation.Create, """{"metadata":{"name":"new","labels":{"env":"prod"}}}""", ns: ""), _objects));
        Assert.NotNull(prod.Match(Attributes("", "v1", "nodes", AdmissionOperation.Create, ns: ""), _objects));
        var missing = Assert.Throws<ApiException>(() => prod.Match(Attributes("", "v1", "pods", AdmissionOperation.Create, ns: "gone"), _objects));
        Assert.Equal("namespaces \"gone\" not found", missing.Message);
    }

    [Fact]
    public void An_object_selector_looks_at_the_new_object_and_the_old_one()
    {
        var selecting = Webhook("""{"rules":[{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*/*"]}],"objectSelector":{"matchExpressions":[{"key":"a","operator":"Exists"}]}}""");
        var none = Webhook("""{"rules":[{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*/*"]}],"objectSelector":{"matchExpressions":[{"key":"a","operator":"DoesNotExist"}]}}""");
        const string With = """{"metadata":{"name":"p","labels":{"a":"b"}}}""";
        const string Without = """{"metadata":{"name":"p"}}""";

        Assert.NotNull(selecting.Match(Attributes("", "v1", "pods", AdmissionOperation.Update, With, Without), _objects));
        Assert.NotNull(selecting.Match(Attributes("", "v1", "pods", AdmissionOperation.Update, Without, With), _objects));
        Assert.Null(selecting.Match(Attributes("", "v1", "pods", AdmissionOperation.Update, Without, Without), _objects));
        Assert.Null(none.Match(Attributes("", "v1", "pods", AdmissionOperation.Connect, """{"kind":"PodExecOptions","apiVersion":"v1"}""", subresource: "exec"), _objects));
    }

    [Theory]
    [InlineData("object.metadata.name == 'p'", true, null)]
    [InlineData("object.metadata.name == 'q'", false, null)]
    [InlineData("oldObject == null && namespaceObject == null", true, null)]
    [InlineData("request.operation == 'CREATE' && request.kind.kind == 'Pod' && request.resource.resource == 'pods' && request.namespace == 'default' && !request.dryRun", true, null)]
    [InlineData("request.userInfo.username == 'jane' && 'dev' in request.userInfo.groups && request.userInfo.extra['example.com/x'] == ['y']", true, null)]
    [InlineData("request.options.kind == 'CreateOptions' && request.options.fieldManager == 'me'", true, null)]
    [InlineData("has(request.subResource)", false, null)]
    [InlineData("authorizer.group('').resource('pods').namespace('default').check('get').allowed()", true, null)]
    [InlineData("authorizer.requestResource.check('delete').allowed()", false, null)]
    [InlineData("authorizer.serviceAccount('default', 'robot').path('/healthz').check('get').allowed()", false, null)]
    [InlineData("object.spec.nope == 1", false, "expression 'object.spec.nope == 1' resulted in error: no such key: nope")]
    public void A_condition_reads_the_request(string expression, bool matches, string? error)
    {
        var outcome = Conditions("Fail", expression).Evaluate(Context().Activation(), CancellationToken.None);

        Assert.Equal((matches, error), (outcome.Matches, outcome.Error));
    }

    [Fact]
    public void A_false_condition_decides_over_errors_and_the_failure_policy_over_the_rest()
    {
        Assert.Equal(new(false), Conditions("Fail", "object.spec.nope == 1", "false").Evaluate(Context().Activation(), CancellationToken.None));
        Assert.Equal(new(false), Conditions("Ignore", "true", "object.spec.nope == 1").Evaluate(Context().Activation(), CancellationToken.None));
        var both = Conditions("Fail", "object.spec.nope == 1", "object.spec.other == 1").Evaluate(Context().Activation(), CancellationToken.None);
        Assert.Equal("[expression 'object.spec.nope == 1' resulted in error: no such key: nope, expression 'object.spec.other == 1' resulted in error: no such key: other]", both.Error);
    }

    [Fact]
    public void Conditions_have_a_budget_together()
    {
        var costly = string.Join(" && ", Enumerable.Repeat("object.metadata.annotations.text.matches('(a|b)*c') == false", 6));
        var big = $$$"""{"metadata":{"name":"p","annotations":{"text":"{{{new string('a', 60_000)}}}"} } }""";

        var outcome = Conditions("Fail", [.. Enumerable.Repeat(costly, 60)]).Evaluate(Context(big).Activation(), CancellationToken.None);

        Assert.Equal(new(false, "validation failed due to running out of cost budget, no further validation rules will be run"), outcome);
    }

    [Fact]
    public void Conditions_and_rules_that_make_no_sense_are_named_by_their_fields()
    {
        var errors = new FieldErrors();
        var value = JsonNode.Parse("""{"matchConditions":[{"name":"a","expression":"object.x =="},{"name":"a","expression":"1"},{"name":"-","expression":" "},{"expression":"true"}]}""")!.AsObject();
        MatchConditions.Validate(value, FieldPath.Of("c"), ExpressionContext.Environment, errors);
        MatchRules.Validate(JsonNode.Parse("""{"operations":["*","CREATE","PATCH"],"apiGroups":["*","apps"],"apiVersions":[],"resources":["pods/*","pods/status","*/*"],"scope":"Some"}""")!.AsObject(), FieldPath.Of("r"), errors);

        var fields = errors.ToCauses().Select(c => c!["field"]!.GetValue<string>()).ToList();
        Assert.Equal(["c[0].expression", "c[1].expression", "c[1].name", "c[2].expression", "c[2].name", "c[3].name", "r.operations", "r.operations[2]", "r.apiGroups", "r.apiVersions", "r.resources[1]", "r.resources", "r.scope"], fields);
        Assert.Contains("must evaluate to bool but got int", errors.ToString(), StringComparison.Ordinal);
        Assert.Contains("if 'pods/*' is present, must not specify pods/status", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Configurations_are_parsed_once_a_revision_and_a_write_is_seen_at_once()
    {
        var parsed = new List<string>();
        var set = new ParsedObjects<string>(_objects, new("", "configmaps"), value =>
        {
            parsed.Add(value.MetaName());
            return [value.MetaName()];
        });
        _objects.Put("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"b","uid":"1","resourceVersion":"1"}}""");
        Assert.Equal(["b"], set.Current);
        _objects.Put("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","uid":"2","resourceVersion":"2"}}""");
        set.Invalidate();

        Assert.Equal(["a", "b"], set.Current);
        Assert.Same(set.Current, set.Current);
        Assert.Equal(["b", "a"], parsed);
    }

    private static MatchConditions Conditions(string policy, params string[] expressions)
    {
        var holder = new JsonObject { ["failurePolicy"] = policy, ["matchConditions"] = new JsonArray([.. expressions.Select((e, i) => (JsonNode)new JsonObject { ["name"] = $"c{i}", ["expression"] = e })]) };
        return MatchConditions.Read(holder, ExpressionContext.Environment);
    }

    private static ExpressionContext Context(string value = """{"metadata":{"name":"p"},"spec":{}}""")
    {
        var attributes = Attributes("", "v1", "pods", AdmissionOperation.Create, value);
        return new(attributes, MatchedVersion.OfRequest(attributes), attributes.Object, null, null, new PodReader());
    }

    private static RequestMatcher Webhook(string webhook) => RequestMatcher.OfWebhook(JsonNode.Parse(webhook)!.AsObject());

    internal static AdmissionAttributes Attributes(string group, string version, string resource, AdmissionOperation operation, string value = """{"metadata":{"name":"p"}}""", string? old = null, string subresource = "", string ns = "default")
    {
        Assert.True(Table.TryFind(group, version, resource, out var served));
        var tree = JsonNode.Parse(value)!.AsObject();
        return new()
        {
            Operation = operation,
            Resource = served.Stored,
            Served = served,
            Request = new RequestInfo { Verb = "create", Path = "", IsResourceRequest = true, Group = group, Version = version, Resource = resource, Subresource = subresource, Namespace = ns, Name = tree.Name() },
            User = new("jane", ["dev"], "", new Dictionary<string, IReadOnlyList<string>> { ["example.com/x"] = ["y"] }),
            Object = tree,
            OldObject = old is null ? null : JsonNode.Parse(old)!.AsObject(),
            Options = new Options(),
        };
    }

    private sealed class Options : IOperationOptions
    {
        public JsonObject Describe(AdmissionOperation operation) => new() { ["kind"] = $"{operation}Options", ["fieldManager"] = "me" };
    }

    private sealed class PodReader : IAuthorizer
    {
        public AuthorizationDecision Authorize(UserInfo user, RequestInfo request) => user.Name == "jane" && request is { Verb: "get", Resource: "pods" } ? AuthorizationDecision.Allow : AuthorizationDecision.Deny("no");
    }
}
