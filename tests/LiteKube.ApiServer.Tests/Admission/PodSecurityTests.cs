using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Admission.PodSecurity;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Tests.Admission;

/// <summary>Pods against the Pod Security Standards: every check, its form in the release that a namespace pins, and what is said.</summary>
public sealed class PodSecurityTests
{
    private const string Good = """{"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"c","image":"i","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}""";

    private readonly InMemoryObjects _objects = new();
    private readonly PodSecurityAdmission _plugin;

    public PodSecurityTests() => _plugin = new(_objects);

    [Fact]
    public async Task A_pod_that_says_nothing_breaks_four_rules_of_the_restricted_level()
    {
        Labels("enforce=restricted");
        var error = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(Pod("""{"containers":[{"name":"c"}]}""")));
        Assert.Equal((403, "Forbidden"), (error.Code, error.Reason));
        Assert.Equal("pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"c\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container \"c\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")", error.Message);
        await ValidateAsync(Pod(Good));
    }

    [Theory]
    [InlineData("""{"containers":[{"name":"a","securityContext":{"privileged":true}},{"name":"b","securityContext":{"privileged":true}}]}""", "privileged (containers \"a\", \"b\" must not set securityContext.privileged=true)")]
    [InlineData("""{"hostNetwork":true,"hostIPC":true,"containers":[{"name":"c"}]}""", "host namespaces (hostNetwork=true, hostIPC=true)")]
    [InlineData("""{"containers":[{"name":"c","securityContext":{"capabilities":{"add":["NET_RAW","CHOWN","NET_ADMIN"]}}}]}""", "non-default capabilities (container \"c\" must not include \"NET_ADMIN\", \"NET_RAW\" in securityContext.capabilities.add)")]
    [InlineData("""{"volumes":[{"name":"v","hostPath":{"path":"/"}},{"name":"w","hostPath":{"path":"/"}}],"containers":[{"name":"c"}]}""", "hostPath volumes (volumes \"v\", \"w\")")]
    [InlineData("""{"containers":[{"name":"a","ports":[{"hostPort":80},{"hostPort":443}]},{"name":"b","ports":[{"containerPort":1}]}]}""", "hostPort (container \"a\" uses hostPorts 443, 80)")]
    [InlineData("""{"containers":[{"name":"c","livenessProbe":{"httpGet":{"host":"127.0.0.1"}},"lifecycle":{"preStop":{"tcpSocket":{"host":"other"}}}}]}""", "probe or lifecycle host (container \"c\" uses probe or lifecycle hosts \"127.0.0.1\", \"other\")")]
    [InlineData("""{"containers":[{"name":"c","securityContext":{"procMount":"Unmasked"}}]}""", "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")")]
    [InlineData("""{"securityContext":{"seLinuxOptions":{"type":"spc_t","user":"u"}},"containers":[{"name":"c","securityContext":{"seLinuxOptions":{"role":"r"}}}]}""", "seLinuxOptions (pod and container \"c\" set forbidden securityContext.seLinuxOptions: type \"spc_t\"; user may not be set; role may not be set)")]
    [InlineData("""{"securityContext":{"seccompProfile":{"type":"Unconfined"}},"containers":[{"name":"c"}]}""", "seccompProfile (pod must not set securityContext.seccompProfile.type to \"Unconfined\")")]
    [InlineData("""{"securityContext":{"sysctls":[{"name":"kernel.msgmax"},{"name":"kernel.shm_rmid_forced"}]},"containers":[{"name":"c"}]}""", "forbidden sysctls (kernel.msgmax)")]
    [InlineData("""{"securityContext":{"windowsOptions":{"hostProcess":true}},"containers":[{"name":"c"}]}""", "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)")]
    [InlineData("""{"securityContext":{"appArmorProfile":{"type":"Unconfined"}},"containers":[{"name":"c"}]}""", "forbidden AppArmor profile (pod must not set AppArmor profile type to \"Unconfined\")")]
    public async Task The_baseline_level_refuses_what_opens_the_host(string spec, string why)
    {
        Labels("enforce=baseline");
        var error = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(Pod(spec)));
        Assert.Equal($"pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": {why}", error.Message);
    }

    [Theory]
    [InlineData("runAsNonRoot", "false", "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)")]
    [InlineData("runAsUser", "0", "runAsUser=0 (pod must not set runAsUser=0)")]
    public async Task The_restricted_level_names_who_asks_for_root(string field, string value, string why)
    {
        Labels("enforce=restricted");
        var spec = JsonNode.Parse(Good)!.AsObject();
        spec["securityContext"]![field] = JsonNode.Parse(value);
        var error = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(Pod(spec.ToJsonString())));
        Assert.Equal($"pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": {why}", error.Message);
        spec["hostUsers"] = false;
        await ValidateAsync(Pod(spec.ToJsonString()));
    }

    [Fact]
    public async Task The_restricted_level_includes_the_baseline_and_replaces_what_it_says_better()
    {
        Labels("enforce=restricted");
        var spec = JsonNode.Parse(Good)!.AsObject();
        spec["volumes"] = new JsonArray(new JsonObject { ["name"] = "h", ["hostPath"] = new JsonObject() }, new JsonObject { ["name"] = "n", ["nfs"] = new JsonObject() }, new JsonObject { ["name"] = "e", ["emptyDir"] = new JsonObject() });
        spec["hostPID"] = true;
        spec["containers"]![0]!["securityContext"]!["capabilities"]!["add"] = new JsonArray("SYS_TIME");
        var error = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(Pod(spec.ToJsonString())));
        Assert.Equal("pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": host namespaces (hostPID=true), unrestricted capabilities (container \"c\" must not include \"SYS_TIME\" in securityContext.capabilities.add), restricted volume types (volumes \"h\", \"n\" use restricted volume types \"hostPath\", \"nfs\")", error.Message);
    }

    [Theory]
    [InlineData("v1.26", false)]
    [InlineData("v1.29", true)]
    [InlineData("latest", true)]
    [InlineData("v1.99", true)]
    public async Task A_pinned_version_holds_the_rules_of_its_release(string version, bool isAllowed)
    {
        Labels($"enforce=baseline,enforce-version={version}");
        var pod = Pod("""{"securityContext":{"sysctls":[{"name":"net.ipv4.tcp_fin_timeout"}]},"containers":[{"name":"c"}]}""");
        if (isAllowed)
        {
            await ValidateAsync(pod);
            return;
        }
        var error = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(pod));
        Assert.Equal("pods \"p\" is forbidden: violates PodSecurity \"baseline:v1.26\": forbidden sysctls (net.ipv4.tcp_fin_timeout)", error.Message);
    }

    [Fact]
    public async Task Windows_pods_need_not_set_what_only_linux_has()
    {
        Labels("enforce=restricted");
        await ValidateAsync(Pod("""{"os":{"name":"windows"},"securityContext":{"runAsNonRoot":true},"containers":[{"name":"c"}]}"""));
    }

    [Fact]
    public async Task Warnings_and_audit_notes_let_the_pod_in()
    {
        Labels("warn=baseline,audit=restricted,audit-version=v1.30");
        var attributes = Pod("""{"hostPID":true,"containers":[{"name":"c"}]}""");
        await ValidateAsync(attributes);
        Assert.Equal(["would violate PodSecurity \"baseline:latest\": host namespaces (hostPID=true)"], attributes.Warnings);
        Assert.Equal("privileged:latest", attributes.AuditAnnotations!["pod-security.kubernetes.io/enforce-policy"]);
        Assert.StartsWith("would violate PodSecurity \"restricted:v1.30\": host namespaces (hostPID=true), allowPrivilegeEscalation != false", attributes.AuditAnnotations["pod-security.kubernetes.io/audit-violations"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_template_whose_pods_would_be_refused_is_let_in_with_a_warning()
    {
        Labels("enforce=baseline");
        var attributes = Attributes("apps", "deployments", "Deployment", """{"metadata":{"name":"d","namespace":"default"},"spec":{"template":{"spec":{"hostNetwork":true,"containers":[{"name":"c"}]}}}}""");
        await ValidateAsync(attributes);
        Assert.Equal(["would violate PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)"], attributes.Warnings);
    }

    [Fact]
    public async Task An_update_is_judged_when_an_image_or_a_debug_container_comes()
    {
        Labels("enforce=restricted");
        const string Old = """{"containers":[{"name":"c","image":"a"}]}""";
        await ValidateAsync(Pod("""{"tolerations":[{"operator":"Exists"}],"containers":[{"name":"c","image":"a"}]}""", Old));
        await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(Pod("""{"containers":[{"name":"c","image":"b"}]}""", Old)));
        var error = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(Pod("""{"containers":[{"name":"c","image":"a"}],"ephemeralContainers":[{"name":"debug","image":"d"}]}""", Old, "ephemeralcontainers")));
        Assert.Contains("containers \"c\", \"debug\" must set securityContext.allowPrivilegeEscalation=false", error.Message, StringComparison.Ordinal);
        await ValidateAsync(Pod("""{"containers":[{"name":"c","image":"b"}]}""", Old, "status"));
    }

    [Fact]
    public async Task A_namespace_with_a_level_that_does_not_exist_is_refused_unless_it_was_there_before()
    {
        var bad = Namespace("enforce=strict,warn-version=1.2");
        var error = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(bad));
        Assert.Equal((422, "Namespace \"default\" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"strict\": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"1.2\": must be \"latest\" or \"v1.x\"]"), (error.Code, error.Message));
        await ValidateAsync(Namespace("enforce=strict,other=new", "enforce=strict"));
        Labels("enforce=strict");
        var pod = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(Pod("""{"hostPID":true,"containers":[{"name":"c"}]}""")));
        Assert.Contains("violates PodSecurity \"restricted:latest\"", pod.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_raises_a_namespaces_level_hears_which_pods_would_not_get_in()
    {
        foreach (var name in (string[])["web-2", "web-1", "web-3"])
            _objects.Put($$$"""{"kind":"Pod","apiVersion":"v1","metadata":{"name":"{{{name}}}","namespace":"default","ownerReferences":[{"controller":true,"uid":"rs"}]},"spec":{"hostPID":true,"containers":[{"name":"c"}]}}""");
        _objects.Put("""{"kind":"Pod","apiVersion":"v1","metadata":{"name":"lone","namespace":"default"},"spec":{"containers":[{"name":"c","securityContext":{"privileged":true}}]}}""");
        var attributes = Namespace("enforce=baseline", "");
        await ValidateAsync(attributes);
        Assert.Equal(
        [
            "existing pods in namespace \"default\" violate the new PodSecurity enforce level \"baseline:latest\"",
            "lone: privileged",
            "web-1 (and 2 other pods): host namespaces",
        ], attributes.Warnings);
        var relaxed = Namespace("enforce=baseline", "enforce=restricted");
        await ValidateAsync(relaxed);
        Assert.Empty(relaxed.Warnings);
    }

    private void Labels(string labels) => _objects.Put(NamespaceJson(labels));

    private static string NamespaceJson(string labels) => $$$"""{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"default","labels":{{{LabelsJson(labels)}}}}}""";

    private static string LabelsJson(string labels)
    {
        var json = new JsonObject();
        foreach (var pair in labels.Split(',', StringSplitOptions.RemoveEmptyEntries))
            json["pod-security.kubernetes.io/" + pair[..pair.IndexOf('=', StringComparison.Ordinal)]] = pair[(pair.IndexOf('=', StringComparison.Ordinal) + 1)..];
        return json.ToJsonString();
    }

    private static AdmissionAttributes Namespace(string labels, string? old = null) => Attributes("", "namespaces", "Namespace", NamespaceJson(labels), old is null ? null : NamespaceJson(old));

    private static AdmissionAttributes Pod(string spec, string? old = null, string subresource = "")
    {
        static string Json(string spec) => $$$"""{"metadata":{"name":"p","namespace":"default"},"spec":{{{spec}}}}""";
        return Attributes("", "pods", "Pod", Json(spec), old is null ? null : Json(old), subresource);
    }

    private async Task ValidateAsync(AdmissionAttributes attributes) => await _plugin.ValidateAsync(attributes, CancellationToken.None);

    private static AdmissionAttributes Attributes(string group, string resource, string kind, string json, string? old = null, string subresource = "")
    {
        var value = JsonNode.Parse(json)!.AsObject();
        var isNamespaced = kind != "Namespace";
        return new()
        {
            Operation = old is null ? AdmissionOperation.Create : AdmissionOperation.Update,
            Resource = new ResourceInfo { Resource = new(group, "v1", resource), Kind = kind, Singular = "", Namespaced = isNamespaced, Verbs = [], Schema = new TypeSchema { Name = kind } },
            Request = new() { Verb = old is null ? "create" : "update", Path = "", IsResourceRequest = true, Version = "v1", Resource = resource, Subresource = subresource, Namespace = isNamespaced ? "default" : "", Name = value["metadata"]!["name"]!.GetValue<string>() },
            User = new UserInfo("jane", []),
            Object = value,
            OldObject = old is null ? null : JsonNode.Parse(old)!.AsObject(),
        };
    }
}
