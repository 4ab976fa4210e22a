using System.Diagnostics;
using System.Text.Json;

namespace LiteKube.Benchmarks;

/// <summary>What a user waits for: one pod by `kubectl run`, and a Deployment of thirty, there and gone. The image is present.</summary>
internal sealed class PodTimes(KubeEndpoint endpoint, string image)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Seconds from the start of `kubectl run` until the pod is Ready.</summary>
    public async Task<double> OnePodAsync(CancellationToken cancellationToken)
    {
        double seconds = 0;
        await Requests.InNamespaceAsync(endpoint, "bench-one", async ns =>
        {
            using var client = endpoint.Connect();
            await ServiceAccountAsync(client, ns, cancellationToken);
            using var pods = await Watcher.OpenAsync(client, $"/api/v1/namespaces/{ns}/pods", cancellationToken);
            var watch = Stopwatch.StartNew();
            await Commands.RunAsync("kubectl", ["--kubeconfig", endpoint.Path, "-n", ns, "run", "one", $"--image={image}", "--image-pull-policy=IfNotPresent",
                """--overrides={"spec":{"terminationGracePeriodSeconds":1}}""", "--", "sleep", "100000"], cancellationToken);
            await pods.UntilAsync("the pod Ready", static (_, pod) => IsReady(pod), Limit, cancellationToken);
            seconds = watch.Elapsed.TotalSeconds;
        }, cancellationToken);
        return seconds;
    }

    /// <summary>Seconds from creation until thirty pods are Ready, and from deletion until the last is gone. The grace period is one second, since sleep ignores SIGTERM.</summary>
    public async Task<(double Ready, double Gone)> ThirtyAsync(CancellationToken cancellationToken)
    {
        double ready = 0, gone = 0;
        await Requests.InNamespaceAsync(endpoint, "bench-thirty", async ns =>
        {
            using var client = endpoint.Connect();
            await ServiceAccountAsync(client, ns, cancellationToken);
            using var pods = await Watcher.OpenAsync(client, $"/api/v1/namespaces/{ns}/pods", cancellationToken);
            var deployments = $"/apis/apps/v1/namespaces/{ns}/deployments";
            var names = new HashSet<string>(StringComparer.Ordinal);

            var watch = Stopwatch.StartNew();
            await client.PostAsync(deployments, Deployment(), cancellationToken);
            await pods.UntilAsync("30 pods Ready", (_, pod) =>
            {
                if (IsReady(pod))
                    names.Add(pod.GetProperty("metadata").GetProperty("name").GetString()!);
                return names.Count == 30;
            }, Limit, cancellationToken);
            ready = watch.Elapsed.TotalSeconds;

            watch.Restart();
            await client.DeleteAsync(deployments + "/thirty", """{"propagationPolicy":"Background"}""", cancellationToken);
            await pods.UntilAsync("30 pods gone", (type, pod) =>
            {
                if (type == "DELETED")
                    names.Remove(pod.GetProperty("metadata").GetProperty("name").GetString()!);
                return names.Count == 0;
            }, Limit, cancellationToken);
            gone = watch.Elapsed.TotalSeconds;
        }, cancellationToken);
        return (ready, gone);
    }

    private string Deployment() =>
        $$$$$$"""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"thirty"},"spec":{"replicas":30,"selector":{"matchLabels":{"app":"thirty"}},"template":{"metadata":{"labels":{"app":"thirty"}},"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"c","image":"{{{{{{image}}}}}}","imagePullPolicy":"IfNotPresent","command":["sleep","100000"]}]}}}}""";

    private static bool IsReady(JsonElement pod) =>
        pod.TryGetProperty("status", out var status) && status.TryGetProperty("conditions", out var conditions) &&
        conditions.EnumerateArray().Any(c => c.GetProperty("type").ValueEquals("Ready") && c.GetProperty("status").ValueEquals("True"));

    /// <summary>Pods are refused until the namespace's default ServiceAccount is there.</summary>
    private static async Task ServiceAccountAsync(HttpClient client, string ns, CancellationToken cancellationToken)
    {
        using var accounts = await Watcher.OpenAsync(client, $"/api/v1/namespaces/{ns}/serviceaccounts", cancellationToken);
        await accounts.UntilAsync("the default service account", static (_, account) => account.GetProperty("metadata").GetProperty("name").ValueEquals("default"), Limit, cancellationToken);
    }
}
