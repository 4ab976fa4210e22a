using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Authentication;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Admission;

public sealed class QuotaTests
{
    private const string Default = "/api/v1/namespaces/default";

    private static readonly UserInfo Admin = new("admin", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);

    private static async Task<int> CreateAsync(TestApiServer server, string path, string body) =>
        (await server.Server.ExecuteAsync(new InProcessRequest("POST", path, Admin, Encoding.UTF8.GetBytes(body), "application/json"), CancellationToken.None)).StatusCode;

    private static string ConfigMap(int i) => $$$"""{"metadata":{"name":"c{{{i}}}"},"data":{"k":"v"}}""";

    private static async Task QuotaAsync(TestApiServer server, string name, string spec) =>
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync($"{Default}/resourcequotas", $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{{{spec}}}}""")).StatusCode);

    [Fact]
    public async Task The_5000th_object_costs_no_more_than_twice_the_50th()
    {
        await using var server = await TestApiServer.StartAsync();
        await QuotaAsync(server, "q", """{"hard":{"count/configmaps":"6000"}}""");

        var plugin = new ResourceQuotaAdmission(server.Server.Objects, TimeProvider.System);
        var attributes = new AdmissionAttributes
        {
            Operation = AdmissionOperation.Create,
            Resource = ResourceCatalog.BuiltIn.Resources.Single(r => r.Resource == new GroupVersionResource("", "v1", "configmaps")),
            Request = new RequestInfo { Verb = "create", Path = "", IsResourceRequest = true, Version = "v1", Resource = "configmaps", Namespace = "default", Name = "asked" },
            User = Admin,
            Object = JsonNode.Parse("""{"metadata":{"name":"asked"}}""")!.AsObject(),
            DryRun = true,
        };

        await CreateRangeAsync(0, 50);
        var early = await CostAsync(50, 60);
        await CreateRangeAsync(60, 4900);
        var late = await CostAsync(4900, 4910);

        // Counting the objects anew would allocate for each of them.
        Assert.True(late < 2 * early, $"asking the quota costs {early} bytes when there are 50 objects and {late} when there are 4,900");

        // The least of some rounds: the first one counts what came before.
        async Task<long> CostAsync(int from, int to)
        {
            var least = long.MaxValue;
            for (var i = from; i < to; i++)
            {
                Assert.Equal(201, await CreateAsync(server, $"{Default}/configmaps", ConfigMap(i)));
                least = Math.Min(least, Allocated());
            }
            return least;
        }

        long Allocated()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var asked = plugin.ValidateAsync(attributes, CancellationToken.None);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(asked.IsCompletedSuccessfully);
            return allocated;
        }

        Task CreateRangeAsync(int from, int to) => Parallel.ForEachAsync(Enumerable.Range(from, to - from), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
            Assert.Equal(201, await CreateAsync(server, $"{Default}/configmaps", ConfigMap(i))));
    }

    [Fact]
    public async Task Writers_at_once_share_what_is_left_exactly()
    {
        await using var server = await TestApiServer.StartAsync();
        for (var i = 0; i < 10; i++) Assert.Equal(201, await CreateAsync(server, $"{Default}/configmaps", ConfigMap(i)));
        await QuotaAsync(server, "q", """{"hard":{"configmaps":"30"}}""");

        var codes = await Task.WhenAll(Enumerable.Range(100, 60).Select(i => Task.Run(() => CreateAsync(server, $"{Default}/configmaps", ConfigMap(i)))));

        Assert.Equal(20, codes.Count(c => c == 201));
        Assert.Equal(40, codes.Count(c => c == 403));
        // What goes makes room at once.
        var first = (string?)(await server.GetAsync($"{Default}/configmaps")).Json["items"]![0]!["metadata"]!["name"];
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{Default}/configmaps/{first}")).StatusCode);
        Assert.Equal(201, await CreateAsync(server, $"{Default}/configmaps", ConfigMap(500)));
        var refused = await server.PostAsync($"{Default}/configmaps", ConfigMap(501));
        Assert.Equal("configmaps \"c501\" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=30, limited: configmaps=30", (string?)refused.Json["message"]);
    }

    [Fact]
    public async Task An_update_counts_by_what_it_adds_and_a_quota_that_comes_later_counts_what_is_there()
    {
        await using var server = await TestApiServer.StartAsync();
        await QuotaAsync(server, "q", """{"hard":{"services":"3","services.nodeports":"1"}}""");
        foreach (var name in (string[])["a", "b"])
            Assert.Equal(201, await CreateAsync(server, $"{Default}/services", $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"ports":[{"port":80}]}}"""));

        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{Default}/services/a", """{"spec":{"type":"NodePort"}}""")).StatusCode);
        var second = await server.PatchAsync($"{Default}/services/b", """{"spec":{"type":"NodePort"}}""");
        Assert.Equal(HttpStatusCode.Forbidden, second.StatusCode);
        Assert.Equal("services \"b\" is forbidden: exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1", (string?)second.Json["message"]);
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{Default}/services/a", """{"spec":{"type":"ClusterIP","ports":[{"port":80,"nodePort":null}]}}""")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{Default}/services/b", """{"spec":{"type":"NodePort"}}""")).StatusCode);
    }

    [Fact]
    public async Task Scopes_are_counted_apart_whenever_they_come()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync($"{Default}/serviceaccounts", """{"metadata":{"name":"default"}}""");
        await QuotaAsync(server, "all", """{"hard":{"pods":"10"}}""");
        foreach (var (name, limit) in ((string, string)[])[("idle", ""), ("timed", ""","activeDeadlineSeconds":5""")])
            Assert.Equal(201, await CreateAsync(server, $"{Default}/pods", Pod(name, limit)));
        await QuotaAsync(server, "timed", """{"hard":{"pods":"1"},"scopes":["Terminating"]}""");

        Assert.Equal(201, await CreateAsync(server, $"{Default}/pods", Pod("other", "")));
        var refused = await server.PostAsync($"{Default}/pods", Pod("late", ""","activeDeadlineSeconds":5"""));

        Assert.Equal("pods \"late\" is forbidden: exceeded quota: timed, requested: pods=1, used: pods=1, limited: pods=1", (string?)refused.Json["message"]);
        // A pod that is done counts no more.
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{Default}/pods/timed/status", """{"status":{"phase":"Succeeded"}}""")).StatusCode);
        Assert.Equal(201, await CreateAsync(server, $"{Default}/pods", Pod("late", ""","activeDeadlineSeconds":5""")));

        static string Pod(string name, string more) => $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"containers":[{"name":"c","image":"i"}]{{{more}}}}}""";
    }

    [Fact]
    public async Task Claims_count_the_devices_of_each_class_that_they_may_get()
    {
        const string Gold = "gold.deviceclass.resource.k8s.io/devices";
        const string Claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
        await using var server = await TestApiServer.StartAsync();
        await QuotaAsync(server, "q", $$"""{"hard":{"{{Gold}}":"40","count/resourceclaims.resource.k8s.io":"9"} }""");
        Assert.Equal(201, await CreateAsync(server, Claims, Claim("two", """{"name":"r","exactly":{"deviceClassName":"gold","count":2}},{"name":"s","exactly":{"deviceClassName":"tin","count":9}}""")));
        Assert.Equal(201, await CreateAsync(server, Claims, Claim("most", """{"name":"r","firstAvailable":[{"name":"a","deviceClassName":"gold","count":3},{"name":"b","deviceClassName":"gold"},{"name":"c","deviceClassName":"tin"}]}""")));
        Assert.Equal(201, await CreateAsync(server, Claims, Claim("all", """{"name":"r","exactly":{"deviceClassName":"gold","allocationMode":"All"}}""")));

        var refused = await server.PostAsync(Claims, Claim("more", """{"name":"r","exactly":{"deviceClassName":"gold","count":4}}"""));
        Assert.Equal($"resourceclaims.resource.k8s.io \"more\" is forbidden: exceeded quota: q, requested: {Gold}=4, used: {Gold}=37, limited: {Gold}=40", (string?)refused.Json["message"]);
        Assert.Equal(201, await CreateAsync(server, Claims, Claim("last", """{"name":"r","exactly":{"deviceClassName":"gold","count":3}}""")));

        static string Claim(string name, string requests) => $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"devices":{"requests":[{{{requests}}}]} } }""";
    }

    [Fact]
    public async Task Resizing_a_pod_is_held_to_the_quota()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync($"{Default}/serviceaccounts", """{"metadata":{"name":"default"}}""");
        await QuotaAsync(server, "q", """{"hard":{"requests.cpu":"1"}}""");
        Assert.Equal(201, await CreateAsync(server, $"{Default}/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"600m"}}}]}}"""));

        var refused = await server.PatchAsync($"{Default}/pods/p/resize", """{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"1100m"}}}]}}""", "application/strategic-merge-patch+json");
        var taken = await server.PatchAsync($"{Default}/pods/p/resize", """{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"900m"}}}]}}""", "application/strategic-merge-patch+json");

        Assert.Equal("pods \"p\" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1", (string?)refused.Json["message"]);
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
    }
}
