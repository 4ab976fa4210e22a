using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Tests.Admission;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Audit;

/// <summary>What the whole server records, read from its log after it has stopped.</summary>
public sealed class AuditLogTests : IDisposable
{
    private const string Secrets = "/api/v1/namespaces/default/secrets";
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    private readonly string _directory = Directory.CreateTempSubdirectory("lk-audit-").FullName;

    private string LogPath => Path.Combine(_directory, "audit.log");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Each_level_records_as_much_as_it_says_and_secrets_stay_secret()
    {
        var events = await RecordAsync("""
            omitStages: [RequestReceived]
            rules:
            - {level: Metadata, resources: [{group: '', resources: [secrets]}]}
            - {level: Request, resources: [{group: '', resources: [configmaps]}], verbs: [patch]}
            - {level: RequestResponse, resources: [{group: '', resources: [configmaps]}], omitManagedFields: true}
            - {level: None}
            """, async server =>
        {
            await server.PostAsync(Secrets, """{"metadata":{"name":"s"},"stringData":{"password":"open-sesame"}}""");
            await server.GetAsync($"{Secrets}/s");
            await server.PostAsync(ConfigMaps, """
                {"metadata": {"name": "c"},
                 "data": {"k": "v"}}
                """);
            await server.PatchAsync($"{ConfigMaps}/c", """{"data":{"k":"w"}}""");
            await server.GetAsync("/api/v1/namespaces/default/services");
            await server.GetAsync("/version");
        });
        Assert.Equal(["create secrets Metadata", "get secrets Metadata", "create configmaps RequestResponse", "patch configmaps Request"], events.Select(e => $"{e["verb"]} {e["objectRef"]!["resource"]} {e["level"]}"));
        var text = await File.ReadAllTextAsync(LogPath);
        Assert.DoesNotContain("open-sesame", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String("open-sesame"u8), text, StringComparison.Ordinal);

        var secret = events[0];
        Assert.Equal("""{"resource":"secrets","namespace":"default","name":"s","apiVersion":"v1"}""", secret["objectRef"]!.ToJsonString());
        Assert.Equal("""{"metadata":{},"code":201}""", secret["responseStatus"]!.ToJsonString());
        Assert.Equal("kubernetes-admin", (string?)secret["user"]!["username"]);
        Assert.Equal("""["127.0.0.1"]""", secret["sourceIPs"]!.ToJsonString());
        Assert.Equal(Secrets, (string?)secret["requestURI"]);
        Assert.Equal("allow", (string?)secret["annotations"]!["authorization.k8s.io/decision"]);
        Assert.Equal("ResponseComplete", (string?)secret["stage"]);
        Assert.False(secret.ContainsKey("requestObject"));

        Assert.Equal("v", (string?)events[2]["requestObject"]!["data"]!["k"]);
        Assert.NotNull(events[2]["responseObject"]!["metadata"]!["uid"]);
        Assert.Null(events[2]["responseObject"]!["metadata"]!["managedFields"]);
        Assert.Equal("""{"data":{"k":"w"}}""", events[3]["requestObject"]!.ToJsonString());
        Assert.False(events[3].ContainsKey("responseObject"));
    }

    [Fact]
    public async Task A_watch_has_three_stages_with_one_id_that_the_client_may_choose()
    {
        var events = await RecordAsync("rules:\n- {level: Metadata, verbs: [watch]}", async server =>
        {
            server.Admin.DefaultRequestHeaders.Add("Audit-ID", "my-own-id");
            await using (var watch = await server.WatchAsync($"{ConfigMaps}?watch=true&timeoutSeconds=1"))
                while (await watch.NextAsync() is not null) continue;
            var got = await server.GetAsync($"{ConfigMaps}?watch=true&timeoutSeconds=1");
            Assert.Equal(["my-own-id"], got.Headers.GetValues("Audit-ID"));
        });
        Assert.Equal(["RequestReceived", "ResponseStarted", "ResponseComplete"], events.Take(3).Select(e => (string?)e["stage"]));
        Assert.All(events, e => Assert.Equal("my-own-id", (string?)e["auditID"]));
        Assert.Equal(6, events.Count);
        Assert.Equal(200, (int)events[2]["responseStatus"]!["code"]!);
    }

    [Fact]
    public async Task Metrics_count_events_and_the_levels_of_requests()
    {
        await RecordAsync("omitStages: [RequestReceived]\nrules:\n- {level: Metadata, resources: [{group: '', resources: [secrets]}]}\n- {level: None}", async server =>
        {
            await server.GetAsync($"{Secrets}/none");
            var metrics = (await server.GetAsync("/metrics")).Body;
            Assert.Matches("(?m)^apiserver_audit_event_total [1-9][0-9]*$", metrics);
            Assert.Matches("(?m)^apiserver_audit_level_total{level=\"Metadata\"} [1-9][0-9]*$", metrics);
            Assert.Matches("(?m)^apiserver_audit_level_total{level=\"None\"} [1-9][0-9]*$", metrics);
            Assert.DoesNotContain("apiserver_audit_error_total{", metrics, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Refusals_say_who_was_refused_and_why()
    {
        var events = await RecordAsync("omitStages: [RequestReceived]\nrules:\n- {level: Metadata}", async server =>
        {
            using var jane = server.ClientFor(server.Server.Pki.IssueClientCertificate("jane", ["dev"], TimeSpan.FromHours(1)));
            await server.SendAsync(HttpMethod.Get, Secrets, null, null, client: jane);
            using var forger = server.ClientFor(null);
            forger.DefaultRequestHeaders.Add("Authorization", "Bearer forged");
            Assert.Equal(HttpStatusCode.Unauthorized, (await server.SendAsync(HttpMethod.Get, Secrets, null, null, client: forger)).StatusCode);
            using var admin = server.ClientFor(server.Server.Pki.Admin.Current);
            admin.DefaultRequestHeaders.Add("Impersonate-User", "jane");
            await server.SendAsync(HttpMethod.Get, Secrets, null, null, client: admin);
            using var climber = server.ClientFor(server.Server.Pki.IssueClientCertificate("climber", [], TimeSpan.FromHours(1)));
            climber.DefaultRequestHeaders.Add("Impersonate-User", "root");
            await server.SendAsync(HttpMethod.Get, Secrets, null, null, client: climber);
            await server.GetAsync($"{ConfigMaps}/none");
        });
        // What the server's own components ask meanwhile is not looked at.
        events = [.. events.Where(e => (string?)e["requestURI"] is Secrets or $"{ConfigMaps}/none")];
        var forbidden = events[0];
        Assert.Equal("forbid", (string?)forbidden["annotations"]!["authorization.k8s.io/decision"]);
        Assert.Equal("Failure", (string?)forbidden["responseStatus"]!["status"]);
        Assert.Equal("Forbidden", (string?)forbidden["responseStatus"]!["reason"]);
        Assert.Equal(403, (int)forbidden["responseStatus"]!["code"]!);
        Assert.Equal("""["dev","system:authenticated"]""", forbidden["user"]!["groups"]!.ToJsonString());
        Assert.Equal(401, (int)events[1]["responseStatus"]!["code"]!);
        Assert.Equal("{}", events[1]["user"]!.ToJsonString());
        Assert.Equal("kubernetes-admin", (string?)events[2]["user"]!["username"]);
        Assert.Equal("jane", (string?)events[2]["impersonatedUser"]!["username"]);
        Assert.Equal("climber", (string?)events[3]["user"]!["username"]);
        Assert.Equal(403, (int)events[3]["responseStatus"]!["code"]!);
        Assert.Equal("configmaps \"none\" not found", (string?)events[4]["responseStatus"]!["message"]);
        Assert.DoesNotContain("forged", await File.ReadAllTextAsync(LogPath), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pods_that_their_namespace_only_watches_are_recorded_with_what_they_violate()
    {
        var events = await RecordAsync("omitStages: [RequestReceived]\nrules:\n- {level: Metadata, resources: [{resources: [pods]}]}", async server =>
        {
            await server.PatchAsync("/api/v1/namespaces/default", """{"metadata":{"labels":{"pod-security.kubernetes.io/audit":"baseline"}}}""");
            await server.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
            await server.PostAsync("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"i"}]}}""");
        });
        var annotations = Assert.Single(events)["annotations"]!;
        Assert.Equal("privileged:latest", (string?)annotations["pod-security.kubernetes.io/enforce-policy"]);
        Assert.Equal("would violate PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)", (string?)annotations["pod-security.kubernetes.io/audit-violations"]);
    }

    [Fact]
    public async Task What_a_webhook_changed_is_recorded_at_the_levels_that_show_bodies()
    {
        await using var webhook = await FakeWebhook.StartAsync();
        webhook.On("label", _ => FakeWebhook.Patch("""[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]"""));
        var events = await RecordAsync("""
            omitStages: [RequestReceived]
            rules:
            - {level: Request, verbs: [create], resources: [{resources: [configmaps]}]}
            - {level: Metadata, verbs: [create], resources: [{resources: [secrets]}]}
            """, async server =>
        {
            await server.PostAsync("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", $$$"""
                {"metadata":{"name":"c"},"webhooks":[{"name":"label.example.com","clientConfig":{{{webhook.Client("label")}}},"rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps","secrets"]}],"sideEffects":"None","admissionReviewVersions":["v1"]}]}
                """);
            foreach (var path in (string[])[ConfigMaps, Secrets])
                Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(path, """{"metadata":{"name":"a"}}""")).StatusCode);
        });
        var annotations = events.Where(e => (string?)e["objectRef"]!["name"] == "a").Select(e => e["annotations"]!.AsObject()).ToList();
        const string Patch = "patch.webhook.admission.k8s.io/round_0_index_0";
        Assert.Equal("""{"configuration":"c","webhook":"label.example.com","patch":[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}],"patchType":"JSONPatch"}""", (string?)annotations[0][Patch]);
        Assert.False(annotations[1].ContainsKey(Patch));
        Assert.All(annotations, a => Assert.Equal("""{"configuration":"c","webhook":"label.example.com","mutated":true}""", (string?)a["mutation.webhook.admission.k8s.io/round_0_index_0"]));
    }

    [Fact]
    public async Task A_queue_that_is_full_makes_writers_wait_and_loses_nothing()
    {
        await using (var log = new AuditLog(new AuditOptions { PolicyFile = "", LogPath = LogPath, MaxSizeMegabytes = 1, MaxBackups = 0 }, new AuditMetrics(), TimeProvider.System, NullLogger<AuditLog>.Instance))
        {
            await Parallel.ForEachAsync(Enumerable.Range(0, 6000), async (i, _) => await log.WriteAsync(Encoding.UTF8.GetBytes($"{i} {new string('x', i % 100 == 0 ? 70_000 : 500)}\n")));
        }
        var files = Directory.GetFiles(_directory);
        Assert.True(files.Length > 2);
        Assert.All(files, f => Assert.True(new FileInfo(f).Length <= 1024 * 1024));
        var numbers = files.SelectMany(File.ReadLines).Select(l => int.Parse(l.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)).Order();
        Assert.Equal(Enumerable.Range(0, 6000), numbers);
    }

    [Fact]
    public void Files_put_aside_go_by_count_and_age_and_only_their_owner_reads_them()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
        var line = new byte[700 * 1024];
        using (var file = RotatingFile.Open(new AuditOptions { PolicyFile = "", LogPath = LogPath, MaxSizeMegabytes = 1, MaxBackups = 2, MaxAgeDays = 3 }, time))
        {
            for (var i = 0; i < 5; i++)
            {
                file.Write(line);
                time.Advance(TimeSpan.FromDays(1));
            }
        }
        Assert.Equal(["audit-2026-02-03T12-00-00.000.log", "audit-2026-02-04T12-00-00.000.log", "audit.log"], Directory.GetFiles(_directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(LogPath));
        time.Advance(TimeSpan.FromDays(30));
        using (var file = RotatingFile.Open(new AuditOptions { PolicyFile = "", LogPath = LogPath, MaxSizeMegabytes = 1, MaxBackups = 0, MaxAgeDays = 3 }, time))
            file.Write(line);
        Assert.Equal(2, Directory.GetFiles(_directory).Length);
    }

    [Fact]
    public async Task A_policy_that_cannot_be_read_keeps_the_server_from_starting()
    {
        var exception = await Assert.ThrowsAsync<InvalidDataException>(() => RecordAsync("rules: []", _ => Task.CompletedTask));
        Assert.Contains("policy.yaml", exception.Message, StringComparison.Ordinal);
    }

    private async Task<List<JsonObject>> RecordAsync(string policy, Func<TestApiServer, Task> act)
    {
        var policyFile = Path.Combine(_directory, "policy.yaml");
        await File.WriteAllTextAsync(policyFile, "apiVersion: audit.k8s.io/v1\nkind: Policy\n" + policy);
        await using (var server = await TestApiServer.StartAsync(configure: o => o with { Audit = new AuditOptions { PolicyFile = policyFile, LogPath = LogPath } }))
            await act(server);
        return [.. (await File.ReadAllLinesAsync(LogPath)).Select(l => JsonNode.Parse(l)!.AsObject())];
    }
}
