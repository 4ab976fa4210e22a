using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Registry.Strategies;

/// <summary>Objects in, Kubernetes' own words out, through the whole server.</summary>
public sealed class StrategyGoldenTests(StrategyGoldenTests.Fixture fixture) : IClassFixture<StrategyGoldenTests.Fixture>
{
    private const string Container = """{"name":"c","image":"busybox"}""";
    private const string Template = """{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"busybox"}]}}""";

    private static readonly (string Path, string Body, string Message)[] Refused =
    [
        ("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[]}}""", """Pod "p" is invalid: spec.containers: Required value"""),
        ("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"A_b","image":""}]}}""", """Pod "p" is invalid: [spec.containers[0].name: Invalid value: "A_b": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'), spec.containers[0].image: Required value]"""),
        ("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}}]}}""", """Pod "p" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"""),
        ("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/v"}]}]}}""", """Pod "p" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "v"."""),
        ("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"restartPolicy":"Sometimes","containers":[{"name":"c","image":"i"}]}}""", """Pod "p" is invalid: spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"."""),
        ("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}],"volumes":[{"name":"v","hostPath":{"path":"/a"},"configMap":{"name":"m"}}]}}""", """Pod "p" is invalid: spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type"""),
        ("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","livenessProbe":{"successThreshold":2,"tcpSocket":{"port":80}}}]}}""", """Pod "p" is invalid: spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"""),
        ("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"tolerations":[{"key":"k","operator":"Exists","value":"v"}],"securityContext":{"sysctls":[{"name":"foo-","value":"x"}]},"containers":[{"name":"c","image":"i"}]}}""", "spec.securityContext.sysctls[0].name: Invalid value: \"foo-\": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"),
        ("/apis/apps/v1/namespaces/default/deployments", $$$$"""{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"app":"y"}},"template":{{{{Template}}}}}}""", """Deployment.apps "d" is invalid: spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`"""),
        ("/apis/apps/v1/namespaces/default/deployments", $$$$"""{"metadata":{"name":"d"},"spec":{"replicas":-1,"selector":{"matchLabels":{"app":"x"}},"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":0,"maxUnavailable":0}},"template":{{{{Template}}}}}}""", """Deployment.apps "d" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0]"""),
        ("/apis/batch/v1/namespaces/default/jobs", $$$$"""{"metadata":{"name":"j"},"spec":{"template":{{{{Template}}}}}}""", """Job.batch "j" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"."""),
        ("/apis/batch/v1/namespaces/default/cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"* * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}}""", """CronJob.batch "c" is invalid: spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]"""),
        ("/api/v1/namespaces/default/services", """{"metadata":{"name":"s"},"spec":{"selector":{"a":"b"}}}""", """Service "s" is invalid: spec.ports: Required value"""),
        ("/api/v1/namespaces/default/services", """{"metadata":{"name":"s"},"spec":{"clusterIP":"10.152.183.1","ports":[{"port":80}]}}""", """Service "s" is invalid: spec.clusterIPs: Invalid value: ["10.152.183.1"]: failed to allocate IP 10.152.183.1: provided IP is already allocated"""),
        ("/api/v1/namespaces/default/services", """{"metadata":{"name":"s"},"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":80}]}}""", """Service "s" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767"""),
        ("/api/v1/namespaces/default/services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80},{"port":81,"name":"b"}]}}""", """Service "s" is invalid: spec.ports[0].name: Required value"""),
        ("/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"c"},"data":{"":"x"}}""", """ConfigMap "c" is invalid: data[]: Invalid value: "": a valid config key must consist of alphanumeric characters"""),
        ("/api/v1/namespaces/default/secrets", """{"metadata":{"name":"t"},"type":"kubernetes.io/tls","stringData":{"tls.crt":"x"}}""", """Secret "t" is invalid: data[tls.key]: Required value"""),
        ("/apis/networking.k8s.io/v1/namespaces/default/ingresses", """{"metadata":{"name":"i"},"spec":{"rules":[{"http":{"paths":[{"path":"x","pathType":"Prefix","backend":{"service":{"name":"s"}}}]}}]}}""", """Ingress.networking.k8s.io "i" is invalid: [spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path, spec.rules[0].http.paths[0].backend: Required value: port name or number is required]"""),
        ("/apis/policy/v1/namespaces/default/poddisruptionbudgets", """{"metadata":{"name":"p"},"spec":{"minAvailable":1,"maxUnavailable":1}}""", "minAvailable and maxUnavailable cannot be both set"),
        ("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", """{"metadata":{"name":"r"},"rules":[{"verbs":[],"apiGroups":[""],"resources":["pods"]}]}""", """Role.rbac.authorization.k8s.io "r" is invalid: rules[0].verbs: Required value: verbs must contain at least one value"""),
        ("/apis/scheduling.k8s.io/v1/priorityclasses", """{"metadata":{"name":"big"},"value":2000000000}""", """PriorityClass.scheduling.k8s.io "big" is invalid: value: Forbidden: maximum allowed value of a user defined priority is 1000000000"""),
        ("/api/v1/namespaces/default/persistentvolumeclaims", """{"metadata":{"name":"p"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"0"}}}}""", """PersistentVolumeClaim "p" is invalid: spec.resources[storage]: Invalid value: "0": must be greater than zero"""),
        ("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", """{"metadata":{"name":"e"},"addressType":"IPv4","endpoints":[{"addresses":["fe80::1"]}]}""", """EndpointSlice.discovery.k8s.io "e" is invalid: [endpoints[0].addresses[0]: Invalid value: "fe80::1": must be an IPv4 address, endpoints[0].addresses[0]: Invalid value: "fe80::1": may not be in the link-local range (169.254.0.0/16, fe80::/10)]"""),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Refused.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_bad_object_is_refused_in_Kubernetes_words(int index)
    {
        var (path, body, message) = Refused[index];
        var answer = await fixture.Server.PostAsync(path, body);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Contains(message.TrimEnd('.'), answer.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_begins_pending_and_only_little_of_it_changes()
    {
        const string Pods = "/api/v1/namespaces/default/pods";
        var created = await fixture.Server.PostAsync(Pods, $$$$"""{"metadata":{"name":"web"},"spec":{"containers":[{{{{Container}}}}]},"status":{"phase":"Running"}}""");
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("Pending", created.Json["status"]!["phase"]!.GetValue<string>());
        Assert.Equal("BestEffort", created.Json["status"]!["qosClass"]!.GetValue<string>());
        var spec = created.Json["spec"]!;
        Assert.Equal("default", spec["serviceAccountName"]!.GetValue<string>());
        Assert.Equal("/var/run/secrets/kubernetes.io/serviceaccount", spec["containers"]![0]!["volumeMounts"]![0]!["mountPath"]!.GetValue<string>());
        Assert.Equal(2, spec["tolerations"]!.AsArray().Count);
        Assert.Equal(0, spec["priority"]!.GetValue<int>());

        var image = await fixture.Server.PatchAsync($"{Pods}/web", """{"spec":{"activeDeadlineSeconds":30}}""");
        Assert.Equal(HttpStatusCode.OK, image.StatusCode);
        var host = await fixture.Server.PatchAsync($"{Pods}/web", """{"spec":{"hostname":"other"}}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, host.StatusCode);
        Assert.Contains("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`", host.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
        var deadline = await fixture.Server.PatchAsync($"{Pods}/web", """{"spec":{"activeDeadlineSeconds":60}}""");
        Assert.Contains("must be less than or equal to previous value", deadline.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await fixture.Server.DeleteAsync($"{Pods}/web")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await fixture.Server.GetAsync($"{Pods}/web")).StatusCode);
    }

    [Fact]
    public async Task A_service_gets_keeps_and_gives_back_its_address_and_ports()
    {
        const string Services = "/api/v1/namespaces/default/services";
        var created = (await fixture.Server.PostAsync(Services, """{"metadata":{"name":"web"},"spec":{"type":"NodePort","ports":[{"name":"a","port":80},{"name":"b","port":80,"protocol":"UDP"}]}}""")).Json;
        var (address, port) = (created["spec"]!["clusterIP"]!.GetValue<string>(), created["spec"]!["ports"]![0]!["nodePort"]!.GetValue<int>());
        Assert.StartsWith("10.152.183.", address, StringComparison.Ordinal);
        Assert.Equal(address, created["spec"]!["clusterIPs"]![0]!.GetValue<string>());
        Assert.Equal(port, created["spec"]!["ports"]![1]!["nodePort"]!.GetValue<int>());
        Assert.Equal("SingleStack", created["spec"]!["ipFamilyPolicy"]!.GetValue<string>());

        var replaced = (await fixture.Server.PutAsync($"{Services}/web", """{"metadata":{"name":"web"},"spec":{"type":"NodePort","ports":[{"name":"a","port":80}]}}""")).Json;
        Assert.Equal((address, port), (replaced["spec"]!["clusterIP"]!.GetValue<string>(), replaced["spec"]!["ports"]![0]!["nodePort"]!.GetValue<int>()));

        var taken = await fixture.Server.PostAsync(Services, $$$"""{"metadata":{"name":"thief"},"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":{{{port}}}}]}}""");
        Assert.Equal($"Service \"thief\" is invalid: spec.ports[0].nodePort: Invalid value: {port}: provided port is already allocated", taken.Json["message"]!.GetValue<string>());

        var external = (await fixture.Server.PatchAsync($"{Services}/web", """{"spec":{"type":"ExternalName","externalName":"example.com"}}""")).Json;
        Assert.Null(external["spec"]!["clusterIP"]);
        Assert.Equal(HttpStatusCode.Created, (await fixture.Server.PostAsync(Services, $$$"""{"metadata":{"name":"heir"},"spec":{"clusterIP":"{{{address}}}","type":"NodePort","ports":[{"port":80,"nodePort":{{{port}}}}]}}""")).StatusCode);
        await fixture.Server.DeleteAsync($"{Services}/heir");
        await fixture.Server.DeleteAsync($"{Services}/web");
    }

    [Fact]
    public async Task A_namespace_goes_through_terminating_and_takes_nothing_new()
    {
        var created = (await fixture.Server.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"going"}}""")).Json;
        Assert.Equal("Active", created["status"]!["phase"]!.GetValue<string>());
        Assert.Equal("kubernetes", created["spec"]!["finalizers"]![0]!.GetValue<string>());
        await fixture.Server.DeleteAsync("/api/v1/namespaces/going");
        Assert.Equal("Terminating", (await fixture.Server.GetAsync("/api/v1/namespaces/going")).Json["status"]!["phase"]!.GetValue<string>());
        var late = await fixture.Server.PostAsync("/api/v1/namespaces/going/configmaps", """{"metadata":{"name":"late"}}""");
        Assert.Equal(HttpStatusCode.Forbidden, late.StatusCode);
        Assert.Equal("configmaps \"late\" is forbidden: unable to create new content in namespace going because it is being terminated", late.Json["message"]!.GetValue<string>());
        Assert.Equal("NamespaceTerminating", late.Json["details"]!["causes"]![0]!["reason"]!.GetValue<string>());
        var missing = await fixture.Server.PostAsync("/api/v1/namespaces/nowhere/configmaps", """{"metadata":{"name":"c"}}""");
        Assert.Equal("namespaces \"nowhere\" not found", missing.Json["message"]!.GetValue<string>());
        var immortal = await fixture.Server.DeleteAsync("/api/v1/namespaces/default");
        Assert.Equal("namespaces \"default\" is forbidden: this namespace may not be deleted", immortal.Json["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_job_selects_its_pods_by_its_own_uid()
    {
        var job = (await fixture.Server.PostAsync("/apis/batch/v1/namespaces/default/jobs", """{"metadata":{"name":"once"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""")).Json;
        var uid = job["metadata"]!["uid"]!.GetValue<string>();
        Assert.Equal(uid, job["spec"]!["selector"]!["matchLabels"]!["batch.kubernetes.io/controller-uid"]!.GetValue<string>());
        Assert.Equal("once", job["spec"]!["template"]!["metadata"]!["labels"]!["job-name"]!.GetValue<string>());
    }

    [Fact]
    public async Task Immutable_data_and_selectors_stay_as_they_are()
    {
        await fixture.Server.PostAsync("/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"fixed"},"data":{"a":"1"},"immutable":true}""");
        var changed = await fixture.Server.PatchAsync("/api/v1/namespaces/default/configmaps/fixed", """{"data":{"a":"2"}}""");
        Assert.Equal("ConfigMap \"fixed\" is invalid: data: Forbidden: field is immutable when `immutable` is set", changed.Json["message"]!.GetValue<string>());
        await fixture.Server.PostAsync("/apis/apps/v1/namespaces/default/deployments", $$$$"""{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"app":"x"}},"template":{{{{Template}}}}}}""");
        var moved = await fixture.Server.PatchAsync("/apis/apps/v1/namespaces/default/deployments/d", """{"spec":{"selector":{"matchLabels":{"app":"z"}},"template":{"metadata":{"labels":{"app":"z"}}}}}""");
        Assert.Contains("spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"z\"}}: field is immutable", moved.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    public sealed class Fixture : IAsyncLifetime
    {
        public TestApiServer Server { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Server = await TestApiServer.StartAsync();
            var account = await Server.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
            Assert.Equal(HttpStatusCode.Created, account.StatusCode);
        }

        public async Task DisposeAsync() => await Server.DisposeAsync();
    }
}
