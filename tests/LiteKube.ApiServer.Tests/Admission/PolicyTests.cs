using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Admission.Policies;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Tests.Extensions.CustomResources;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Admission;

/// <summary>ValidatingAdmissionPolicy on a running server, along the lines of Kubernetes' own conformance tests of it.</summary>
public sealed class PolicyTests
{
    private const string Root = "/apis/admissionregistration.k8s.io/v1";
    private const string Policies = Root + "/validatingadmissionpolicies";
    private const string Bindings = Root + "/validatingadmissionpolicybindings";
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
    private const string ForDeployments = """{"operations":["CREATE","UPDATE"],"apiGroups":["apps"],"apiVersions":["v1"],"resources":["deployments"]}""";
    private const string ForConfigMaps = """{"operations":["*"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}""";

    private static string Policy(string validations, string rule = ForConfigMaps, string more = "", string constraints = "", string name = "p.example.com") =>
        $$"""{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","metadata":{"name":"{{name}}"},"spec":{"matchConstraints":{"resourceRules":[{{rule}}]{{constraints}}},"validations":[{{validations}}]{{more}}}""" + "}";

    private static string Binding(string actions = "\"Deny\"", string more = "", string policy = "p.example.com", string name = "b.example.com") =>
        $$"""{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":{"name":"{{name}}"},"spec":{"policyName":"{{policy}}","validationActions":[{{actions}}]{{more}}}""" + "}";

    private static string ConfigMap(string name, string data = "{}", string labels = "{}") =>
        $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{name}}","labels":{{labels}}},"data":{{data}}""" + "}";

    private static string Workload(string kind, string name, int replicas) =>
        $$"""{"apiVersion":"apps/v1","kind":"{{kind}}","metadata":{"name":"{{name}}"},"spec":{"replicas":{{replicas}},"selector":{"matchLabels":{"app":"nginx"} """
        + """},"template":{"metadata":{"labels":{"app":"nginx"}},"spec":{"containers":[{"name":"nginx","image":"nginx:latest"}]}}}}""";

    private static async Task<TestApiServer> StartAsync(string policy, string? binding = null)
    {
        var server = await TestApiServer.StartAsync();
        await CreateAsync(server, Policies, policy);
        await CreateAsync(server, Bindings, binding ?? Binding());
        return server;
    }

    private static async Task<TestResponse> CreateAsync(TestApiServer server, string path, string body)
    {
        var created = await server.PostAsync(path, body);
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        return created;
    }

    private static void AssertDenied(TestResponse response, string message, HttpStatusCode code = HttpStatusCode.UnprocessableEntity, string reason = "Invalid")
    {
        Assert.Equal((code, reason, message), (response.StatusCode, response.Json["reason"]?.GetValue<string>(), response.Message()));
    }

    [Fact]
    public async Task A_policy_validates_against_a_Deployment()
    {
        await using var server = await StartAsync(Policy("""{"expression":"object.spec.replicas > 1","messageExpression":"'wants replicas > 1, got ' + object.spec.replicas"}""", ForDeployments));

        var refused = await server.PostAsync(Deployments, Workload("Deployment", "marker", 1));

        // The message's expression fails (string + int), so the expression itself is told.
        const string Why = "ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: failed expression: object.spec.replicas > 1";
        AssertDenied(refused, $"deployments.apps \"marker\" is forbidden: {Why}");
        Assert.Equal("""{"name":"marker","group":"apps","kind":"deployments","causes":[{"message":"ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: failed expression: object.spec.replicas > 1"}]}""", System.Text.RegularExpressions.Regex.Unescape(refused.Json["details"]!.ToJsonString()));
        await CreateAsync(server, Deployments, Workload("Deployment", "replicated", 2));
        await CreateAsync(server, "/apis/apps/v1/namespaces/default/replicasets", Workload("ReplicaSet", "single", 1));
        AssertDenied(await server.PatchAsync($"{Deployments}/replicated", """{"spec":{"replicas":0}}"""), $"deployments.apps \"replicated\" is forbidden: {Why}");
    }

    [Fact]
    public async Task Expressions_refer_to_variables()
    {
        var variables = ""","variables":[{"name":"replicas","expression":"object.spec.replicas"},{"name":"oddReplicas","expression":"variables.replicas % 2 == 1"},{"name":"broken","expression":"object.spec.none.none"}]""";
        await using var server = await StartAsync(Policy("""{"expression":"variables.replicas > 1"},{"expression":"variables.oddReplicas","messageExpression":"'odd, not ' + string(variables.replicas)"}""", ForDeployments, variables));
        AssertDenied(await server.PostAsync(Deployments, Workload("Deployment", "one", 1)), "deployments.apps \"one\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: failed expression: variables.replicas > 1");
        AssertDenied(await server.PostAsync(Deployments, Workload("Deployment", "two", 2)), "deployments.apps \"two\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: odd, not 2");
        await CreateAsync(server, Deployments, Workload("Deployment", "three", 3));
        // One that fails when it is read tells which.
        await server.PutAsync($"{Policies}/p.example.com", WithRevision(await server.GetAsync($"{Policies}/p.example.com"), p => p["spec"]!["validations"] = JsonNode.Parse("""[{"expression":"variables.broken == 1"}]""")));
        AssertDenied(await server.PostAsync(Deployments, Workload("Deployment", "five", 5)),
            "deployments.apps \"five\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: expression 'variables.broken == 1' resulted in error: composited variable \"broken\" fails to evaluate: no such key: none");
    }

    private static string WithRevision(TestResponse standing, Action<JsonObject> change)
    {
        var value = standing.Json;
        change(value);
        return value.ToJsonString();
    }

    [Theory]
    [InlineData("""{"expression":"false","message":"never","reason":"Forbidden"}""", 403, "Forbidden", "never")]
    [InlineData("""{"expression":"false","message":"never","reason":"Unauthorized"}""", 401, "Unauthorized", "never")]
    [InlineData("""{"expression":"false","message":"never","reason":"RequestEntityTooLarge"}""", 413, "RequestEntityTooLarge", "never")]
    [InlineData("""{"expression":"false","message":"never","messageExpression":"'now ' + object.metadata.name"}""", 422, "Invalid", "now a")]
    [InlineData("""{"expression":"object.data.none == 'x'"}""", 422, "Invalid", "expression 'object.data.none == 'x'' resulted in error: no such key: none")]
    [InlineData("""{"expression":"oldObject == null && request.operation != 'CREATE'"}""", 422, "Invalid", "failed expression: oldObject == null && request.operation != 'CREATE'")]
    [InlineData("""{"expression":"namespaceObject.metadata.name == 'other'"}""", 422, "Invalid", "failed expression: namespaceObject.metadata.name == 'other'")]
    [InlineData("""{"expression":"!authorizer.group('').resource('secrets').namespace('default').check('get').allowed()"}""", 422, "Invalid", "failed expression: !authorizer.group('').resource('secrets').namespace('default').check('get').allowed()")]
    [InlineData("""{"expression":"request.userInfo.username != 'kubernetes-admin' || request.resource.resource != 'configmaps' || request.name != 'a' || request.dryRun"}""", 422, "Invalid", "failed expression: request.userInfo.username != 'kubernetes-admin' || request.resource.resource != 'configmaps' || request.name != 'a' || request.dryRun")]
    public async Task A_denial_has_the_reason_and_the_message_that_its_validation_gives(string validation, int code, string reason, string message)
    {
        await using var server = await StartAsync(Policy(validation));
        AssertDenied(await server.PostAsync(ConfigMaps, ConfigMap("a", """{"k":"v"}""")), $"configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: {message}", (HttpStatusCode)code, reason);
    }

    [Fact]
    public async Task A_policy_holds_for_the_next_request_after_its_binding_is_written_and_no_longer_after_it_goes()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, Policies, Policy("""{"expression":"false"}"""));
        for (var i = 0; i < 3; i++)
        {
            await CreateAsync(server, ConfigMaps, ConfigMap($"free-{i}"));
            await CreateAsync(server, Bindings, Binding());
            Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.PostAsync(ConfigMaps, ConfigMap($"bound-{i}"))).StatusCode);
            await server.DeleteAsync($"{Bindings}/b.example.com");
        }
        await CreateAsync(server, Bindings, Binding());
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{Policies}/p.example.com")).StatusCode);
        await CreateAsync(server, ConfigMaps, ConfigMap("free"));
    }

    [Fact]
    public async Task A_deletion_is_judged_by_the_old_object()
    {
        await using var server = await StartAsync(Policy("""{"expression":"request.operation != 'DELETE' || object == null && !has(oldObject.metadata.labels.keep)","message":"kept"}"""));
        await CreateAsync(server, ConfigMaps, ConfigMap("kept", labels: """{"keep":"1"}"""));
        await CreateAsync(server, ConfigMaps, ConfigMap("free", labels: """{"a":"b"}"""));
        AssertDenied(await server.DeleteAsync($"{ConfigMaps}/kept"), "configmaps \"kept\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: kept");
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{ConfigMaps}/free")).StatusCode);
    }

    [Fact]
    public async Task Warnings_do_not_deny()
    {
        await using var server = await StartAsync(Policy("""{"expression":"false","message":"think twice"}"""), Binding("\"Warn\",\"Audit\""));
        var created = await CreateAsync(server, ConfigMaps, ConfigMap("a"));
        Assert.Equal(["299 - \"Validation failed for ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com': think twice\""], created.Headers.GetValues("Warning"));
    }

    [Fact]
    public async Task Constraints_conditions_and_bindings_say_what_a_policy_is_about()
    {
        await using var server = await StartAsync(
            Policy("""{"expression":"false"}""", """{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["*"]}""",
                ""","matchConditions":[{"name":"not-exempt","expression":"!object.metadata.name.startsWith('exempt-')"}]""",
                ""","objectSelector":{"matchLabels":{"check":"yes"}},"excludeResourceRules":[{"operations":["*"],"apiGroups":[""],"apiVersions":["v1"],"resources":["secrets"]}]"""),
            Binding(more: ""","matchResources":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"default"}}}"""));
        await server.PostAsync("/api/v1/namespaces", """{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}}""");
        const string Checked = """{"check":"yes"}""";
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.PostAsync(ConfigMaps, ConfigMap("a", labels: Checked))).StatusCode);
        await CreateAsync(server, ConfigMaps, ConfigMap("unlabelled"));
        await CreateAsync(server, ConfigMaps, ConfigMap("exempt-a", labels: Checked));
        await CreateAsync(server, "/api/v1/namespaces/other/configmaps", ConfigMap("a", labels: Checked));
        await CreateAsync(server, "/api/v1/namespaces/default/secrets", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","labels":{"check":"yes"}}}""");
    }

    [Fact]
    public async Task Policies_are_never_about_policies()
    {
        await using var server = await StartAsync(Policy("""{"expression":"false"}""", """{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]}"""));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.PostAsync(ConfigMaps, ConfigMap("a"))).StatusCode);
        await CreateAsync(server, Policies, Policy("""{"expression":"true"}""", name: "q"));
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", """{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"nonResourceAttributes":{"path":"/","verb":"get"}}}""")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{Bindings}/b.example.com")).StatusCode);
    }

    [Fact]
    public async Task Parameters_are_found_by_name_and_by_selector_and_read_at_once()
    {
        await using var server = await StartAsync(
            Policy("""{"expression":"object.data.size <= params.data.max","messageExpression":"'max ' + params.data.max"}""", """{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}""",
                ""","paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"matchConditions":[{"name":"sized","expression":"has(object.data) && has(object.data.size)"}]"""),
            Binding(more: ""","paramRef":{"name":"limits","namespace":"default","parameterNotFoundAction":"Deny"}"""));
        AssertDenied(await server.PostAsync(ConfigMaps, ConfigMap("early", """{"size":"5"}""")), "configmaps \"early\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction");
        var limits = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"limits","labels":{"role":"limits"}},"data":{"max":"3"}}""";
        // The policy itself is about the parameter too, and does not mind what has no size.
        await server.DeleteAsync($"{Bindings}/b.example.com");
        await CreateAsync(server, ConfigMaps, limits);
        await CreateAsync(server, Bindings, Binding(more: ""","paramRef":{"name":"limits","parameterNotFoundAction":"Deny"}"""));
        AssertDenied(await server.PostAsync(ConfigMaps, ConfigMap("a", """{"size":"5"}""")), "configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: max 3");
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{ConfigMaps}/limits", """{"data":{"max":"7"}}""")).StatusCode);
        await CreateAsync(server, ConfigMaps, ConfigMap("a", """{"size":"5"}"""));

        await server.DeleteAsync($"{Bindings}/b.example.com");
        await CreateAsync(server, Bindings, Binding(more: ""","paramRef":{"selector":{"matchLabels":{"role":"limits"}},"parameterNotFoundAction":"Allow"}"""));
        AssertDenied(await server.PostAsync(ConfigMaps, ConfigMap("b", """{"size":"8"}""")), "configmaps \"b\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: max 7");
        await server.DeleteAsync($"{ConfigMaps}/limits");
        await CreateAsync(server, ConfigMaps, ConfigMap("b", """{"size":"8"}"""));
    }

    [Fact]
    public async Task A_failure_counts_as_the_failure_policy_says()
    {
        const string Unknown = ""","paramKind":{"apiVersion":"example.com/v1","kind":"Foo"}""";
        await using var server = await StartAsync(Policy("""{"expression":"true"}""", more: Unknown), Binding(more: ""","paramRef":{"name":"x","parameterNotFoundAction":"Deny"}"""));
        AssertDenied(await server.PostAsync(ConfigMaps, ConfigMap("a")), "configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'example.com/v1, Kind=Foo'");
        await server.DeleteAsync($"{Policies}/p.example.com");
        await CreateAsync(server, Policies, Policy("""{"expression":"object.data.none == 'x'"}""", more: Unknown + ""","failurePolicy":"Ignore" """));
        await CreateAsync(server, ConfigMaps, ConfigMap("a"));
    }

    [Fact]
    public async Task Custom_resources_are_judged_and_serve_as_parameters()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo("""{"type":"object","properties":{"spec":{"type":"object","properties":{"max":{"type":"integer","default":2}}}}}"""));
        await CreateAsync(server, Policies, Policy("""{"expression":"params.spec.max < object.spec.max"}""", """{"operations":["CREATE"],"apiGroups":["example.com"],"apiVersions":["v1"],"resources":["foos"]}""", ""","paramKind":{"apiVersion":"example.com/v1","kind":"Foo"}"""));
        await CreateAsync(server, CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"param"},"spec":{}}""");
        await CreateAsync(server, Bindings, Binding(more: ""","paramRef":{"name":"param","parameterNotFoundAction":"Deny"}"""));
        AssertDenied(await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"spec":{"max":2}}"""), "foos.example.com \"a\" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: failed expression: params.spec.max < object.spec.max");
        await CreateAsync(server, CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"spec":{"max":3}}""");
    }

    [Theory]
    [InlineData("""{"expression":"object.x ==="}""", "", "spec.validations[0].expression: Invalid value: \"object.x ===\": compilation failed: ERROR: <input>:1:12: Syntax error")]
    [InlineData("""{"expression":"1"}""", "", "spec.validations[0].expression: Invalid value: \"1\": must evaluate to bool but got int")]
    [InlineData("""{"expression":"true","messageExpression":"true"}""", "", "spec.validations[0].messageExpression: Invalid value: \"true\": must evaluate to string but got bool")]
    [InlineData("""{"expression":"true","messageExpression":"string(authorizer.path('/x').check('get').allowed())"}""", "", "undeclared reference to 'authorizer'")]
    [InlineData("""{"expression":"params.x == 1"}""", "", "undeclared reference to 'params'")]
    [InlineData("""{"expression":"variables.b == 1"}""", ""","variables":[{"name":"a","expression":"1"}]""", "undefined field 'b'")]
    [InlineData("""{"expression":"variables.a == 'x'"}""", ""","variables":[{"name":"a","expression":"1"}]""", "found no matching overload for '_==_' applied to '(int, string)'")]
    [InlineData("""{"expression":"true","reason":"NotFound"}""", "", "spec.validations[0].reason: Unsupported value: \"NotFound\": supported values: \"Forbidden\", \"Invalid\", \"RequestEntityTooLarge\", \"Unauthorized\"")]
    [InlineData("", "", "[spec.validations: Required value: validations or auditAnnotations must contain at least one item, spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item]")]
    [InlineData("""{"expression":"true"}""", ""","failurePolicy":"Maybe" """, "spec.failurePolicy: Unsupported value: \"Maybe\": supported values: \"Fail\", \"Ignore\"")]
    [InlineData("""{"expression":"true"}""", ""","variables":[{"name":"if","expression":"1"}]""", "spec.variables[0].name: Invalid value: \"if\": name is not a valid CEL identifier")]
    [InlineData("""{"expression":"true"}""", ""","paramKind":{"apiVersion":"a/b/c","kind":"Foo"}""", "spec.paramKind.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c")]
    [InlineData("""{"expression":"true"}""", ""","matchConditions":[{"name":"x","expression":"request.nope"}]""", "spec.matchConditions[0].expression: Invalid value: \"request.nope\": compilation failed: ERROR: <input>:1:8: undefined field 'nope'")]
    [InlineData("""{"expression":"true"}""", ""","auditAnnotations":[{"key":"k","valueExpression":"1"}]""", "spec.auditAnnotations[0].valueExpression: Invalid value: \"1\": must evaluate to one of [string null] but got int")]
    public async Task A_policy_that_cannot_work_is_refused(string validations, string more, string error)
    {
        await using var server = await TestApiServer.StartAsync();
        var refused = await server.PostAsync(Policies, Policy(validations, more: more));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.StartsWith("ValidatingAdmissionPolicy.admissionregistration.k8s.io \"p.example.com\" is invalid: ", refused.Message(), StringComparison.Ordinal);
        Assert.Contains(error, refused.Message(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"Deny\",\"Warn\"", "", "spec.validationActions: Invalid value: [\"Deny\",\"Warn\"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)")]
    [InlineData("", "", "spec.validationActions: Required value: at least one validation action is required")]
    [InlineData("\"Deny\"", ""","paramRef":{"parameterNotFoundAction":"Allow"}""", "spec.paramRef: Required value: one of name or selector must be specified")]
    [InlineData("\"Deny\"", ""","paramRef":{"name":"a","selector":{}}""", "[spec.paramRef.name: Forbidden: name and selector are mutually exclusive, spec.paramRef.selector: Forbidden: name and selector are mutually exclusive, spec.paramRef.parameterNotFoundAction: Required value]")]
    public async Task A_binding_that_cannot_work_is_refused(string actions, string more, string error)
    {
        await using var server = await TestApiServer.StartAsync();
        AssertDenied(await server.PostAsync(Bindings, Binding(actions, more)), $"ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io \"b.example.com\" is invalid: {error}");
    }

    [Fact]
    public async Task Whoever_makes_policies_may_read_their_parameters()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "/apis/rbac.authorization.k8s.io/v1/clusterroles", """{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"policies"},"rules":[{"apiGroups":["admissionregistration.k8s.io"],"resources":["*"],"verbs":["*"]}]}""");
        await CreateAsync(server, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", """{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"policies"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"policies"},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"alice"}]}""");
        using var alice = server.ClientFor(server.Server.Pki.Admin.Current);
        alice.DefaultRequestHeaders.Add("Impersonate-User", "alice");
        var policy = Policy("""{"expression":"params == null"}""", more: ""","paramKind":{"apiVersion":"v1","kind":"Secret"}""");
        var refused = await server.SendAsync(HttpMethod.Post, Policies, policy, "application/json", client: alice);
        AssertDenied(refused, "ValidatingAdmissionPolicy.admissionregistration.k8s.io \"p.example.com\" is invalid: spec.paramKind: Forbidden: user &{alice  [system:authenticated] map[]} must have \"get\" permission on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)");
        await CreateAsync(server, Policies, policy);
        var binding = Binding(more: ""","paramRef":{"name":"s","namespace":"kube-system","parameterNotFoundAction":"Allow"}""");
        Assert.Contains("does not have \"get\" permission on the object referenced by paramRef", (await server.SendAsync(HttpMethod.Post, Bindings, binding, "application/json", client: alice)).Message(), StringComparison.Ordinal);
    }

    private static async Task<JsonObject> CheckedAsync(TestApiServer server, string name)
    {
        await using var watch = await server.WatchAsync($"{Policies}?watch=1&fieldSelector=metadata.name%3D{name}");
        while (await watch.NextAsync() is { } change)
        {
            if (change["object"]!["status"]?["typeChecking"] is not null) return change["object"]!.AsObject();
        }
        throw new TimeoutException($"{name} was never type checked");
    }

    [Fact]
    public async Task Validation_expressions_are_type_checked()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, Policies, Policy("""{"expression":"object.spec.replicas > 1 && object.metadata.labels['a'] == 'b' && object.spec.template.spec.containers.all(c, c.image != '')"}""", ForDeployments, name: "correct"));
        await CreateAsync(server, Policies, Policy("""{"expression":"object.spec.replicas > '1'","messageExpression":"'wants replicas > 1, got ' + object.spec.replicas"}""", ForDeployments, name: "confused"));

        var correct = await CheckedAsync(server, "correct");
        var confused = await CheckedAsync(server, "confused");

        Assert.Equal("""{"observedGeneration":1,"typeChecking":{}}""", correct["status"]!.ToJsonString());
        var warnings = confused["status"]!["typeChecking"]!["expressionWarnings"]!.AsArray();
        Assert.Equal(["spec.validations[0].expression", "spec.validations[0].messageExpression"], warnings.Select(w => w!["fieldRef"]!.GetValue<string>()));
        Assert.Equal("apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > '1'\n | .....................^\n", warnings[0]!["warning"]!.GetValue<string>());
        Assert.Contains("found no matching overload for '_+_' applied to '(string, int)'", warnings[1]!["warning"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validation_expressions_about_a_custom_resource_are_type_checked()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo("""{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer"},"when":{"type":"string","format":"date-time"}}}}}"""));
        await CreateAsync(server, Policies, Policy("""{"expression":"object.spec.when > timestamp('2020-01-01T00:00:00Z') && object.metadata.name != ''"},{"expression":"object.spec.size == 'x'"},{"expression":"object.foo == 1"}""", """{"operations":["*"],"apiGroups":["example.com"],"apiVersions":["v1"],"resources":["foos"]}"""));
        var warnings = (await CheckedAsync(server, "p.example.com"))["status"]!["typeChecking"]!["expressionWarnings"]!.AsArray();
        Assert.Equal(["spec.validations[1].expression", "spec.validations[2].expression"], warnings.Select(w => w!["fieldRef"]!.GetValue<string>()));
        Assert.StartsWith("example.com/v1, Kind=Foo: ERROR: <input>:1:18: found no matching overload for '_==_' applied to '(int, string)'", warnings[0]!["warning"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("undefined field 'foo'", warnings[1]!["warning"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_audit_log_hears_of_failures_and_annotations()
    {
        await using var server = await TestApiServer.StartAsync();
        var objects = new InMemoryObjects();
        objects.Put("""{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"default"}}""");
        objects.Put(Policy("""{"expression":"true"},{"expression":"false","message":"never"}""", more: ""","auditAnnotations":[{"key":"who","valueExpression":"'by ' + request.userInfo.username"},{"key":"none","valueExpression":"''"}]"""));
        objects.Put(Binding("\"Audit\""));
        var table = new ResourceTable(ResourceCatalog.BuiltIn, new StrategyRegistry());
        Assert.True(table.TryFind("", "v1", "configmaps", out var served));
        var attributes = new AdmissionAttributes
        {
            Operation = AdmissionOperation.Create,
            Resource = served.Stored,
            Served = served,
            Request = new RequestInfo { Verb = "create", Path = "", IsResourceRequest = true, Version = "v1", Resource = "configmaps", Namespace = "default", Name = "a" },
            User = new("jane", []),
            Object = JsonNode.Parse(ConfigMap("a"))!.AsObject(),
        };
        var plugin = new PolicyParts(objects).Validating(new PolicyTargets(objects, new AuthorizerChain(), new PolicyParameters(server.Store, () => table)));

        await plugin.ValidateAsync(attributes, CancellationToken.None);

        Assert.Equal(["p.example.com/who=by jane", """validation.policy.admission.k8s.io/validation_failure=[{"message":"never","policy":"p.example.com","binding":"b.example.com","expressionIndex":1,"validationActions":["Audit"]}]"""],
            attributes.AuditAnnotations!.Select(a => $"{a.Key}={a.Value}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Policies_and_bindings_have_the_usual_operations()
    {
        await using var server = await StartAsync(Policy("""{"expression":"true"}"""));
        var policy = (await server.GetAsync($"{Policies}/p.example.com")).Json;
        Assert.Equal("""{"matchConstraints":{"namespaceSelector":{},"objectSelector":{},"resourceRules":[{"operations":["*"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"],"scope":"*"}],"matchPolicy":"Equivalent"},"validations":[{"expression":"true"}],"failurePolicy":"Fail"}""", policy["spec"]!.ToJsonString());
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{Policies}/p.example.com", """{"spec":{"failurePolicy":"Ignore"}}""")).StatusCode);
        Assert.Equal(2, (await server.GetAsync($"{Policies}/p.example.com")).Json["metadata"]!["generation"]!.GetValue<int>());
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{Policies}/p.example.com/status", """{"status":{"conditions":[{"type":"Ready","status":"True","reason":"R","message":"","lastTransitionTime":"2024-01-01T00:00:00Z"}]}}""")).StatusCode);
        Assert.Single((await server.GetAsync(Bindings)).Json["items"]!.AsArray());
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync(Bindings)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync(Policies)).StatusCode);
        Assert.Empty((await server.GetAsync(Policies)).Json["items"]!.AsArray());
    }
}
