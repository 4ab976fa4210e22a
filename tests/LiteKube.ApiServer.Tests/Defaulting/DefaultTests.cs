using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Defaulting;

/// <summary>Every defaulting rule of Kubernetes, by an object that is created without the field.</summary>
public sealed class DefaultTests(DefaultTests.Cluster cluster) : IClassFixture<DefaultTests.Cluster>
{
    /// <summary>Rules that no created object shows.</summary>
    private static readonly string[] ShownElsewhere =
    [
        // ServiceAddressTests and StrategyGoldenTests update one.
        "core/v1 Service on type change away from ClusterIP kinds (->ExternalName)",
        // EventExpiry's own tests move the clock.
        "events v1 Event ttl",
    ];

    public static TheoryData<string> Rules()
    {
        var data = new TheoryData<string>();
        data.AddRange([.. DefaultExamples.All.SelectMany(e => e.Expectations).Select(e => e.Row)]);
        return data;
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public async Task A_field_left_out_gets_its_default(string rule)
    {
        var example = DefaultExamples.All.Single(e => e.Expectations.Any(x => x.Row == rule));
        var expected = example.Expectations.Single(x => x.Row == rule);

        var created = await cluster.Server.PostAsync(example.Path + "?dryRun=All", example.Body);

        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        var found = Find(created.Json, expected.Field);
        if (expected.Value == "*") Assert.NotNull(found);
        else Assert.Equal(expected.Value, found?.ToJsonString(Relaxed));
    }

    [RuleListFact]
    public void Every_rule_of_the_list_has_its_example()
    {
        var shown = DefaultExamples.All.SelectMany(e => e.Expectations).Select(e => e.Row).Concat(ShownElsewhere).ToHashSet(StringComparer.Ordinal);
        Assert.Equal([], File.ReadLines(ListFile!).Skip(1).Select(l => l.Split('\t')[0]).Distinct().Except(shown));
    }

    private static System.Text.Json.JsonSerializerOptions Relaxed { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string? ListFile => ApiLists.Find("defaults.tsv");

    private static JsonNode? Find(JsonNode? value, string field)
    {
        var rest = field;
        while (rest.Length > 0 && value is not null)
        {
            if (rest[0] == '[')
            {
                var end = rest.IndexOf(']', StringComparison.Ordinal);
                var key = rest[1..end];
                value = value is JsonArray list ? list[int.Parse(key, System.Globalization.CultureInfo.InvariantCulture)] : value[key];
                rest = rest[(end + 1)..].TrimStart('.');
            }
            else
            {
                var end = rest.IndexOfAny(['.', '[']);
                value = value[end < 0 ? rest : rest[..end]];
                rest = end < 0 ? "" : rest[end..].TrimStart('.');
            }
        }
        return value;
    }

    /// <summary>What admission takes defaults from is there.</summary>
    public sealed class Cluster : IAsyncLifetime
    {
        public TestApiServer Server { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Server = await TestApiServer.StartAsync();
            await CreateAsync("/api/v1/namespaces", """{"metadata":{"name":"limited"}}""");
            foreach (var ns in (string[])["default", "limited"])
                await CreateAsync($"/api/v1/namespaces/{ns}/serviceaccounts", """{"metadata":{"name":"default"},"imagePullSecrets":[{"name":"registry"}]}""");
            await CreateAsync("/api/v1/namespaces/limited/limitranges", """{"metadata":{"name":"l"},"spec":{"limits":[{"type":"Container","default":{"cpu":"500m"},"defaultRequest":{"cpu":"100m"}}]}}""");
            await CreateAsync("/apis/node.k8s.io/v1/runtimeclasses", """{"metadata":{"name":"heavy"},"handler":"h","overhead":{"podFixed":{"cpu":"250m"}}}""");
            await CreateAsync("/apis/storage.k8s.io/v1/storageclasses", """{"metadata":{"name":"usual","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},"provisioner":"example.com/p"}""");
            await CreateAsync("/apis/networking.k8s.io/v1/ingressclasses", """{"metadata":{"name":"usual","annotations":{"ingressclass.kubernetes.io/is-default-class":"true"}},"spec":{"controller":"example.com/c"}}""");
        }

        public async Task DisposeAsync() => await Server.DisposeAsync();

        private async Task CreateAsync(string path, string body)
        {
            var created = await Server.PostAsync(path, body);
            Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        }
    }

    private sealed class RuleListFactAttribute : FactAttribute
    {
        public RuleListFactAttribute()
        {
            if (ListFile is null) Skip = "no list of rules: set LITEKUBE_API_FIXTURES to the folder that holds defaults.tsv";
        }
    }
}
