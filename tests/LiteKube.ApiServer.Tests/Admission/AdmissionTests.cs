using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Authentication;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Admission;

public sealed class AdmissionTests
{
    private static readonly UserInfo Jane = new("jane", []);
    private static readonly UserInfo Node1 = new("system:node:n1", [UserInfo.NodesGroup]);

    private readonly InMemoryObjects _objects = new();

    [Fact]
    public async Task A_pod_without_its_service_account_is_told_which_one_is_missing()
    {
        var error = await Assert.ThrowsAsync<ApiException>(() => MutateAsync(new ServiceAccountAdmission(_objects), Pod("p", "{}")));
        Assert.Equal("pods \"p\" is forbidden: error looking up service account default/default: serviceaccount \"default\" not found", error.Message);
    }

    [Fact]
    public async Task Limits_fill_what_containers_leave_out_and_bound_the_rest()
    {
        _objects.Put("""{"kind":"LimitRange","apiVersion":"v1","metadata":{"name":"l","namespace":"default"},"spec":{"limits":[{"type":"Container","default":{"cpu":"500m"},"defaultRequest":{"cpu":"100m"},"max":{"cpu":"1"},"min":{"cpu":"50m"}}]}}""");
        var plugin = new LimitRanger(_objects);
        var pod = await MutateAsync(plugin, Pod("p", """{"containers":[{"name":"c"}]}"""));
        Assert.Equal("""{"requests":{"cpu":"100m"},"limits":{"cpu":"500m"}}""", pod["spec"]!["containers"]![0]!["resources"]!.ToJsonString());
        var error = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(plugin, Pod("p", """{"containers":[{"name":"c","resources":{"limits":{"cpu":"2"},"requests":{"cpu":"10m"}}}]}""")));
        Assert.Equal("pods \"p\" is forbidden: [minimum cpu usage per Container is 50m, but request is 10m, maximum cpu usage per Container is 1, but limit is 2]", error.Message);
    }

    [Fact]
    public async Task Two_requests_at_once_cannot_both_take_the_last_place_of_a_quota()
    {
        _objects.Put("""{"kind":"ResourceQuota","apiVersion":"v1","metadata":{"name":"q","namespace":"default"},"spec":{"hard":{"pods":"5","requests.cpu":"4"}}}""");
        var time = new FakeTimeProvider();
        var plugin = new ResourceQuotaAdmission(_objects, time);
        const string Small = """{"containers":[{"name":"c","resources":{"requests":{"cpu":"500m"}}}]}""";
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(async () =>
        {
            try
            {
                await ValidateAsync(plugin, Pod($"p{i}", Small));
                return null;
            }
            catch (ApiException e)
            {
                return e.Message;
            }
        })));
        Assert.Equal(5, results.Count(r => r is null));
        Assert.All(results.OfType<string>(), m => Assert.EndsWith("is forbidden: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5", m, StringComparison.Ordinal));
        // None of them was written after all.
        time.Advance(TimeSpan.FromSeconds(6));
        var big = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(plugin, Pod("big", """{"containers":[{"name":"c","resources":{"requests":{"cpu":"5"}}}]}""")));
        Assert.Equal("pods \"big\" is forbidden: exceeded quota: q, requested: requests.cpu=5, used: requests.cpu=0, limited: requests.cpu=4", big.Message);
        var silent = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(plugin, Pod("silent", """{"containers":[{"name":"c"}]}""")));
        Assert.Equal("pods \"silent\" is forbidden: failed quota: q: must specify requests.cpu for: c", silent.Message);
    }

    [Fact]
    public async Task A_priority_class_gives_its_number_and_an_unknown_one_is_refused()
    {
        _objects.Put("""{"kind":"PriorityClass","apiVersion":"scheduling.k8s.io/v1","metadata":{"name":"high"},"value":1000,"preemptionPolicy":"Never"}""");
        var pod = await MutateAsync(new Priority(_objects), Pod("p", """{"priorityClassName":"high"}"""));
        Assert.Equal((1000, "Never"), (pod["spec"]!["priority"]!.GetValue<long>(), pod["spec"]!["preemptionPolicy"]!.GetValue<string>()));
        var error = await Assert.ThrowsAsync<ApiException>(() => MutateAsync(new Priority(_objects), Pod("p", """{"priorityClassName":"none"}""")));
        Assert.Equal("pods \"p\" is forbidden: no PriorityClass with name none was found", error.Message);
    }

    [Fact]
    public async Task A_node_writes_itself_and_no_other_and_only_mirror_pods()
    {
        var plugin = new NodeRestriction(_objects);
        var other = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(plugin, Attributes("nodes", "Node", """{"metadata":{"name":"n2"}}""", Node1)));
        Assert.Equal("nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\"", other.Message);
        var label = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(plugin, Attributes("nodes", "Node", """{"metadata":{"name":"n1","labels":{"node-restriction.kubernetes.io/x":"y"}}}""", Node1)));
        Assert.Contains("is not allowed to modify labels: node-restriction.kubernetes.io/x", label.Message, StringComparison.Ordinal);
        await ValidateAsync(plugin, Attributes("nodes", "Node", """{"metadata":{"name":"n1","labels":{"kubernetes.io/hostname":"n1","custom":"y"}}}""", Node1));
        var pod = await Assert.ThrowsAsync<ApiException>(() => ValidateAsync(plugin, Attributes("pods", "Pod", """{"metadata":{"name":"p"},"spec":{"nodeName":"n1"}}""", Node1)));
        Assert.Contains("can only create mirror pods", pod.Message, StringComparison.Ordinal);
        await ValidateAsync(plugin, Attributes("nodes", "Node", """{"metadata":{"name":"n2"}}""", Jane));
    }

    private static async Task<JsonObject> MutateAsync(IAdmissionPlugin plugin, AdmissionAttributes attributes)
    {
        await plugin.MutateAsync(attributes, CancellationToken.None);
        return attributes.Object!;
    }

    private static async Task ValidateAsync(IAdmissionPlugin plugin, AdmissionAttributes attributes) => await plugin.ValidateAsync(attributes, CancellationToken.None);

    private static AdmissionAttributes Pod(string name, string spec) => Attributes("pods", "Pod", $$$"""{"metadata":{"name":"{{{name}}}","namespace":"default"},"spec":{{{spec}}}}""", Jane);

    private static AdmissionAttributes Attributes(string resource, string kind, string json, UserInfo user)
    {
        var value = JsonNode.Parse(json)!.AsObject();
        var isNamespaced = kind != "Node";
        return new()
        {
            Operation = AdmissionOperation.Create,
            Resource = new ResourceInfo { Resource = new("", "v1", resource), Kind = kind, Singular = "", Namespaced = isNamespaced, Verbs = [], Schema = new TypeSchema { Name = kind } },
            Request = new() { Verb = "create", Path = "", IsResourceRequest = true, Version = "v1", Resource = resource, Namespace = isNamespaced ? "default" : "", Name = value["metadata"]!["name"]!.GetValue<string>() },
            User = user,
            Object = value,
        };
    }
}
