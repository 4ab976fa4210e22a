using System.Text.Json;
using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Apis.Values;
using LiteKube.Client;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Autoscaling;

/// <summary>
/// Reads metrics through the API server from whoever serves them there (https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/):
/// metrics.k8s.io/v1beta1, custom.metrics.k8s.io/v1beta2 or v1beta1, external.metrics.k8s.io/v1beta1.
/// </summary>
internal sealed class MetricsReader(IKubeTransport transport, KindResources kinds, TimeProvider timeProvider)
{
    private static readonly TimeSpan DefaultWindow = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <summary>A resource's use by pod name.</summary>
    /// <param name="container">Null for whole pods.</param>
    /// <exception cref="MetricException">In Kubernetes' words.</exception>
    public async Task<Dictionary<string, PodMetric>> PodResourcesAsync(string ns, LabelSelector selector, string resource, string? container, CancellationToken cancellationToken)
    {
        var path = $"/apis/metrics.k8s.io/v1beta1/namespaces/{Escape(ns)}/pods?labelSelector={Escape(selector.ToString())}";
        using var document = await GetAsync(path, "resource metrics API", "pods.metrics.k8s.io", cancellationToken);
        var metrics = new Dictionary<string, PodMetric>(StringComparer.Ordinal);
        foreach (var pod in Items(document, "resource metrics API"))
        {
            var containers = pod.TryGetProperty("containers", out var list) ? list.EnumerateArray().ToList() : [];
            var name = pod.GetProperty("metadata").GetProperty("name").GetString()!;
            if (container is not null)
            {
                containers.RemoveAll(c => c.GetProperty("name").GetString() != container);
                if (containers.Count == 0)
                    throw new MetricException($"failed to get container metrics: container {container} not present in metrics for pod {ns}/{name}");
            }
            // A pod of which a container is missing counts as one without metrics.
            if (containers.Count == 0 || !containers.All(c => c.TryGetProperty("usage", out var usage) && usage.TryGetProperty(resource, out _)))
                continue;
            var window = GoDuration.TryParse(Text(pod, "window"), out var given) ? given : DefaultWindow;
            metrics[name] = new PodMetric(Time(pod), window, containers.Sum(c => Milli(c.GetProperty("usage").GetProperty(resource).GetString())));
        }
        return metrics;
    }

    /// <summary>A metric of each pod.</summary>
    public async Task<Dictionary<string, PodMetric>> PodsAsync(string ns, LabelSelector selector, V2MetricIdentifier metric, CancellationToken cancellationToken)
    {
        var path = $"namespaces/{Escape(ns)}/pods/%2A/{Escape(metric.Name)}?labelSelector={Escape(selector.ToString())}{MetricSelector(metric, '&')}";
        using var document = await GetCustomAsync(path, $"pods.custom.metrics.k8s.io *", cancellationToken);
        return Items(document, "custom metrics API").ToDictionary(
            item => item.GetProperty("describedObject").GetProperty("name").GetString()!,
            item => new PodMetric(Time(item), item.TryGetProperty("windowSeconds", out var seconds) && seconds.ValueKind == JsonValueKind.Number ? TimeSpan.FromSeconds(seconds.GetInt64()) : DefaultWindow, Milli(Text(item, "value"))),
            StringComparer.Ordinal);
    }

    /// <summary>A metric of one object.</summary>
    public async Task<long> ObjectAsync(string ns, V2CrossVersionObjectReference about, V2MetricIdentifier metric, CancellationToken cancellationToken)
    {
        string path;
        if (about.Kind == "Namespace" && about.ApiVersion is null or "v1")
        {
            path = $"namespaces/{Escape(about.Name)}/metrics/{Escape(metric.Name)}";
        }
        else
        {
            var resource = await kinds.FindAsync(about.ApiVersion, about.Kind, cancellationToken);
            path = resource.Namespaced
                ? $"namespaces/{Escape(ns)}/{resource.GroupResource}/{Escape(about.Name)}/{Escape(metric.Name)}"
                : $"{resource.GroupResource}/{Escape(about.Name)}/{Escape(metric.Name)}";
        }
        using var document = await GetCustomAsync(path + MetricSelector(metric, '?'), $"{metric.Name}.custom.metrics.k8s.io {about.Name}", cancellationToken);
        return Milli(Text(Items(document, "custom metrics API").First(), "value"));
    }

    /// <summary>The sum of all series of an external metric that the selector matches.</summary>
    public async Task<long> ExternalAsync(string ns, V2MetricIdentifier metric, CancellationToken cancellationToken)
    {
        var selector = LabelSelector.From(metric.Selector ?? new V1LabelSelector()).ToString();
        var path = $"/apis/external.metrics.k8s.io/v1beta1/namespaces/{Escape(ns)}/{Escape(metric.Name)}?labelSelector={Escape(selector)}";
        using var document = await GetAsync(path, "external metrics API", $"{metric.Name}.external.metrics.k8s.io", cancellationToken);
        return Items(document, "external metrics API").Sum(item => Milli(Text(item, "value")));
    }

    private async Task<JsonDocument> GetCustomAsync(string path, string what, CancellationToken cancellationToken)
    {
        var version = await PreferredCustomVersionAsync(cancellationToken);
        return await GetAsync($"/apis/custom.metrics.k8s.io/{version}/{path}", "custom metrics API", what, cancellationToken);
    }

    private async Task<string> PreferredCustomVersionAsync(CancellationToken cancellationToken)
    {
        using var group = await GetAsync("/apis/custom.metrics.k8s.io", "custom metrics API", "custom.metrics.k8s.io", cancellationToken);
        var versions = group.RootElement.TryGetProperty("versions", out var list) ? list.EnumerateArray().Select(v => Text(v, "version")).ToList() : [];
        return versions.Contains("v1beta2") ? "v1beta2" : versions.Contains("v1beta1") ? "v1beta1"
            : throw new MetricException("unable to fetch metrics from custom metrics API: no known available metric versions found");
    }

    private async Task<JsonDocument> GetAsync(string path, string api, string what, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Timeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return JsonDocument.Parse(await transport.GetAsync(path, either.Token));
        }
        catch (KubeApiException e)
        {
            // Nobody serves the API: client-go's words for it, which users search for.
            throw new MetricException($"unable to fetch metrics from {api}: {(e.IsNotFound ? $"the server could not find the requested resource (get {what})" : e.Message)}");
        }
        catch (JsonException e)
        {
            throw new MetricException($"unable to fetch metrics from {api}: {e.Message}");
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new MetricException($"unable to fetch metrics from {api}: no answer within {Timeout.TotalSeconds} seconds");
        }
    }

    private static List<JsonElement> Items(JsonDocument document, string api)
    {
        var items = document.RootElement.TryGetProperty("items", out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().ToList() : [];
        return items.Count > 0 ? items : throw new MetricException($"no metrics returned from {api}");
    }

    private DateTimeOffset Time(JsonElement item) => KubernetesTime.TryParse(Text(item, "timestamp"), out var time) ? time : timeProvider.GetUtcNow();

    private static long Milli(string? quantity) => Quantity.TryParse(quantity, out var value) ? value.ToMilli() : throw new MetricException($"the metric has the value \"{quantity}\", which is no quantity");

    private static string MetricSelector(V2MetricIdentifier metric, char separator) =>
        metric.Selector is null ? "" : $"{separator}metricLabelSelector={Escape(LabelSelector.From(metric.Selector).ToString())}";

    private static string Text(JsonElement value, string name) => value.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";

    private static string Escape(string text) => Uri.EscapeDataString(text);
}
