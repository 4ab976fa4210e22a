using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

public sealed class ListAndWatchTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    private static async Task CreateAsync(TestApiServer server, params string[] names)
    {
        foreach (var name in names)
            Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(ConfigMaps, $$$"""{"metadata":{"name":"{{{name}}}","labels":{"name":"{{{name}}}" } } }""")).StatusCode);
    }

    private static string Revision(JsonObject value) => value["metadata"]!["resourceVersion"]!.GetValue<string>();

    private static List<string> Names(JsonObject list) => [.. list["items"]!.AsArray().Select(i => i!["metadata"]!["name"]!.GetValue<string>())];

    [Fact]
    public async Task Pages_show_the_state_of_the_first_page_whatever_happens_between()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a", "b", "c", "d", "e");

        var first = (await server.GetAsync($"{ConfigMaps}?limit=2")).Json;
        Assert.Equal(["a", "b"], Names(first));
        Assert.Equal(3, first["metadata"]!["remainingItemCount"]!.GetValue<int>());
        await server.DeleteAsync($"{ConfigMaps}/d");
        await CreateAsync(server, "cc");
        var token = first["metadata"]!["continue"]!.GetValue<string>();
        var rest = (await server.GetAsync($"{ConfigMaps}?limit=500&continue={token}")).Json;

        Assert.Equal(["c", "d", "e"], Names(rest));
        Assert.Equal(Revision(first), Revision(rest));
        Assert.Null(rest["metadata"]!["continue"]);
        Assert.Equal(HttpStatusCode.BadRequest, (await server.GetAsync($"{ConfigMaps}?continue=nonsense")).StatusCode);
    }

    [Fact]
    public async Task A_continue_token_whose_history_is_compacted_is_expired()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a", "b", "c");
        var token = (await server.GetAsync($"{ConfigMaps}?limit=1")).Json["metadata"]!["continue"]!.GetValue<string>();
        await CreateAsync(server, "d");
        await server.Store.CompactAsync(server.Store.CurrentRevision, CancellationToken.None);

        var expired = await server.GetAsync($"{ConfigMaps}?limit=1&continue={token}");

        Assert.Equal(HttpStatusCode.Gone, expired.StatusCode);
        Assert.Equal("Expired", expired.Json["reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task Selectors_choose_by_labels_and_fields_and_unknown_fields_are_refused()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a", "b", "c");

        Assert.Equal(["a", "c"], Names((await server.GetAsync($"{ConfigMaps}?labelSelector=name+in+(a,c)")).Json));
        Assert.Equal(["b"], Names((await server.GetAsync($"{ConfigMaps}?fieldSelector=metadata.name%3Db")).Json));
        Assert.Equal(["b"], Names((await server.GetAsync("/api/v1/configmaps?fieldSelector=metadata.name%3Db,metadata.namespace%3Ddefault")).Json));
        Assert.Empty(Names((await server.GetAsync($"{ConfigMaps}?fieldSelector=metadata.name%3Db,metadata.name!%3Db")).Json));
        var refused = await server.GetAsync($"{ConfigMaps}?fieldSelector=spec.color%3Dred");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("\"spec.color\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", refused.Json["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_list_of_an_exact_past_version_shows_the_past_and_one_of_the_future_times_out()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a");
        var past = Revision((await server.GetAsync(ConfigMaps)).Json);
        await CreateAsync(server, "b");

        Assert.Equal(["a"], Names((await server.GetAsync($"{ConfigMaps}?resourceVersion={past}&resourceVersionMatch=Exact&labelSelector=name")).Json));
        Assert.Equal(["a", "b"], Names((await server.GetAsync($"{ConfigMaps}?resourceVersion={past}&resourceVersionMatch=NotOlderThan&labelSelector=name")).Json));
        var future = await server.GetAsync($"{ConfigMaps}?resourceVersion=999999");
        Assert.Equal(HttpStatusCode.GatewayTimeout, future.StatusCode);
        Assert.Equal("ResourceVersionTooLarge", future.Json["details"]!["causes"]![0]!["reason"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.GetAsync($"{ConfigMaps}?resourceVersionMatch=Exact")).StatusCode);
    }

    [Fact]
    public async Task A_watch_without_a_version_begins_with_what_is_there()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a", "b");
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=true&labelSelector=name");
        await CreateAsync(server, "c");

        Assert.Equal(["ADDED a", "ADDED b", "ADDED c"], await watch.TakeAsync(3));
    }

    [Fact]
    public async Task An_object_that_leaves_or_enters_the_selection_is_deleted_or_added()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a");
        var list = await server.GetAsync(ConfigMaps);
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&resourceVersion={Revision(list.Json)}&labelSelector=name%3Da");

        await server.PatchAsync($"{ConfigMaps}/a", """{"data":{"n":"1"}}""");
        var left = await server.PatchAsync($"{ConfigMaps}/a", """{"metadata":{"labels":{"name":"b"}},"data":{"n":"2"}}""");
        await server.PatchAsync($"{ConfigMaps}/a", """{"data":{"n":"3"}}""");
        await server.PatchAsync($"{ConfigMaps}/a", """{"metadata":{"labels":{"name":"a"}}}""");

        Assert.Equal("MODIFIED", (await watch.NextAsync())!["type"]!.GetValue<string>());
        var departure = (await watch.NextAsync())!;
        Assert.Equal("DELETED", departure["type"]!.GetValue<string>());
        Assert.Equal("1", departure["object"]!["data"]!["n"]!.GetValue<string>());
        Assert.Equal(Revision(left.Json), Revision(departure["object"]!.AsObject()));
        Assert.Equal(["ADDED a"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task A_watch_from_a_compacted_version_says_so_in_the_stream()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a", "b");
        await server.Store.CompactAsync(server.Store.CurrentRevision, CancellationToken.None);

        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&resourceVersion=1");

        Assert.Equal(HttpStatusCode.OK, watch.StatusCode);
        var error = (await watch.NextAsync())!;
        Assert.Equal("ERROR", error["type"]!.GetValue<string>());
        Assert.Equal(410, error["object"]!["code"]!.GetValue<int>());
        Assert.Equal("Expired", error["object"]!["reason"]!.GetValue<string>());
        Assert.Null(await watch.NextAsync());
    }

    [Fact]
    public async Task A_watch_from_a_version_yet_to_come_begins_after_it()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a");
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&allowWatchBookmarks=true&resourceVersion={server.Store.CurrentRevision + 2}");
        Assert.Equal(HttpStatusCode.OK, watch.StatusCode);

        await CreateAsync(server, "b", "c", "d");

        Assert.Equal(["ADDED d"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task A_watch_from_the_future_says_nothing_of_the_present_until_its_time_is_up()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await TestApiServer.StartAsync(time);
        var stream = server.Server.WatchAsync(new("GET", $"{ConfigMaps}?watch=1&resourceVersion=999999&allowWatchBookmarks=true&timeoutSeconds=90", Admin), CancellationToken.None).GetAsyncEnumerator();
        await CreateAsync(server, "a");

        var next = stream.MoveNextAsync().AsTask();
        while (!next.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            await Task.Yield();
        }

        Assert.False(await next);
        await stream.DisposeAsync();
    }

    [Fact]
    public async Task Initial_events_of_a_version_yet_to_come_are_waited_for_and_refused_in_the_stream()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=999999");

        Assert.Equal(HttpStatusCode.OK, watch.StatusCode);
        var error = (await watch.NextAsync())!;
        Assert.Equal(("ERROR", 504, "Timeout"), ((string?)error["type"], (int)error["object"]!["code"]!, (string?)error["object"]!["reason"]));
        Assert.Equal("ResourceVersionTooLarge", (string?)error["object"]!["details"]!["causes"]![0]!["reason"]);
        Assert.Null(await watch.NextAsync());
    }

    [Fact]
    public async Task Initial_events_end_with_a_marked_bookmark()
    {
        await using var server = await TestApiServer.StartAsync();
        await CreateAsync(server, "a");
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=name");

        Assert.Equal(["ADDED a"], await watch.TakeAsync(1));
        var bookmark = (await watch.NextAsync())!;
        Assert.Equal("BOOKMARK", bookmark["type"]!.GetValue<string>());
        Assert.Equal("true", bookmark["object"]!["metadata"]!["annotations"]!["k8s.io/initial-events-end"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.WatchAsync($"{ConfigMaps}?watch=1&sendInitialEvents=true")).StatusCode);
    }

    [Fact]
    public async Task A_watch_bookmarks_the_newest_revision_and_ends_at_its_timeout()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await TestApiServer.StartAsync(time);
        var stream = server.Server.WatchAsync(new("GET", $"{ConfigMaps}?watch=1&resourceVersion={server.Store.CurrentRevision}&allowWatchBookmarks=true&timeoutSeconds=90", Admin), CancellationToken.None).GetAsyncEnumerator();
        // A write elsewhere moves the revision on; the watch has nothing to say about it but a bookmark.
        await server.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"elsewhere"}}""");
        var revision = server.Store.CurrentRevision;

        var types = new List<string>();
        while (true)
        {
            var next = stream.MoveNextAsync().AsTask();
            while (!next.IsCompleted)
            {
                time.Advance(TimeSpan.FromSeconds(5));
                await Task.Yield();
            }
            if (!await next) break;
            var bookmark = JsonNode.Parse(stream.Current.Span)!;
            types.Add(bookmark["type"]!.GetValue<string>());
            Assert.True(long.Parse(bookmark["object"]!["metadata"]!["resourceVersion"]!.GetValue<string>(), CultureInfo.InvariantCulture) >= revision);
        }

        Assert.All(types, t => Assert.Equal("BOOKMARK", t));
        Assert.NotEmpty(types);
        await stream.DisposeAsync();
    }

    [Fact]
    public async Task Components_of_the_process_pass_the_same_pipeline_as_their_user()
    {
        await using var server = await TestApiServer.StartAsync();
        var created = await server.Server.ExecuteAsync(new("POST", ConfigMaps, Admin, Encoding.UTF8.GetBytes("""{"metadata":{"name":"a"}}"""), "application/json"), CancellationToken.None);
        Assert.Equal(201, created.StatusCode);
        var list = await server.Server.ExecuteAsync(new("GET", $"{ConfigMaps}?fieldSelector=metadata.name%3Da", Admin), CancellationToken.None);
        Assert.Equal(["a"], Names(JsonNode.Parse(list.Body.Span)!.AsObject()));

        var stranger = new UserInfo("stranger", [UserInfo.AuthenticatedGroup]);
        var refused = await server.Server.ExecuteAsync(new("GET", ConfigMaps, stranger), CancellationToken.None);
        Assert.Equal(403, refused.StatusCode);
        Assert.Equal("configmaps is forbidden: User \"stranger\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\"", JsonNode.Parse(refused.Body.Span)!["message"]!.GetValue<string>());
        var watch = server.Server.WatchAsync(new("GET", $"{ConfigMaps}?watch=1", stranger), CancellationToken.None);
        Assert.Equal(403, (await Assert.ThrowsAsync<WatchRefusedException>(async () => await watch.GetAsyncEnumerator().MoveNextAsync())).StatusCode);
    }

    private static readonly UserInfo Admin = new("admin", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);
}
