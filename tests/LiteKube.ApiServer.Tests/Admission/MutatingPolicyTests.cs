using System.Net;
using LiteKube.ApiServer.Tests.Extensions.CustomResources;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Admission;

/// <summary>MutatingAdmissionPolicy on a running server.</summary>
public sealed class MutatingPolicyTests
{
    private const string Root = "/apis/admissionregistration.k8s.io/v1";
    private const string Policies = Root + "/mutatingadmissionpolicies";
    private const string Bindings = Root + "/mutatingadmissionpolicybindings";
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const string Pods = "/api/v1/namespaces/default/pods";
    private const string ForConfigMaps = """{"operations":["CREATE","UPDATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps"]}""";
    private const string ForPods = """{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}""";

    private static string Apply(string expression) => $$"""{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"{{expression}}"}""" + "}";

    private static string Patch(string expression) => $$"""{"patchType":"JSONPatch","jsonPatch":{"expression":"{{expression}}"}""" + "}";

    private static string Policy(string mutations, string rule = ForConfigMaps, string more = "", string reinvocation = "Never", string name = "m") =>
        $$"""{"apiVersion":"admissionregistration.k8s.io/v1","kind":"MutatingAdmissionPolicy","metadata":{"name":"{{name}}"},"spec":{"matchConstraints":{"resourceRules":[{{rule}}]},"reinvocationPolicy":"{{reinvocation}}","mutations":[{{mutations}}]{{more}}}""" + "}";

    private static string Binding(string policy = "m", string more = "") =>
        $$"""{"apiVersion":"admissionregistration.k8s.io/v1","kind":"MutatingAdmissionPolicyBinding","metadata":{"name":"b-{{policy}}"},"spec":{"policyName":"{{policy}}"{{more}}}""" + "}";

    private static string ConfigMap(string name, string data = "{}") => $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{name}}"},"data":{{data}}""" + "}";

    private static async Task<TestApiServer> StartAsync(params string[] policies)
    {
        var server = await TestApiServer.StartAsync();
        foreach (var policy in policies)
        {
            var created = await CreateAsync(server, Policies, policy);
            await CreateAsync(server, Bindings, Binding(created.Json["metadata"]!["name"]!.GetValue<string>()));
        }
        return server;
    }

    private static async Task<TestResponse> CreateAsync(TestApiServer server, string path, string body)
    {
        var created = await server.PostAsync(path, body);
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        return created;
    }

    private static string Data(TestResponse response) => response.Json["data"]?.ToJsonString() ?? "";

    [Fact]
    public async Task An_apply_configuration_is_merged_into_the_object()
    {
        await using var server = await StartAsync(Policy(Apply("Object{metadata: Object.metadata{labels: {'by': 'policy'}}, data: {'added': string(object.data.size())}}")));
        var created = await CreateAsync(server, ConfigMaps, ConfigMap("a", """{"own":"1"}"""));
        Assert.Equal("""{"added":"1","own":"1"}""", Data(created));
        Assert.Equal("policy", created.Json["metadata"]!["labels"]!["by"]!.GetValue<string>());
        Assert.Equal("""{"added":"3","more":"2","own":"1"}""", Data(await server.PatchAsync($"{ConfigMaps}/a", """{"data":{"more":"2"}}""")));
    }

    [Fact]
    public async Task A_sidecar_is_added_to_the_list_of_containers_and_defaulted()
    {
        await using var server = await StartAsync(Policy(
            Apply("Object{spec: Object.spec{initContainers: [Object.spec.initContainers{name: 'mesh-proxy', image: variables.image, restartPolicy: 'Always'}]}}"),
            ForPods, ""","variables":[{"name":"image","expression":"'mesh/' + object.metadata.name + ':v1'"}],"matchConditions":[{"name":"not-yet","expression":"!object.spec.?initContainers.orValue([]).exists(c, c.name == 'mesh-proxy')"}]"""));
        await CreateAsync(server, "/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
        var created = await CreateAsync(server, Pods, """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        var proxy = Assert.Single(created.Json["spec"]!["initContainers"]!.AsArray())!;
        Assert.Equal(("mesh-proxy", "mesh/p:v1", "Always", "File", "IfNotPresent"), (
            proxy["name"]!.GetValue<string>(), proxy["image"]!.GetValue<string>(), proxy["restartPolicy"]!.GetValue<string>(), proxy["terminationMessagePolicy"]!.GetValue<string>(), proxy["imagePullPolicy"]!.GetValue<string>()));
        Assert.Equal("c", created.Json["spec"]!["containers"]![0]!["name"]!.GetValue<string>());
        // What comes late gets what admission gave the others.
        var volume = Assert.Single(created.Json["spec"]!["volumes"]!.AsArray())!["name"]!.GetValue<string>();
        Assert.Equal(volume, Assert.Single(proxy["volumeMounts"]!.AsArray())!["name"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_json_patch_is_applied_and_one_whose_test_fails_changes_nothing()
    {
        await using var server = await StartAsync(Policy(Patch("[JSONPatch{op: 'test', path: '/data/kind', value: 'x'}, JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey('example.com/by'), value: 'policy'}, JSONPatch{op: 'replace', path: '/data/own', value: 'new'}]")));
        const string Body = """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","annotations":{"own":"1"}},"data":{"kind":"x","own":"old"}}""";
        var changed = await CreateAsync(server, ConfigMaps, Body);
        Assert.Equal("""{"kind":"x","own":"new"}""", Data(changed));
        Assert.Equal("policy", changed.Json["metadata"]!["annotations"]!["example.com/by"]!.GetValue<string>());
        var unchanged = await CreateAsync(server, ConfigMaps, Body.Replace("\"a\"", "\"b\"", StringComparison.Ordinal).Replace("\"x\"", "\"y\"", StringComparison.Ordinal));
        Assert.Equal("""{"kind":"y","own":"old"}""", Data(unchanged));
    }

    [Fact]
    public async Task A_patch_and_a_configuration_of_one_policy_build_upon_each_other()
    {
        await using var server = await StartAsync(Policy(Patch("[JSONPatch{op: 'add', path: '/data/first', value: 'one'}]") + "," + Apply("Object{data: {'second': object.data.first + '-two'}}")));
        Assert.Equal("""{"first":"one","own":"1","second":"one-two"}""", Data(await CreateAsync(server, ConfigMaps, ConfigMap("a", """{"own":"1"}"""))));
    }

    [Fact]
    public async Task A_policy_that_ran_before_a_change_is_run_again_when_it_asks_for_it()
    {
        var early = Apply("Object{data: {'seen': string(has(object.data.late))}}");
        var late = Apply("Object{data: {'late': 'yes'}}");
        await using var again = await StartAsync(Policy(early, name: "a-early", reinvocation: "IfNeeded"), Policy(late, name: "b-late"));
        Assert.Equal("""{"late":"yes","own":"1","seen":"true"}""", Data(await CreateAsync(again, ConfigMaps, ConfigMap("a", """{"own":"1"}"""))));
        await using var once = await StartAsync(Policy(early, name: "a-early"), Policy(late, name: "b-late"));
        Assert.Equal("""{"late":"yes","own":"1","seen":"false"}""", Data(await CreateAsync(once, ConfigMaps, ConfigMap("a", """{"own":"1"}"""))));
    }

    [Fact]
    public async Task What_mutations_made_is_validated()
    {
        await using var server = await StartAsync(Policy(Apply("Object{data: {'bad key': 'x'}}")));
        var refused = await server.PostAsync(ConfigMaps, ConfigMap("a"));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "Invalid"), (refused.StatusCode, refused.Json["reason"]!.GetValue<string>()));
        Assert.Contains("data[bad key]", refused.Message(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Custom_resources_are_changed_by_their_schema()
    {
        await using var server = await StartAsync(Policy(Apply("Object{spec: Object.spec{ports: [Object.spec.ports{name: 'added', port: params == null ? 1 : 2}]}}"), """{"operations":["CREATE"],"apiGroups":["example.com"],"apiVersions":["v1"],"resources":["foos"]}""", ""","paramKind":{"apiVersion":"v1","kind":"ConfigMap"}"""));
        await server.EstablishAsync(CustomServer.Foo("""{"type":"object","properties":{"spec":{"type":"object","properties":{"ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"port":{"type":"integer"}}}}}}}}"""));
        var created = await CreateAsync(server, CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"spec":{"ports":[{"name":"own","port":7}]}}""");
        Assert.Equal("""[{"name":"own","port":7},{"name":"added","port":1}]""", created.Json["spec"]!["ports"]!.ToJsonString());
    }

    [Theory]
    [InlineData("Object{spec: Object.status{}}", "type mismatch: unexpected type name \"Object.status\", expected \"Object.spec\", which matches field name path from root Object type")]
    [InlineData("Object{none: 'x'}", "error applying patch: failed to convert patch object to typed object: .none: field not declared in schema")]
    [InlineData("Object{metadata: Object.metadata{name: object.data.none}}", "expression 'Object{metadata: Object.metadata{name: object.data.none}}' resulted in error: no such key: none")]
    public async Task A_mutation_that_fails_denies_the_request(string expression, string message)
    {
        await using var server = await StartAsync(Policy(Apply(expression)));
        var refused = await server.PostAsync(ConfigMaps, ConfigMap("a", """{"k":"v"}"""));
        Assert.Equal((HttpStatusCode.Forbidden, "Invalid", $"policy 'm' with binding 'b-m' denied request: {message}"), (refused.StatusCode, refused.Json["reason"]!.GetValue<string>(), refused.Message()));
        await server.DeleteAsync($"{Policies}/m");
        await CreateAsync(server, Policies, Policy(Apply(expression), more: ""","failurePolicy":"Ignore" """));
        await CreateAsync(server, ConfigMaps, ConfigMap("a"));
    }

    [Fact]
    public async Task What_is_replaced_as_a_whole_may_not_be_touched()
    {
        await using var server = await StartAsync(Policy(Apply("Object{spec: Object.spec{containers: [Object.spec.containers{name: 'c', command: ['x']}]}}"), ForPods));
        await CreateAsync(server, "/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
        var refused = await server.PostAsync(Pods, """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        Assert.Equal("policy 'm' with binding 'b-m' denied request: error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].command", refused.Message());
    }

    [Theory]
    [InlineData("""{"patchType":"JSONPatch","applyConfiguration":{"expression":"Object{}"}}""", "Never", "[spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch, spec.mutations[0].applyConfiguration: Invalid value: \"{applyConfiguration}\": must not be specified when patchType is JSONPatch]")]
    [InlineData("""{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"{}"}}""", "Never", "spec.mutations[0].applyConfiguration.expression: Invalid value: \"{}\": must evaluate to Object but got map(dyn, dyn)")]
    [InlineData("""{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{"}}""", "Never", "spec.mutations[0].applyConfiguration.expression: Invalid value: \"Object{\": compilation failed: ERROR: <input>:1:8: Syntax error")]
    [InlineData("", "Never", "spec.mutations: Required value: mutations must contain at least one item")]
    [InlineData("""{"patchType":"Other"}""", "Never", "spec.mutations[0].patchType: Unsupported value: \"Other\": supported values: \"ApplyConfiguration\", \"JSONPatch\"")]
    [InlineData("""{"patchType":"JSONPatch","jsonPatch":{"expression":"[JSONPatch{op: 'remove', path: '/x'}]"}}""", "Always", "spec.reinvocationPolicy: Unsupported value: \"Always\": supported values: \"IfNeeded\", \"Never\"")]
    public async Task A_policy_that_cannot_work_is_refused(string mutation, string reinvocation, string error)
    {
        await using var server = await TestApiServer.StartAsync();
        var refused = await server.PostAsync(Policies, Policy(mutation, reinvocation: reinvocation));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.StartsWith($"MutatingAdmissionPolicy.admissionregistration.k8s.io \"m\" is invalid: {error}", refused.Message(), StringComparison.Ordinal);
    }
}
