using System.Net;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Tests.Registry.Strategies;

/// <summary>What a PodSpec may say, field by field, and how it may change afterwards.</summary>
public sealed class PodGoldenTests(StrategyGoldenTests.Fixture fixture) : IClassFixture<StrategyGoldenTests.Fixture>
{
    private const string Pods = "/api/v1/namespaces/default/pods";

    /// <summary>A piece of the spec and what is said of it; "$" stands for the container c.</summary>
    private static readonly (string Spec, string Message)[] Refused =
    [
        ("""{"containers":[$,$]}""", """spec.containers[1].name: Duplicate value: "c"."""),
        ("""{"containers":[$],"initContainers":[{"name":"c","image":"i"}]}""", """spec.initContainers[0].name: Duplicate value: "c"."""),
        ("""{"containers":[{"name":"c","image":"i","restartPolicy":"Always","lifecycle":{"preStop":{}}}]}""", "spec.containers[0].lifecycle.preStop: Required value: must specify a handler type"),
        ("""{"containers":[$],"initContainers":[{"name":"i","image":"i","readinessProbe":{"exec":{"command":["x"]}}}]}""", "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"),
        ("""{"containers":[{"name":"c","image":"i","env":[{"name":"A","value":"x","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}]}""", "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty"),
        ("""{"containers":[{"name":"c","image":"i","env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.x"}}}]}]}""", "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.x\""),
        ("""{"containers":[{"name":"c","image":"i","ports":[{"containerPort":0}]}]}""", "spec.containers[0].ports[0].containerPort: Required value"),
        ("""{"containers":[{"name":"c","image":"i","ports":[{"containerPort":70000}]}]}""", "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"),
        ("""{"containers":[{"name":"c","image":"i","livenessProbe":{"httpGet":{"port":80},"exec":{"command":["x"]}}}]}""", "spec.containers[0].livenessProbe.httpGet: Forbidden: may not specify more than 1 handler type"),
        ("""{"containers":[{"name":"c","image":"i","securityContext":{"privileged":true,"allowPrivilegeEscalation":false}}]}""", "spec.containers[0].securityContext: Invalid value"),
        ("""{"containers":[{"name":"c","image":"i","resources":{"limits":{"foo":"1"}}}]}""", """spec.containers[0].resources.limits[foo]: Invalid value: "foo": must be a standard resource type or fully qualified"""),
        ("""{"containers":[$],"dnsPolicy":"None"}""", "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"),
        ("""{"containers":[$],"hostAliases":[{"ip":"x"}]}""", """spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address"""),
        ("""{"containers":[$],"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"k","whenUnsatisfiable":"DoNotSchedule"}]}""", "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"),
        ("""{"containers":[$],"tolerations":[{"operator":"Equal","value":"v"}]}""", "spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty, which means \"match all values and all keys\""),
        ("""{"containers":[$],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[]}}}}""", "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term"),
        ("""{"containers":[$],"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":""}}]}""", "spec.volumes[0].persistentVolumeClaim.claimName: Required value"),
        ("""{"containers":[$],"activeDeadlineSeconds":0}""", "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"),
        ("""{"containers":[$],"os":{"name":"plan9"}}""", """spec.os: Unsupported value: "plan9": supported values: "linux", "windows"."""),
        ("""{"containers":[$],"schedulingGates":[{"name":"a"},{"name":"a"}]}""", "spec.schedulingGates[1]: Duplicate value"),
        ("""{"containers":[$],"ephemeralContainers":[{"name":"e","image":"i"}]}""", "spec.ephemeralContainers: Forbidden: cannot be set on create"),
        ("""{"containers":[$],"readinessGates":[{"conditionType":""}]}""", "spec.readinessGates[0].conditionType: Invalid value: \"\": name part must be non-empty"),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Refused.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_bad_spec_is_refused_in_Kubernetes_words(int index)
    {
        var (spec, message) = Refused[index];
        var answer = await fixture.Server.PostAsync(Pods, $$"""{"metadata":{"name":"bad"},"spec": {{spec.Replace("$", """{"name":"c","image":"i"}""", StringComparison.Ordinal)}} }""");
        Assert.True(answer.StatusCode == HttpStatusCode.UnprocessableEntity, $"{(int)answer.StatusCode} {answer.Body}");
        Assert.Contains(message.TrimEnd('.'), answer.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metadata_and_status_have_doors_of_their_own()
    {
        await CreateAsync("doors");
        var debug = await fixture.Server.PatchAsync($"{Pods}/doors/ephemeralcontainers", """{"metadata":{"labels":{"a":"b"}},"spec":{"ephemeralContainers":[{"name":"d","image":"i"}]}}""");
        Assert.True(debug.StatusCode == HttpStatusCode.OK, debug.Body);
        Assert.Equal("d", debug.Json["spec"]!["ephemeralContainers"]![0]!["name"]!.GetValue<string>());
        Assert.Null(debug.Json["metadata"]!["labels"]);
        var removed = await fixture.Server.PatchAsync($"{Pods}/doors/ephemeralcontainers", """{"spec":{"ephemeralContainers":[]}}""", "application/merge-patch+json");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, removed.StatusCode);
        await fixture.Server.DeleteAsync($"{Pods}/doors");
    }

    [Fact]
    public async Task A_resize_changes_resources_within_the_class_of_service()
    {
        await CreateAsync("sized", """{"requests":{"cpu":"100m"},"limits":{"cpu":"200m"}}""");
        const string Patch = """{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"REQUEST"},"limits":{"cpu":"200m"}}}]}}""";
        var resized = await fixture.Server.PatchAsync($"{Pods}/sized/resize", Patch.Replace("REQUEST", "150m", StringComparison.Ordinal), "application/strategic-merge-patch+json");
        Assert.True(resized.StatusCode == HttpStatusCode.OK, resized.Body);
        Assert.Equal("150m", resized.Json["spec"]!["containers"]![0]!["resources"]!["requests"]!["cpu"]!.GetValue<string>());
        var main = await fixture.Server.PatchAsync($"{Pods}/sized", Patch.Replace("REQUEST", "120m", StringComparison.Ordinal), "application/strategic-merge-patch+json");
        Assert.Contains("spec: Forbidden: pod updates may not change fields other than", main.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
        await fixture.Server.DeleteAsync($"{Pods}/sized");
    }

    [Fact]
    public async Task Odd_but_valid_pods_are_warned_of()
    {
        var answer = await fixture.Server.PostAsync(Pods + "?dryRun=All", """{"metadata":{"name":"twice"},"spec":{"containers":[{"name":"c","image":"i","env":[{"name":"A","value":"1"},{"name":"A","value":"2"}]}]}}""");
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Contains("299 - \"spec.containers[0].env[1]: hides previous definition of \\\"A\\\"", string.Join('\n', answer.Headers.GetValues("Warning")), StringComparison.Ordinal);
    }

    /// <summary>KEP-3633 and KEP-3243: the selectors say it afterwards, once, and a template keeps what it was given.</summary>
    [Fact]
    public async Task Label_keys_of_affinity_and_spread_become_expressions_of_a_new_pods_selectors()
    {
        const string Term = """{"topologyKey":"zone","labelSelector":{"matchLabels":{"app":"web"}},"matchLabelKeys":["hash","absent"],"mismatchLabelKeys":["tenant"]}""";
        const string Spec = $$$"""
            {"containers":[{"name":"c","image":"i"}],
             "affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{{{Term}}}],"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"podAffinityTerm":{{{Term}}} }]},
                         "podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{{{Term}}}],"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"podAffinityTerm":{{{Term}}} }]} },
             "topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"web"}},"matchLabelKeys":["hash"]}]}
            """;
        const string Labels = """{"app":"web","hash":"h1","tenant":"t1"}""";
        const string Added = """[{"key":"hash","operator":"In","values":["h1"]},{"key":"tenant","operator":"NotIn","values":["t1"]}]""";
        var created = await fixture.Server.PostAsync(Pods, $$$"""{"metadata":{"name":"keys","labels":{{{Labels}}} },"spec":{{{Spec}}} }""");
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        var affinity = created.Json["spec"]!["affinity"]!;
        foreach (var kind in (string[])["podAffinity", "podAntiAffinity"])
        {
            Assert.Equal(Added, affinity[kind]!["requiredDuringSchedulingIgnoredDuringExecution"]![0]!["labelSelector"]!["matchExpressions"]!.ToJsonString());
            Assert.Equal(Added, affinity[kind]!["preferredDuringSchedulingIgnoredDuringExecution"]![0]!["podAffinityTerm"]!["labelSelector"]!["matchExpressions"]!.ToJsonString());
        }
        Assert.Equal("""[{"key":"hash","operator":"In","values":["h1"]}]""", created.Json["spec"]!["topologySpreadConstraints"]![0]!["labelSelector"]!["matchExpressions"]!.ToJsonString());
        // What an update brings back is taken as it stands.
        var updated = await fixture.Server.PatchAsync($"{Pods}/keys", """{"metadata":{"labels":{"hash":"h2"}}}""");
        Assert.Equal(Added, updated.Json["spec"]!["affinity"]!["podAffinity"]!["requiredDuringSchedulingIgnoredDuringExecution"]![0]!["labelSelector"]!["matchExpressions"]!.ToJsonString());
        await fixture.Server.DeleteAsync($"{Pods}/keys");

        var deployment = await fixture.Server.PostAsync("/apis/apps/v1/namespaces/default/deployments",
            $$$"""{"metadata":{"name":"keys"},"spec":{"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{{{Labels}}} },"spec":{{{Spec}}} } } }""");
        Assert.True(deployment.StatusCode == HttpStatusCode.Created, deployment.Body);
        Assert.DoesNotContain("matchExpressions", deployment.Json["spec"]!["template"]!.ToJsonString(), StringComparison.Ordinal);
        await fixture.Server.DeleteAsync("/apis/apps/v1/namespaces/default/deployments/keys");
    }

    [Fact]
    public async Task A_key_that_the_selector_has_as_well_is_refused()
    {
        const string Spec = """{"containers":[{"name":"c","image":"i"}],"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"hash":"h1"}},"matchLabelKeys":["hash"]}]}""";
        var refused = await fixture.Server.PostAsync(Pods, $$$"""{"metadata":{"name":"keys-twice","labels":{"hash":"h1"}},"spec":{{{Spec}}} }""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Contains("spec.topologySpreadConstraints[0].matchLabelKeys[0]: Invalid value: \"hash\": exists in both matchLabelKeys and labelSelector", refused.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    private async Task CreateAsync(string name, string resources = "{}")
    {
        var body = new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "c", ["image"] = "i", ["resources"] = JsonNode.Parse(resources) }) } }.ToJsonString();
        var created = await fixture.Server.PostAsync(Pods, body);
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
    }
}
