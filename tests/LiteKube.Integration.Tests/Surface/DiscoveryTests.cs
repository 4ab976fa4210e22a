using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.Surface;

/// <summary>Every stable resource of Kubernetes is in discovery, both forms of it, as Kubernetes lists it.</summary>
public sealed class DiscoveryTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    private const string AggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    [ApiFactsFact]
    public async Task Each_group_version_lists_its_resources()
    {
        var wrong = new List<string>();
        foreach (var versions in ApiFacts.StableResources.GroupBy(r => r.GroupPath))
        {
            var answer = await server.Api.GetAsync(versions.Key);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                wrong.Add($"{versions.Key}: {answer.StatusCode}");
                continue;
            }
            var listed = answer.Json["resources"]!.AsArray().ToDictionary(r => (string)r!["name"]!, r => r!);
            foreach (var expected in versions)
            {
                if (!listed.TryGetValue(expected.Name, out var found)) wrong.Add($"{versions.Key}/{expected.Name} is not listed");
                else Compare(wrong, expected, found, (string?)found["kind"], (bool)found["namespaced"]!);
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [ApiFactsFact]
    public async Task The_aggregated_form_lists_the_same()
    {
        var listed = new Dictionary<string, (JsonNode Entry, bool? Namespaced)>();
        foreach (var path in (string[])["/api", "/apis"])
        {
            var answer = await server.Api.GetAsync(path, AggregatedType);
            foreach (var group in answer.Json["items"]!.AsArray())
            {
                foreach (var version in group!["versions"]!.AsArray())
                    Add($"{group["metadata"]?["name"]}/{version!["version"]}", version["resources"]!.AsArray());
            }
        }
        var wrong = new List<string>();
        foreach (var expected in ApiFacts.StableResources)
        {
            if (!listed.TryGetValue($"{expected.Group}/{expected.Version}/{expected.Name}", out var found)) wrong.Add($"{expected.GroupPath}/{expected.Name} is not listed");
            else Compare(wrong, expected, found.Entry, (string?)found.Entry["responseKind"]?["kind"], found.Namespaced ?? expected.Namespaced);
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        void Add(string version, JsonArray resources)
        {
            foreach (var resource in resources)
            {
                var key = $"{version}/{resource!["resource"]}";
                listed.Add(key, (resource, (string?)resource["scope"] == "Namespaced"));
                foreach (var subresource in resource["subresources"]?.AsArray() ?? [])
                    listed.Add($"{key}/{subresource!["subresource"]}", (subresource, null));
            }
        }
    }

    private static void Compare(List<string> wrong, ApiFacts.Resource expected, JsonNode found, string? kind, bool namespaced)
    {
        Same("kind", expected.Kind, kind ?? "");
        Same("namespaced", expected.Namespaced.ToString(), namespaced.ToString());
        Same("verbs", Joined(expected.Verbs), Joined(found["verbs"]));
        // The table repeats no names on subresources, and discovery has none there.
        Same("short names", Joined(expected.ShortNames), Joined(found["shortNames"]));
        Same("categories", Joined(expected.Categories), Joined(found["categories"]));

        void Same(string what, string wanted, string got)
        {
            if (wanted != got) wrong.Add($"{expected.GroupPath}/{expected.Name}: {what} '{got}' instead of '{wanted}'");
        }
    }

    private static string Joined(string[] words) => string.Join(',', words);

    private static string Joined(JsonNode? words) => string.Join(',', (words?.AsArray() ?? []).Select(w => (string)w!).Order(StringComparer.Ordinal));
}
