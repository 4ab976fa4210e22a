using System.Text;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Kubelet.Environment;

namespace LiteKube.Kubelet.Tests.Environment;

public sealed class EnvironmentTests
{
    private readonly FakeObjects _objects = new();
    private readonly ListInformer<V1Service> _services = new();

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("$(A)-$(B)", "a-b")]
    [InlineData("$$(A)", "$(A)")]
    [InlineData("$$$$(A)", "$$(A)")]
    [InlineData("$$$(A)", "$a")]
    [InlineData("$(MISSING)", "$(MISSING)")]
    [InlineData("$(A", "$(A")]
    [InlineData("100$", "100$")]
    [InlineData("$A $1", "$A $1")]
    [InlineData("$(EMPTY)|", "|")]
    [InlineData("$()", "$()")]
    public void Expansion_replaces_known_names_and_leaves_the_rest(string text, string expected)
    {
        var variables = new Dictionary<string, string> { ["A"] = "a", ["B"] = "b", ["EMPTY"] = "" };
        Assert.Equal(expected, VariableExpansion.Expand(text, variables.GetValueOrDefault));
    }

    [Fact]
    public void Labels_are_written_sorted_and_quoted_as_Go_quotes()
    {
        var labels = new Dictionary<string, string> { ["b"] = "x\"y\\", ["a"] = "line\nnext\té\u0001\u200b" };
        Assert.Equal("a=\"line\\nnext\\té\\x01\\u200b\"\nb=\"x\\\"y\\\\\"", FieldPaths.FormatMap(labels));
    }

    [Fact]
    public async Task Later_sources_win_and_every_kind_of_source_is_read()
    {
        _objects.ConfigMaps["conf"] = new V1ConfigMap { Data = new Dictionary<string, string> { ["KEY"] = "from-config", ["other.key"] = "o" } };
        _objects.Secrets["sec"] = new V1Secret { Data = new Dictionary<string, byte[]> { ["PASS"] = Encoding.UTF8.GetBytes("s3cret") } };
        var pod = Pod(new V1Container
        {
            Name = "c",
            EnvFrom =
            [
                new V1EnvFromSource { ConfigMapRef = new V1ConfigMapEnvSource { Name = "conf" } },
                new V1EnvFromSource { Prefix = "P_", SecretRef = new V1SecretEnvSource { Name = "sec" } },
                new V1EnvFromSource { SecretRef = new V1SecretEnvSource { Name = "absent", Optional = true } },
            ],
            Env =
            [
                new V1EnvVar { Name = "KEY", Value = "own $(P_PASS)" },
                From("NAME", new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { FieldPath = "metadata.name" } }),
                From("APP", new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { FieldPath = "metadata.labels['app']" } }),
                From("NONE", new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { FieldPath = "metadata.annotations['none']" } }),
                From("IPS", new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { FieldPath = "status.podIPs" } }),
                From("HOST", new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { FieldPath = "status.hostIP" } }),
                From("CPU", new V1EnvVarSource { ResourceFieldRef = new V1ResourceFieldSelector { Resource = "limits.cpu" } }),
                From("CPU_M", new V1EnvVarSource { ResourceFieldRef = new V1ResourceFieldSelector { Resource = "limits.cpu", Divisor = "1m" } }),
                From("MEM_MI", new V1EnvVarSource { ResourceFieldRef = new V1ResourceFieldSelector { Resource = "requests.memory", Divisor = "1Mi" } }),
                From("NODE_MEM", new V1EnvVarSource { ResourceFieldRef = new V1ResourceFieldSelector { Resource = "limits.memory", Divisor = "1Gi" } }),
                From("OPTIONAL", new V1EnvVarSource { ConfigMapKeyRef = new V1ConfigMapKeySelector { Name = "conf", Key = "absent", Optional = true } }),
                From("SECRET", new V1EnvVarSource { SecretKeyRef = new V1SecretKeySelector { Name = "sec", Key = "PASS" } }),
            ],
            Command = ["run", "$(NAME)"],
            Args = ["$(WEB_SERVICE_HOST)", "$$(NAME)", "$(NOBODY)"],
            Resources = new V1ResourceRequirements
            {
                Limits = new Dictionary<string, ResourceQuantity> { ["cpu"] = "1250m" },
                Requests = new Dictionary<string, ResourceQuantity> { ["memory"] = "100M" },
            },
        });
        _services.Items.Add(Service("default", "kubernetes", "10.152.183.1", (443, "https", "TCP")));
        _services.Items.Add(Service("ns", "web", "10.152.183.9", (80, "http", "TCP"), (53, "1-dns", "UDP")));
        _services.Items.Add(Service("ns", "headless", "None", (80, "", "TCP")));
        _services.Items.Add(Service("elsewhere", "hidden", "10.152.183.8", (80, "", "TCP")));

        var result = await Build(pod);

        Assert.Equal(
            """
            KEY=own s3cret
            other.key=o
            P_PASS=s3cret
            NAME=pod-a
            APP=web
            NONE=
            IPS=10.1.0.5,fd00::5
            HOST=192.0.2.1
            CPU=2
            CPU_M=1250
            MEM_MI=96
            NODE_MEM=8
            SECRET=s3cret
            KUBERNETES_SERVICE_HOST=10.152.183.1
            KUBERNETES_SERVICE_PORT=443
            KUBERNETES_SERVICE_PORT_HTTPS=443
            KUBERNETES_PORT=tcp://10.152.183.1:443
            KUBERNETES_PORT_443_TCP=tcp://10.152.183.1:443
            KUBERNETES_PORT_443_TCP_PROTO=tcp
            KUBERNETES_PORT_443_TCP_PORT=443
            KUBERNETES_PORT_443_TCP_ADDR=10.152.183.1
            WEB_SERVICE_HOST=10.152.183.9
            WEB_SERVICE_PORT=80
            WEB_SERVICE_PORT_HTTP=80
            WEB_SERVICE_PORT__1_DNS=53
            WEB_PORT=tcp://10.152.183.9:80
            WEB_PORT_80_TCP=tcp://10.152.183.9:80
            WEB_PORT_80_TCP_PROTO=tcp
            WEB_PORT_80_TCP_PORT=80
            WEB_PORT_80_TCP_ADDR=10.152.183.9
            WEB_PORT_53_UDP=udp://10.152.183.9:53
            WEB_PORT_53_UDP_PROTO=udp
            WEB_PORT_53_UDP_PORT=53
            WEB_PORT_53_UDP_ADDR=10.152.183.9
            """, string.Join('\n', result.Variables.Select(v => $"{v.Key}={v.Value}")));
        Assert.Equal(["run", "pod-a"], result.Command);
        Assert.Equal(["10.152.183.9", "$(NAME)", "$(NOBODY)"], result.Args);
    }

    [Fact]
    public async Task Without_service_links_only_the_API_server_is_told()
    {
        var pod = Pod(new V1Container { Name = "c" });
        pod.Spec.EnableServiceLinks = false;
        _services.Items.Add(Service("default", "kubernetes", "10.152.183.1", (443, "https", "TCP")));
        _services.Items.Add(Service("ns", "web", "10.152.183.9", (80, "http", "TCP")));

        var result = await Build(pod);

        Assert.All(result.Variables, v => Assert.StartsWith("KUBERNETES_", v.Key, StringComparison.Ordinal));
        Assert.NotEmpty(result.Variables);
    }

    [Theory]
    [InlineData("configmap", "absent", "k", "configmap \"absent\" not found")]
    [InlineData("configmap", "conf", "k", "couldn't find key k in ConfigMap ns/conf")]
    [InlineData("secret", "absent", "k", "secret \"absent\" not found")]
    [InlineData("secret", "sec", "k", "couldn't find key k in Secret ns/sec")]
    public async Task What_is_missing_is_told_in_the_kubelets_words(string kind, string name, string key, string expected)
    {
        _objects.ConfigMaps["conf"] = new V1ConfigMap();
        _objects.Secrets["sec"] = new V1Secret();
        var source = kind == "secret"
            ? new V1EnvVarSource { SecretKeyRef = new V1SecretKeySelector { Name = name, Key = key } }
            : new V1EnvVarSource { ConfigMapKeyRef = new V1ConfigMapKeySelector { Name = name, Key = key } };

        var error = await Assert.ThrowsAsync<ConfigException>(() => Build(Pod(new V1Container { Name = "c", Env = [From("X", source)] })));

        Assert.Equal(expected, error.Message);
    }

    private Task<ContainerEnv> Build(V1Pod pod)
    {
        var environment = new ContainerEnvironment(_objects, _services, TestOptions.In("/nowhere"), () => new Dictionary<string, ResourceQuantity> { ["cpu"] = "4", ["memory"] = "8Gi" });
        return environment.BuildAsync(pod, pod.Spec.Containers[0], ["10.1.0.5", "fd00::5"], ["192.0.2.1"], CancellationToken.None);
    }

    private static V1EnvVar From(string name, V1EnvVarSource source) => new() { Name = name, ValueFrom = source };

    private static V1Pod Pod(V1Container container) => new()
    {
        Metadata = new V1ObjectMeta { Name = "pod-a", NamespaceProperty = "ns", Uid = "u1", Labels = new Dictionary<string, string> { ["app"] = "web" } },
        Spec = new V1PodSpec { Containers = [container] },
    };

    private static V1Service Service(string ns, string name, string ip, params (int Port, string Name, string Protocol)[] ports) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = ns },
        Spec = new V1ServiceSpec { ClusterIP = ip, Ports = [.. ports.Select(p => new V1ServicePort { Port = p.Port, Name = p.Name, Protocol = p.Protocol })] },
    };

    private sealed class FakeObjects : IPodObjects
    {
        public Dictionary<string, V1ConfigMap> ConfigMaps { get; } = [];
        public Dictionary<string, V1Secret> Secrets { get; } = [];

        public Task<V1ConfigMap?> FindConfigMapAsync(string ns, string name, CancellationToken cancellationToken) => Task.FromResult(ConfigMaps.GetValueOrDefault(name));
        public Task<V1Secret?> FindSecretAsync(string ns, string name, CancellationToken cancellationToken) => Task.FromResult(Secrets.GetValueOrDefault(name));
    }

    private sealed class ListInformer<T> : IInformer<T> where T : class, k8s.IKubernetesObject<V1ObjectMeta>
    {
        public List<T> Items { get; } = [];
        public ulong Version => 0;
        public bool HasSynced => true;
        public Task WaitForSyncAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public T? Find(ObjectKey key) => Items.Find(i => ObjectKey.Of(i) == key);
        public IReadOnlyCollection<T> List(string? ns = null) => Items;
        public void AddIndex(string name, Func<T, IEnumerable<string>> keys) => throw new NotSupportedException();
        public IReadOnlyCollection<T> ByIndex(string index, string key) => throw new NotSupportedException();
        public IDisposable AddHandler(InformerHandler<T> handler) => throw new NotSupportedException();
    }
}
