using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Authentication;

/// <summary>Bootstrap tokens and tokens in Secrets through the whole server.</summary>
public sealed class TokenUpkeepTests(TokenUpkeepTests.Fixture fixture) : IClassFixture<TokenUpkeepTests.Fixture>
{
    private const string SystemSecrets = "/api/v1/namespaces/kube-system/secrets";
    private const string Secrets = "/api/v1/namespaces/default/secrets";
    private const string Accounts = "/api/v1/namespaces/default/serviceaccounts";

    private TestApiServer Server => fixture.Server;

    [Fact]
    public async Task A_bootstrap_token_signs_in_with_its_groups_until_its_secret_goes()
    {
        await CreateTokenAsync("abcdef", ("auth-extra-groups", "system:bootstrappers:workers"), ("usage-bootstrap-authentication", "true"), ("expiration", Time(TimeSpan.FromHours(1))));
        var user = (await WhoAsync("abcdef.0123456789abcdef")).Json["status"]!["userInfo"]!;
        Assert.Equal("system:bootstrap:abcdef", (string?)user["username"]);
        Assert.Equal("""["system:bootstrappers","system:bootstrappers:workers","system:authenticated"]""", user["groups"]!.ToJsonString());
        var review = await Server.PostAsync("/apis/authentication.k8s.io/v1/tokenreviews", """{"spec":{"token":"abcdef.0123456789abcdef"}}""");
        Assert.True((bool?)review.Json["status"]!["authenticated"]);
        Assert.Equal(HttpStatusCode.Unauthorized, (await WhoAsync("abcdef.0123456789abcdeg")).StatusCode);
        await Server.DeleteAsync($"{SystemSecrets}/bootstrap-token-abcdef");
        Assert.Equal(HttpStatusCode.Unauthorized, (await WhoAsync("abcdef.0123456789abcdef")).StatusCode);
    }

    [Fact]
    public async Task A_bootstrap_token_without_the_right_or_with_a_foreign_group_is_refused()
    {
        await CreateTokenAsync("nousag");
        await CreateTokenAsync("groups", ("usage-bootstrap-authentication", "true"), ("auth-extra-groups", "system:masters"));
        await CreateTokenAsync("wrong1", ("usage-bootstrap-authentication", "true"), ("token-id", "wrong2"));
        foreach (var id in (string[])["nousag", "groups", "wrong1", "absent"])
            Assert.Equal(HttpStatusCode.Unauthorized, (await WhoAsync($"{id}.0123456789abcdef")).StatusCode);
    }

    [Fact]
    public async Task An_expired_bootstrap_token_is_removed()
    {
        await using var watch = await Server.WatchAsync($"{SystemSecrets}?watch=true&fieldSelector=metadata.name%3Dbootstrap-token-expird");
        await CreateTokenAsync("expird", ("usage-bootstrap-authentication", "true"), ("expiration", Time(TimeSpan.FromSeconds(-5))));
        Assert.Equal(["ADDED bootstrap-token-expird", "DELETED bootstrap-token-expird"], await watch.TakeAsync(2));
    }

    [Fact]
    public async Task Cluster_info_is_signed_by_each_token_that_may_and_by_no_other()
    {
        await CreateTokenAsync("signer", ("usage-bootstrap-signing", "true"));
        await CreateTokenAsync("silent");
        await using var watch = await Server.WatchAsync("/api/v1/namespaces/kube-public/configmaps?watch=true&fieldSelector=metadata.name%3Dcluster-info");
        const string kubeconfig = "apiVersion: v1\nkind: Config\n";
        await Server.PostAsync("/api/v1/namespaces/kube-public/configmaps", new JsonObject { ["metadata"] = new JsonObject { ["name"] = "cluster-info" }, ["data"] = new JsonObject { ["kubeconfig"] = kubeconfig } }.ToJsonString());
        var data = await UntilAsync(watch, d => d.ContainsKey("jws-kubeconfig-signer"));
        Assert.False(data.ContainsKey("jws-kubeconfig-silent"));
        var parts = ((string)data["jws-kubeconfig-signer"]!).Split('.');
        Assert.Equal("""{"alg":"HS256","kid":"signer"}""", Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[0])));
        Assert.Equal("", parts[1]);
        var signed = $"{parts[0]}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(kubeconfig))}";
        Assert.Equal(HMACSHA256.HashData("signer.0123456789abcdef"u8, Encoding.ASCII.GetBytes(signed)), Base64Url.DecodeFromChars(parts[2]));
        await Server.DeleteAsync($"{SystemSecrets}/bootstrap-token-signer");
        await UntilAsync(watch, d => !d.ContainsKey("jws-kubeconfig-signer"));

        static async Task<JsonObject> UntilAsync(TestWatch watch, Func<JsonObject, bool> wanted)
        {
            while (await watch.NextAsync() is { } next)
            {
                if (next["object"]!["data"] is JsonObject data && wanted(data))
                    return data;
            }
            throw new InvalidOperationException("the watch ended before cluster-info was as wanted");
        }
    }

    [Fact]
    public async Task The_tokens_of_an_account_go_with_it_and_one_without_account_goes_at_once()
    {
        await Server.PostAsync(Accounts, """{"metadata":{"name":"brief"}}""");
        await using var watch = await Server.WatchAsync($"{Secrets}?watch=true&fieldSelector=metadata.name%3Dbrief-token");
        await using var orphans = await Server.WatchAsync($"{Secrets}?watch=true&fieldSelector=metadata.name%3Dorphan-token");
        await CreateSecretAsync("brief-token", "brief");
        Assert.Equal(["ADDED brief-token"], await watch.TakeAsync(1));
        await Server.DeleteAsync($"{Accounts}/brief");
        Assert.Equal(["DELETED brief-token"], await watch.TakeAsync(1));
        await CreateSecretAsync("orphan-token", "nobody");
        Assert.Equal(["ADDED orphan-token", "DELETED orphan-token"], await orphans.TakeAsync(2));
    }

    [Fact]
    public async Task The_use_of_a_secrets_token_is_noted_by_the_day_and_a_token_marked_invalid_is_refused()
    {
        await Server.PostAsync(Accounts, """{"metadata":{"name":"used"}}""");
        var token = await CreateSecretAsync("used-token", "used");
        await using var watch = await Server.WatchAsync($"{Secrets}?watch=true&fieldSelector=metadata.name%3Dused-token");
        Assert.Equal("system:serviceaccount:default:used", (string?)(await WhoAsync(token)).Json["status"]!["userInfo"]!["username"]);
        string? day = null;
        while (day is null && await watch.NextAsync() is { } next)
            day = (string?)next["object"]!["metadata"]!["labels"]?["kubernetes.io/legacy-token-last-used"];
        Assert.Equal(DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), day);
        Assert.Equal(HttpStatusCode.OK, (await Server.GetAsync("/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking")).StatusCode);

        await Server.PatchAsync($"{Secrets}/used-token", """{"metadata":{"labels":{"kubernetes.io/legacy-token-invalid-since":"2020-01-01"}}}""");
        Assert.Equal(HttpStatusCode.Unauthorized, (await WhoAsync(token)).StatusCode);
        var review = await Server.PostAsync("/apis/authentication.k8s.io/v1/tokenreviews", new JsonObject { ["spec"] = new JsonObject { ["token"] = token } }.ToJsonString());
        Assert.Contains("has been marked invalid. Use tokens from the TokenRequest API", (string?)review.Json["status"]!["error"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_of_former_times_are_marked_after_a_year_unused_and_removed_after_another()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var objects = new InMemoryObjects();
        objects.Put("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"kube-apiserver-legacy-service-account-token-tracking","namespace":"kube-system"},"data":{"since":"2026-01-01"}}""");
        objects.Put("""{"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"a","namespace":"n"},"secrets":[{"name":"old"},{"name":"fresh"},{"name":"mounted"}]}""");
        foreach (var (name, labels) in new[] { ("old", "{}"), ("fresh", """{"kubernetes.io/legacy-token-last-used":"2026-12-01"}"""), ("mounted", "{}"), ("manual", "{}") })
            objects.Put($$$$"""{"kind":"Secret","apiVersion":"v1","type":"kubernetes.io/service-account-token","metadata":{"name":"{{{{name}}}}","namespace":"n","creationTimestamp":"2025-01-01T00:00:00Z","labels":{{{{labels}}}},"annotations":{"kubernetes.io/service-account.name":"a","kubernetes.io/service-account.uid":"uid-a"}}}""");
        objects.Put("""{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"n"},"spec":{"volumes":[{"name":"t","secret":{"secretName":"mounted"}}]}}""");
        var cleaner = new LegacyTokenCleaner(objects, objects, time);

        time.Advance(TimeSpan.FromDays(364));
        await cleaner.CleanAsync(default);
        Assert.Null(InvalidSince("old"));
        time.Advance(TimeSpan.FromDays(1));
        await cleaner.CleanAsync(default);
        Assert.Equal("2027-01-01", InvalidSince("old"));
        foreach (var kept in (string[])["fresh", "mounted", "manual"])
            Assert.Null(InvalidSince(kept));
        time.Advance(TimeSpan.FromDays(364));
        await cleaner.CleanAsync(default);
        Assert.NotNull(objects.Get(new("", "secrets"), "n", "old"));
        time.Advance(TimeSpan.FromDays(1));
        await cleaner.CleanAsync(default);
        Assert.Null(objects.Get(new("", "secrets"), "n", "old"));
        Assert.NotNull(objects.Get(new("", "secrets"), "n", "manual"));

        string? InvalidSince(string name) => (string?)objects.Get(new("", "secrets"), "n", name)!["metadata"]!["labels"]!["kubernetes.io/legacy-token-invalid-since"];
    }

    private static string Time(TimeSpan fromNow) => DateTime.UtcNow.Add(fromNow).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private async Task CreateTokenAsync(string id, params (string Key, string Value)[] data)
    {
        var fields = new JsonObject { ["token-id"] = id, ["token-secret"] = "0123456789abcdef" };
        foreach (var (key, value) in data)
            fields[key] = value;
        var body = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "bootstrap-token-" + id }, ["type"] = "bootstrap.kubernetes.io/token", ["stringData"] = fields };
        Assert.Equal(HttpStatusCode.Created, (await Server.PostAsync(SystemSecrets, body.ToJsonString())).StatusCode);
    }

    private async Task<string> CreateSecretAsync(string name, string account)
    {
        var created = await Server.PostAsync(Secrets, $$$"""{"metadata":{"name":"{{{name}}}","annotations":{"kubernetes.io/service-account.name":"{{{account}}}"}},"type":"kubernetes.io/service-account-token"}""");
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        return (string?)created.Json["data"]?["token"] is { } token ? Encoding.UTF8.GetString(Convert.FromBase64String(token)) : "";
    }

    private async Task<TestResponse> WhoAsync(string token)
    {
        using var client = Server.ClientFor(null);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return await Server.SendAsync(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", null, client: client);
    }

    public sealed class Fixture : IAsyncLifetime
    {
        public TestApiServer Server { get; private set; } = null!;

        public async Task InitializeAsync() => Server = await TestApiServer.StartAsync();

        public async Task DisposeAsync() => await Server.DisposeAsync();
    }
}
