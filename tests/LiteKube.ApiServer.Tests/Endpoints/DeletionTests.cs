using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

/// <summary>Collections, propagation and names that are generated.</summary>
public sealed class DeletionTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const string ReplicaSets = "/apis/apps/v1/namespaces/default/replicasets";

    private static async Task CreateAsync(TestApiServer server, params string[] names)
    {
        foreach (var name in names)
            Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(ConfigMaps, $$$$"""{"metadata":{"name":"{{{{name}}}}","labels":{"kind":"{{{{name[..1]}}}}"}}}""")).StatusCode);
    }

    private static async Task<List<string>> NamesAsync(TestApiServer server) => Names((await server.GetAsync(ConfigMaps)).Json);

    private static List<string> Names(JsonObject list) => [.. list["items"]!.AsArray().Select(i => (string)i!["metadata"]!["name"]!)];

    private static async Task<JsonObject> ReplicaSetAsync(TestApiServer server, string name)
    {
        var created = await server.PostAsync(ReplicaSets, $$$$"""{"metadata":{"name":"{{{{name}}}}"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]} } } }""");
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        return created.Json;
    }

    [Fact]
    public async Task A_collection_is_deleted_by_its_selectors_and_shown_as_it_was()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a1", "a2", "b1");

        var deleted = await server.DeleteAsync($"{ConfigMaps}?labelSelector=kind%3Da");
        Assert.Equal(("ConfigMapList", HttpStatusCode.OK), ((string?)deleted.Json["kind"], deleted.StatusCode));
        Assert.Equal(["a1", "a2"], Names(deleted.Json));
        Assert.Equal(["b1"], await NamesAsync(server));
        Assert.Equal(["b1"], Names((await server.DeleteAsync($"{ConfigMaps}?fieldSelector=metadata.name%3Db1")).Json));
        Assert.Empty(await NamesAsync(server));
        Assert.Empty(Names((await server.DeleteAsync(ConfigMaps)).Json));
    }

    [Fact]
    public async Task A_limit_deletes_so_many_and_says_where_the_rest_begins()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a1", "a2", "a3", "a4");

        var first = (await server.DeleteAsync($"{ConfigMaps}?limit=3")).Json;

        Assert.Equal(["a1", "a2", "a3"], Names(first));
        Assert.Equal(["a4"], await NamesAsync(server));
        var rest = await server.DeleteAsync($"{ConfigMaps}?limit=3&continue={(string?)first["metadata"]!["continue"]}");
        Assert.Equal(["a4"], Names(rest.Json));
        Assert.Empty(await NamesAsync(server));
    }

    [Fact]
    public async Task Preconditions_hold_for_each_object_of_a_collection()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a1");
        var map = (await server.GetAsync($"{ConfigMaps}/a1")).Json["metadata"]!;

        var other = await server.DeleteAsync(ConfigMaps, """{"preconditions":{"uid":"another"}}""");
        Assert.Equal((HttpStatusCode.Conflict, "Conflict"), (other.StatusCode, (string?)other.Json["reason"]));
        Assert.Contains("the UID in the precondition (another) does not match the UID in record", (string?)other.Json["message"], StringComparison.Ordinal);
        Assert.Equal(["a1"], await NamesAsync(server));
        var older = await server.DeleteAsync(ConfigMaps, """{"preconditions":{"resourceVersion":"1"}}""");
        Assert.Contains("the ResourceVersion in the precondition (1) does not match the ResourceVersion in record", (string?)older.Json["message"], StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync(ConfigMaps, $$$$"""{"preconditions":{"uid":"{{{{map["uid"]}}}}","resourceVersion":"{{{{map["resourceVersion"]}}}}"}}""")).StatusCode);
        Assert.Empty(await NamesAsync(server));
    }

    [Fact]
    public async Task A_dry_run_of_a_collection_leaves_it()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a1", "a2");

        Assert.Equal(["a1", "a2"], Names((await server.DeleteAsync($"{ConfigMaps}?dryRun=All")).Json));
        Assert.Equal(["a1", "a2"], Names((await server.DeleteAsync(ConfigMaps, """{"dryRun":["All"]}""")).Json));

        Assert.Equal(["a1", "a2"], await NamesAsync(server));
    }

    [Theory]
    [InlineData("""{"propagationPolicy":"Orphan"}""", "orphan")]
    [InlineData("""{"orphanDependents":true}""", "orphan")]
    [InlineData("""{"propagationPolicy":"Foreground"}""", "foregroundDeletion")]
    public async Task Propagation_holds_objects_for_the_garbage_collector_one_by_one_and_in_collections(string options, string finalizer)
    {
        await using var server = await TestApiServer.StartAsync();
        await ReplicaSetAsync(server, "one");
        await ReplicaSetAsync(server, "two");

        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{ReplicaSets}/one", options)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync(ReplicaSets, options)).StatusCode);

        foreach (var held in (await server.GetAsync(ReplicaSets)).Json["items"]!.AsArray())
        {
            Assert.NotNull(held!["metadata"]!["deletionTimestamp"]);
            Assert.Equal([finalizer], held["metadata"]!["finalizers"]!.AsArray().Select(f => (string?)f));
        }
        Assert.Equal(2, (await server.GetAsync(ReplicaSets)).Json["items"]!.AsArray().Count);
        // The collector has let the dependents go, or seen them gone.
        foreach (var name in (string[])["one", "two"])
            Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{ReplicaSets}/{name}", """{"metadata":{"finalizers":null}}""")).StatusCode);
        Assert.Empty((await server.GetAsync(ReplicaSets)).Json["items"]!.AsArray());
    }

    [Theory]
    [InlineData("""{"propagationPolicy":"Orphan","orphanDependents":true}""", "propagationPolicy: Invalid value: \"Orphan\": orphanDependents and deletionPropagation cannot be both set")]
    [InlineData("""{"propagationPolicy":"Never"}""", "propagationPolicy: Unsupported value: \"Never\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"")]
    public async Task Propagation_that_contradicts_itself_deletes_nothing(string options, string message)
    {
        await using var server = await TestApiServer.StartAsync();
        await ReplicaSetAsync(server, "one");

        foreach (var path in (string[])[$"{ReplicaSets}/one", ReplicaSets])
        {
            var refused = await server.DeleteAsync(path, options);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
            Assert.Contains(message, (string?)refused.Json["message"], StringComparison.Ordinal);
        }
        Assert.Null((await server.GetAsync($"{ReplicaSets}/one")).Json["metadata"]!["deletionTimestamp"]);
    }

    [Fact]
    public async Task A_generated_name_that_is_taken_is_generated_anew()
    {
        var suffixes = new Queue<string>(["bbbbb", "bbbbb", "bbbbb", "ccccc"]);
        await using var server = await TestApiServer.StartAsync(configure: o => o with { NameSuffix = suffixes.Dequeue });
        const string Body = """{"metadata":{"generateName":"gen-"}}""";

        var first = await server.PostAsync(ConfigMaps, Body);
        var second = await server.PostAsync(ConfigMaps, Body);

        Assert.Equal(("gen-bbbbb", "gen-ccccc"), ((string?)first.Json["metadata"]!["name"], (string?)second.Json["metadata"]!["name"]));
        Assert.NotEqual((string?)first.Json["metadata"]!["uid"], (string?)second.Json["metadata"]!["uid"]);
        Assert.Empty(suffixes);
    }

    [Fact]
    public async Task A_name_that_stays_taken_is_given_up_after_eight_tries()
    {
        var tries = 0;
        await using var server = await TestApiServer.StartAsync(configure: o => o with
        {
            NameSuffix = () =>
            {
                tries++;
                return "bbbbb";
            },
        });
        const string Body = """{"metadata":{"generateName":"gen-"}}""";
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(ConfigMaps, Body)).StatusCode);

        var refused = await server.PostAsync(ConfigMaps, Body);

        Assert.Equal(9, tries);
        Assert.Equal((HttpStatusCode.Conflict, "AlreadyExists"), (refused.StatusCode, (string?)refused.Json["reason"]));
        Assert.Equal("configmaps \"gen-bbbbb\" already exists, the server was not able to generate a unique name for the object", (string?)refused.Json["message"]);
        Assert.Equal(1, (int)refused.Json["details"]!["retryAfterSeconds"]!);
    }
}
