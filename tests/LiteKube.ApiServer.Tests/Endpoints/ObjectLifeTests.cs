using System.Net;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

public sealed class ObjectLifeTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task A_created_object_is_answered_read_listed_and_watched_in_the_same_words()
    {
        await using var server = await TestApiServer.StartAsync();
        var before = (await server.GetAsync(ConfigMaps)).Json["metadata"]!["resourceVersion"]!.GetValue<string>();
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&resourceVersion={before}");

        var created = await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a","labels":{"app":"x"}},"data":{"k":"v"}}""");

        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.StartsWith("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default","uid":""", created.Body, StringComparison.Ordinal);
        Assert.Equal(created.Body, (await server.GetAsync($"{ConfigMaps}/a")).Body);
        var added = await watch.NextAsync();
        Assert.Equal("ADDED", added!["type"]!.GetValue<string>());
        Assert.Equal(created.Body, added["object"]!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        var list = await server.GetAsync(ConfigMaps);
        Assert.Contains("{" + created.Body["""{"kind":"ConfigMap","apiVersion":"v1",""".Length..], list.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_are_generated_checked_and_unique()
    {
        await using var server = await TestApiServer.StartAsync();

        var generated = await server.PostAsync(ConfigMaps, """{"metadata":{"generateName":"gen-"}}""");
        Assert.Matches("^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$", generated.Json["metadata"]!["name"]!.GetValue<string>());

        var invalid = await server.PostAsync(ConfigMaps, """{"metadata":{"name":"Not_Valid"}}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, invalid.StatusCode);
        Assert.StartsWith("ConfigMap \"Not_Valid\" is invalid: metadata.name: Invalid value: \"Not_Valid\": a lowercase RFC 1123 subdomain", invalid.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);

        await server.PostAsync(ConfigMaps, """{"metadata":{"name":"one"}}""");
        var again = await server.PostAsync(ConfigMaps, """{"metadata":{"name":"one"}}""");
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
        Assert.Equal("configmaps \"one\" already exists", again.Json["message"]!.GetValue<string>());
        Assert.Equal("AlreadyExists", again.Json["reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_update_with_an_old_resource_version_is_refused_and_one_without_overwrites()
    {
        await using var server = await TestApiServer.StartAsync();
        var first = (await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"},"data":{"n":"1"}}""")).Body;
        var second = await server.PutAsync($"{ConfigMaps}/a", first.Replace("\"n\":\"1\"", "\"n\":\"2\"", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);

        var stale = await server.PutAsync($"{ConfigMaps}/a", first);
        Assert.Equal(HttpStatusCode.Conflict, stale.StatusCode);
        Assert.Equal("Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again", stale.Json["message"]!.GetValue<string>());

        var unconditional = await server.PutAsync($"{ConfigMaps}/a", """{"metadata":{"name":"a"},"data":{"n":"3"}}""");
        Assert.Equal("3", unconditional.Json["data"]!["n"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.NotFound, (await server.PutAsync($"{ConfigMaps}/missing", """{"metadata":{"name":"missing"}}""")).StatusCode);
    }

    [Fact]
    public async Task An_update_that_changes_nothing_keeps_the_resource_version_and_wakes_no_watcher()
    {
        await using var server = await TestApiServer.StartAsync();
        var created = (await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"},"data":{"n":"1"}}""")).Body;
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&resourceVersion={System.Text.Json.Nodes.JsonNode.Parse(created)!["metadata"]!["resourceVersion"]}");

        Assert.Equal(created, (await server.PutAsync($"{ConfigMaps}/a", created)).Body);
        await server.DeleteAsync($"{ConfigMaps}/a");

        Assert.Equal(["DELETED a"], await watch.TakeAsync(1));
    }

    [Fact]
    public async Task A_finalizer_holds_a_deleted_object_until_it_is_taken_off()
    {
        await using var server = await TestApiServer.StartAsync();
        var created = await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a","finalizers":["example.com/hold"]}}""");
        await using var watch = await server.WatchAsync($"{ConfigMaps}?watch=1&resourceVersion={created.Json["metadata"]!["resourceVersion"]}");

        var deleted = await server.DeleteAsync($"{ConfigMaps}/a");
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        Assert.NotNull(deleted.Json["metadata"]!["deletionTimestamp"]);
        var added = await server.PatchAsync($"{ConfigMaps}/a", """{"metadata":{"finalizers":["example.com/hold","example.com/new"]}}""");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, added.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{ConfigMaps}/a", """{"metadata":{"finalizers":null}}""")).StatusCode);

        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync($"{ConfigMaps}/a")).StatusCode);
        Assert.Equal(["MODIFIED a", "DELETED a"], await watch.TakeAsync(2));
    }

    [Fact]
    public async Task Propagation_is_carried_as_finalizers_and_preconditions_are_kept()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"}}""");

        var refused = await server.DeleteAsync($"{ConfigMaps}/a", """{"preconditions":{"uid":"other"}}""");
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        var foreground = await server.DeleteAsync($"{ConfigMaps}/a?propagationPolicy=Foreground");
        Assert.Equal("foregroundDeletion", foreground.Json["metadata"]!["finalizers"]![0]!.GetValue<string>());
        var invalid = await server.DeleteAsync($"{ConfigMaps}/a?propagationPolicy=Sideways");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, invalid.StatusCode);
    }

    [Fact]
    public async Task A_dry_run_answers_and_changes_nothing()
    {
        await using var server = await TestApiServer.StartAsync();
        var revision = server.Store.CurrentRevision;

        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync($"{ConfigMaps}?dryRun=All", """{"metadata":{"name":"a"}}""")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync($"{ConfigMaps}/a")).StatusCode);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.PostAsync($"{ConfigMaps}?dryRun=Some", """{"metadata":{"name":"a"}}""")).StatusCode);
        Assert.Equal(revision, server.Store.CurrentRevision);
    }
}
