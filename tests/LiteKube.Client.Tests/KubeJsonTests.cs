using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using LiteKube.Client.Json;

namespace LiteKube.Client.Tests;

public sealed class KubeJsonTests
{
    [Fact]
    public void Free_json_survives_a_round_trip()
    {
        const string Json = """{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"a"},"data":{"spec":{"k":"é \" <b>","n":[1,{}]}},"revision":1}""";
        var copy = KubeJson.Serialize(KubeJson.Deserialize<V1ControllerRevision>(Encoding.UTF8.GetBytes(Json)));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Json), JsonNode.Parse(copy)), Encoding.UTF8.GetString(copy));
    }

    [Fact]
    public void Managed_fields_are_not_kept()
    {
        const string Json = """{"metadata":{"managedFields":[{"manager":"kubectl","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:k":{}}}}],"name":"a"},"data":{"k":"v"}}""";
        var map = KubeJson.Deserialize<V1ConfigMap>(Encoding.UTF8.GetBytes(Json));
        Assert.Null(map.Metadata.ManagedFields);
        Assert.Equal("v", map.Data["k"]);
    }

    [Theory]
    [InlineData("2024-05-01T10:00:00Z", "2024-05-01T10:00:00Z")]
    [InlineData("2024-05-01T12:00:00.123456789+02:00", "2024-05-01T10:00:00Z")]
    public void Times_are_written_in_utc_and_whole_seconds(string given, string written)
    {
        var pod = KubeJson.Deserialize<V1Pod>(Encoding.UTF8.GetBytes($$$"""{"metadata":{"creationTimestamp":"{{{given}}}"}}"""));
        Assert.Contains($"\"{written}\"", Encoding.UTF8.GetString(KubeJson.Serialize(pod)), StringComparison.Ordinal);
    }

    [Fact]
    public void Micro_times_keep_their_microseconds()
    {
        const string Json = """{"metadata":{"name":"n"},"spec":{"renewTime":"2024-05-01T10:00:00.000004Z"}}""";
        var copy = Encoding.UTF8.GetString(KubeJson.Serialize(KubeJson.Deserialize<V1Lease>(Encoding.UTF8.GetBytes(Json))));
        Assert.Contains("2024-05-01T10:00:00.000004Z", copy, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_strings_and_quantities_of_different_objects_are_one_instance()
    {
        var json = """{"metadata":{"name":"a","labels":{"app":"web"}},"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"250m"}}}]}}"""u8;
        var first = KubeJson.Deserialize<V1Pod>(json);
        var second = KubeJson.Deserialize<V1Pod>(json);
        Assert.Same(first.Metadata.Labels["app"], second.Metadata.Labels["app"]);
        Assert.Same(first.Spec.Containers[0].Resources.Requests["cpu"], second.Spec.Containers[0].Resources.Requests["cpu"]);
    }

    /// <summary>Every model against an object of its kind with every field filled.</summary>
    [ApiFixtureFact]
    public void Every_model_reads_and_writes_every_field_it_has()
    {
        var folder = Path.Combine(Fixtures.ApiFolder!, "roundtrip");
        var lost = new List<string>();
        var kinds = 0;
        foreach (var type in typeof(V1Pod).Assembly.GetExportedTypes())
        {
            if (type.GetCustomAttributes(typeof(KubernetesEntityAttribute), false) is not [KubernetesEntityAttribute entity] || !typeof(IKubernetesObject<V1ObjectMeta>).IsAssignableFrom(type))
                continue;
            var file = Path.Combine(folder, $"{(string.IsNullOrEmpty(entity.Group) ? "core" : entity.Group)}.{entity.ApiVersion}.{entity.Kind}.json");
            if (!File.Exists(file))
                continue;
            kinds++;
            var info = KubeJson.Options.GetTypeInfo(type);
            var given = JsonNode.Parse(File.ReadAllBytes(file))!;
            var written = JsonNode.Parse(JsonSerializer.Serialize(JsonSerializer.Deserialize(given.ToJsonString(), info), info))!;
            Compare(type.Name, given, written, lost);
        }
        Assert.True(kinds > 40, $"only {kinds} kinds were compared");
        Assert.Empty(lost);
    }

    private static void Compare(string path, JsonNode? given, JsonNode? written, List<string> lost)
    {
        switch (given, written)
        {
            case (JsonObject a, JsonObject b):
                foreach (var (name, value) in a)
                {
                    // Fields newer or older than the models do not exist for the typed components.
                    if (b.ContainsKey(name))
                        Compare($"{path}.{name}", value, b[name], lost);
                }
                break;
            case (JsonArray a, JsonArray b):
                if (a.Count != b.Count)
                    lost.Add($"{path}: {a.Count} items became {b.Count}");
                else
                    for (var i = 0; i < a.Count; i++)
                        Compare($"{path}[{i}]", a[i], b[i], lost);
                break;
            default:
                if (!JsonNode.DeepEquals(given, written))
                    lost.Add($"{path}: {given?.ToJsonString()} became {written?.ToJsonString()}");
                break;
        }
    }
}
