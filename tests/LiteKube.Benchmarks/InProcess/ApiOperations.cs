using System.Globalization;
using System.Text;
using LiteKube.ApiServer;
using LiteKube.ApiServer.Authentication;
using LiteKube.Testing;

namespace LiteKube.Benchmarks.InProcess;

/// <param name="Run">Does it once; gets a number that grows.</param>
public sealed record ApiOperation(string Name, Func<int, Task> Run);

/// <summary>
/// What clients ask of the API server most, on a server with SQLite on disk, without HTTP: as components of the same
/// process ask it, so that what is measured is ours.
/// </summary>
public sealed class ApiOperations : IAsyncDisposable
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const string Listed = "/api/v1/namespaces/listed/configmaps";
    private const string Protobuf = "application/vnd.kubernetes.protobuf";
    private const int ListLength = 200;
    private const int Watchers = 20;

    private static readonly UserInfo Admin = new("admin", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);
    /// <summary>Whose requests are limited, as those of most are.</summary>
    private static readonly UserInfo Jane = new("jane", [UserInfo.AuthenticatedGroup]);

    private readonly TestApiServer _server;
    private readonly CancellationTokenSource _ending = new();
    private readonly List<Task> _watchers = [];
    private TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _toSee;

    private ApiOperations(TestApiServer server) => _server = server;

    public static async Task<ApiOperations> StartAsync()
    {
        var operations = new ApiOperations(await TestApiServer.StartAsync());
        await operations.SeedAsync();
        return operations;
    }

    public IReadOnlyList<ApiOperation> All =>
    [
        new("get", _ => SendAsync("GET", $"{ConfigMaps}/one", null, "", Jane)),
        new("list of 200", _ => SendAsync("GET", Listed, null, "", Jane)),
        new("list of 200 by label (20)", _ => SendAsync("GET", $"{Listed}?labelSelector=tenth%3D3", null, "", Jane)),
        new("protobuf get", _ => SendAsync("GET", $"{ConfigMaps}/one", null, "", Jane, Protobuf)),
        new("protobuf list of 200", _ => SendAsync("GET", Listed, null, "", Jane, Protobuf)),
        new("create", i => SendAsync("POST", ConfigMaps, ConfigMap($"created-{i}", "v"), "application/json", Admin)),
        new("put", i => SendAsync("PUT", $"{ConfigMaps}/one", ConfigMap("one", Text(i)), "application/json", Admin)),
        new("merge patch", i => SendAsync("PATCH", $"{ConfigMaps}/one", $$$"""{"data":{"k1":"m{{{Text(i)}}}"}}""", "application/merge-patch+json", Admin)),
        new("strategic patch of a pod's status", i => SendAsync("PATCH", "/api/v1/namespaces/default/pods/web/status", PodStatus(i), "application/strategic-merge-patch+json", Admin)),
        new("apply", i => SendAsync("PATCH", $"{ConfigMaps}/applied?fieldManager=bench&force=true", ConfigMap("applied", Text(i)), "application/apply-patch+yaml", Admin)),
        new("put heard by 20 watchers", WatchedPutAsync),
    ];

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_watchers);
        _ending.Dispose();
        await _server.DisposeAsync();
    }

    private async Task SeedAsync()
    {
        await SendAsync("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", """{"metadata":{"name":"jane"},"roleRef":{"kind":"ClusterRole","name":"view","apiGroup":"rbac.authorization.k8s.io"},"subjects":[{"kind":"User","name":"jane"}]}""", "application/json", Admin);
        foreach (var ns in (string[])["listed", "watched"]) await SendAsync("POST", "/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{ns}}}"}}""", "application/json", Admin);
        await SendAsync("POST", "/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""", "application/json", Admin);
        await SendAsync("POST", "/api/v1/namespaces/default/pods", Pod, "application/json", Admin);
        await SendAsync("POST", ConfigMaps, ConfigMap("one", "v"), "application/json", Admin);
        await SendAsync("POST", "/api/v1/namespaces/watched/configmaps", ConfigMap("one", "v"), "application/json", Admin);
        for (var i = 0; i < ListLength; i++) await SendAsync("POST", Listed, ConfigMap($"listed-{i}", "v", i % 10), "application/json", Admin);
        for (var i = 0; i < Watchers; i++) _watchers.Add(Task.Run(WatchAsync));
        await WatchedPutAsync(-1);
    }

    private async Task WatchAsync()
    {
        try
        {
            await foreach (var _ in _server.Server.WatchAsync(new InProcessRequest("GET", "/api/v1/namespaces/watched/configmaps?watch=1", Admin), _ending.Token))
            {
                if (Interlocked.Decrement(ref _toSee) == 0) Volatile.Read(ref _seen).TrySetResult();
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The way in which it ends.
        }
    }

    /// <summary>Ends when every watcher has heard of the write. The first one counts their initial objects, too.</summary>
    private async Task WatchedPutAsync(int i)
    {
        Volatile.Write(ref _seen, new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (i < 0)
        {
            // Each watcher opens with the object that is there: once all have it, they are all open.
            if (Interlocked.Add(ref _toSee, Watchers) > 0) await _seen.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
            return;
        }
        Interlocked.Exchange(ref _toSee, Watchers);
        await SendAsync("PUT", "/api/v1/namespaces/watched/configmaps/one", ConfigMap("one", Text(i)), "application/json", Admin);
        await _seen.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
    }

    private async Task SendAsync(string method, string path, string? body, string contentType, UserInfo user, string? accept = null)
    {
        var bytes = body is null ? default : Encoding.UTF8.GetBytes(body);
        var response = await _server.Server.ExecuteAsync(new InProcessRequest(method, path, user, bytes, contentType, accept), CancellationToken.None);
        if (response.StatusCode >= 300) throw new InvalidOperationException($"{method} {path} answered {response.StatusCode}: {Encoding.UTF8.GetString(response.Body.Span)}");
    }

    private static string Text(int i) => i.ToString(CultureInfo.InvariantCulture);

    private static string ConfigMap(string name, string value, int tenth = 0) =>
        $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}","labels":{"app":"bench","tenth":"{{{tenth}}}"}},"data":{"k1":"{{{value}}}","text":"{{{Filler}}}"}}""";

    private static string PodStatus(int i) => $$$$"""
        {"status":{"phase":"Running","conditions":[{"type":"Ready","status":"{{{{(i % 2 == 0 ? "True" : "False")}}}}","lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:00Z"}],"containerStatuses":[{"name":"web","ready":true,"restartCount":{{{{i}}}},"image":"nginx","imageID":"sha256:abc","state":{"running":{"startedAt":"2026-01-01T00:00:00Z"}}}]}}
        """;

    private static readonly string Filler = new('x', 500);

    private const string Pod = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"nginx","ports":[{"containerPort":80,"name":"http"}],"env":[{"name":"A","value":"1"}],"resources":{"requests":{"cpu":"100m","memory":"64Mi"}}}]}}
        """;
}
