using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

/// <summary>The parameters of lists and watches in combination (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).</summary>
public sealed class ListOptionTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    private static async Task CreateAsync(TestApiServer server, params string[] names)
    {
        foreach (var name in names)
            Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(ConfigMaps, $$$"""{"metadata":{"name":"{{{name}}}","labels":{"of":"us"} } }""")).StatusCode);
    }

    private static string Revision(JsonObject value) => value["metadata"]!["resourceVersion"]!.GetValue<string>();

    private static List<string> Names(JsonObject list) => [.. list["items"]!.AsArray().Select(i => i!["metadata"]!["name"]!.GetValue<string>())];

    private static string Message(TestResponse response) => response.Json["message"]!.GetValue<string>();

    [Theory]
    [InlineData("", "a,b")]
    [InlineData("resourceVersion=0", "a,b")]
    [InlineData("resourceVersion=0&resourceVersionMatch=NotOlderThan", "a,b")]
    [InlineData("resourceVersion={past}", "a,b")]
    [InlineData("resourceVersion={past}&resourceVersionMatch=NotOlderThan", "a,b")]
    [InlineData("resourceVersion={past}&resourceVersionMatch=Exact", "a")]
    [InlineData("limit=10", "a,b")]
    [InlineData("limit=10&resourceVersion=0", "a,b")]
    [InlineData("limit=10&resourceVersion={past}", "a")]
    [InlineData("limit=10&resourceVersion={past}&resourceVersionMatch=NotOlderThan", "a,b")]
    [InlineData("limit=10&resourceVersion={past}&resourceVersionMatch=Exact", "a")]
    public async Task Each_combination_of_version_match_and_limit_shows_the_state_that_it_means(string query, string expected)
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a");
        var past = Revision((await server.GetAsync(ConfigMaps)).Json);
        await CreateAsync(server, "b");

        var list = await server.GetAsync($"{ConfigMaps}?labelSelector=of%3Dus&{query.Replace("{past}", past, StringComparison.Ordinal)}");

        Assert.Equal(expected, string.Join(',', Names(list.Json)));
    }

    [Theory]
    [InlineData("resourceVersionMatch=Exact", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided")]
    [InlineData("resourceVersionMatch=Exact&resourceVersion=0", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")]
    [InlineData("resourceVersionMatch=About&resourceVersion=1", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \"About\": supported values: \"Exact\", \"NotOlderThan\", \"\"")]
    [InlineData("sendInitialEvents=true", 422, "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list")]
    [InlineData("watch=1&resourceVersionMatch=NotOlderThan", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")]
    [InlineData("watch=1&sendInitialEvents=true", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]
    [InlineData("resourceVersion=abc", 400, "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax")]
    [InlineData("watch=1&resourceVersion=abc", 422, "configmaps \"\" is invalid: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax")]
    [InlineData("continue=nonsense!", 400, null)]
    [InlineData("limit=many", 400, null)]
    public async Task What_does_not_go_together_is_refused_in_Kubernetes_words(string query, int status, string? message)
    {
        await using var server = await TestApiServer.StartAsync();

        var refused = await server.GetAsync($"{ConfigMaps}?{query}");

        Assert.Equal(status, (int)refused.StatusCode);
        if (message is not null) Assert.Equal(message, Message(refused));
    }

    [Theory]
    [InlineData("/api/v1/pods", "spec.colour", "field label not supported: spec.colour")]
    [InlineData("/api/v1/services", "spec.colour", "field label not supported: spec.colour")]
    [InlineData("/apis/batch/v1/jobs", "spec.colour", "field label \"spec.colour\" not supported for batchv1.Job")]
    [InlineData("/apis/apps/v1/deployments", "spec.colour", "\"spec.colour\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")]
    public async Task A_field_that_a_kind_does_not_offer_is_refused_in_the_words_of_the_kind(string path, string field, string message)
    {
        await using var server = await TestApiServer.StartAsync();

        var refused = await server.GetAsync($"{path}?fieldSelector={field}%3Dred");

        Assert.Equal((HttpStatusCode.BadRequest, message), (refused.StatusCode, Message(refused)));
    }

    [Fact]
    public async Task An_expired_continue_token_brings_one_with_which_the_list_goes_on()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a", "b", "c");
        var token = (await server.GetAsync($"{ConfigMaps}?limit=1")).Json["metadata"]!["continue"]!.GetValue<string>();
        await CreateAsync(server, "d");
        await server.Store.CompactAsync(server.Store.CurrentRevision, CancellationToken.None);

        var expired = await server.GetAsync($"{ConfigMaps}?limit=1&continue={token}");
        Assert.Equal((HttpStatusCode.Gone, "Expired"), (expired.StatusCode, expired.Json["reason"]!.GetValue<string>()));
        Assert.Contains("use the continue token in this response", Message(expired), StringComparison.Ordinal);
        var rest = await server.GetAsync($"{ConfigMaps}?continue={expired.Json["metadata"]!["continue"]!.GetValue<string>()}&labelSelector=of%3Dus");
        Assert.Equal(["b", "c", "d"], Names(rest.Json));

        var old = await server.GetAsync($"{ConfigMaps}?resourceVersion=1&resourceVersionMatch=Exact");
        Assert.Equal((HttpStatusCode.Gone, "The resourceVersion for the provided list is too old."), (old.StatusCode, Message(old)));
    }

    [Fact]
    public async Task The_count_of_what_remains_is_told_only_where_nothing_is_selected()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a", "b", "c");

        Assert.Equal(2, (await server.GetAsync($"{ConfigMaps}?limit=1")).Json["metadata"]!["remainingItemCount"]!.GetValue<int>());
        var selected = (await server.GetAsync($"{ConfigMaps}?limit=1&labelSelector=of%3Dus")).Json["metadata"]!.AsObject();
        Assert.True(selected.ContainsKey("continue"));
        Assert.False(selected.ContainsKey("remainingItemCount"));
    }

    [Theory]
    [InlineData(ConfigMaps + "?resourceVersion=999999")]
    [InlineData(ConfigMaps + "/a?resourceVersion=999999")]
    public async Task A_version_from_the_future_is_waited_for_and_then_refused(string path)
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a");

        var refused = await server.GetAsync(path);

        Assert.Equal(HttpStatusCode.GatewayTimeout, refused.StatusCode);
        Assert.StartsWith("Timeout: Too large resource version: 999999, current: ", Message(refused), StringComparison.Ordinal);
        Assert.Equal(("ResourceVersionTooLarge", "Too large resource version"), (refused.Json["details"]!["causes"]![0]!["reason"]!.GetValue<string>(), refused.Json["details"]!["causes"]![0]!["message"]!.GetValue<string>()));
        Assert.Equal(1, refused.Json["details"]!["retryAfterSeconds"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_watch_from_nothing_marks_where_its_initial_events_end()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a");
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&allowWatchBookmarks=true&labelSelector=of%3Dus");

        Assert.Equal(["ADDED a"], await watch.TakeAsync(1));
        var bookmark = (await watch.NextAsync())!;
        Assert.Equal("BOOKMARK", bookmark["type"]!.GetValue<string>());
        Assert.Equal("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"RV","annotations":{"k8s.io/initial-events-end":"true"}}}""", bookmark["object"]!.ToJsonString().Replace($"\"{Revision(bookmark["object"]!.AsObject())}\"", "\"RV\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Initial_events_can_be_left_out()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a");
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&labelSelector=of%3Dus");
        await CreateAsync(server, "b");

        Assert.Equal(["ADDED b"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task One_object_is_watched_by_its_name_in_either_form()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a", "b");
        await using var byPath = await server.WatchAsync("/api/v1/watch/namespaces/default/configmaps/b");
        await using var bySelector = await server.WatchAsync($"{ConfigMaps}?watch=1&fieldSelector=metadata.name%3Db");
        await server.PatchAsync($"{ConfigMaps}/a", """{"data":{"k":"v"}}""");
        await server.PatchAsync($"{ConfigMaps}/b", """{"data":{"k":"v"}}""");

        Assert.Equal(["ADDED b", "MODIFIED b"], await byPath.TakeAsync(2));
        Assert.Equal(["ADDED b", "MODIFIED b"], await bySelector.TakeAsync(2));
        var refused = await server.GetAsync("/api/v1/watch/namespaces/default/configmaps/b?fieldSelector=metadata.name%3Da");
        Assert.Equal((HttpStatusCode.BadRequest, "fieldSelector metadata.name doesn't match requested name"), (refused.StatusCode, Message(refused)));
    }

    [Fact]
    public async Task A_table_is_watched_with_its_columns_once_and_the_mark_whatever_is_included()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a", "b");
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&allowWatchBookmarks=true&includeObject=None&labelSelector=of%3Dus", "application/json;as=Table;g=meta.k8s.io;v=v1");

        var first = (await watch.NextAsync())!["object"]!;
        Assert.Equal(["Name", "Data", "Age"], first["columnDefinitions"]!.AsArray().Select(c => c!["name"]!.GetValue<string>()));
        Assert.Null(first["rows"]![0]!["object"]);
        Assert.Empty((await watch.NextAsync())!["object"]!["columnDefinitions"]!.AsArray());
        var mark = (await watch.NextAsync())!["object"]!;
        Assert.Equal("true", mark["rows"]![0]!["object"]!["metadata"]!["annotations"]!["k8s.io/initial-events-end"]!.GetValue<string>());
        var refused = await server.GetAsync($"{ConfigMaps}?includeObject=All", "application/json;as=Table;g=meta.k8s.io;v=v1");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        var whole = await server.GetAsync($"{ConfigMaps}/a?includeObject=Object", "application/json;as=Table;g=meta.k8s.io;v=v1");
        Assert.Equal("ConfigMap", whole.Json["rows"]![0]!["object"]!["kind"]!.GetValue<string>());
    }

    [Fact]
    public async Task One_watcher_that_does_not_read_stalls_no_other()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var slow = await server.WatchAsync($"{ConfigMaps}?watch=1&labelSelector=of%3Dus");
        await using var quick = await server.WatchAsync($"{ConfigMaps}?watch=1&labelSelector=of%3Dus");
        var large = new string('x', 100_000);

        for (var i = 0; i < 40; i++)
        {
            await server.PostAsync(ConfigMaps, $$$"""{"metadata":{"name":"n{{{i}}}","labels":{"of":"us"}},"data":{"k":"{{{large}}}"}}""");
            Assert.Equal([$"ADDED n{i}"], await quick.TakeAsync(1));
        }
    }
}
