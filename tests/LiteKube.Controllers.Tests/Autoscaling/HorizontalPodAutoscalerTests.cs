using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Autoscaling;

namespace LiteKube.Controllers.Tests.Autoscaling;

/// <summary>Against a server whose scale and metrics are as the test says.</summary>
public sealed class HorizontalPodAutoscalerTests : ControllerTest
{
    private static readonly ObjectKey Key = new("default", "web");
    private readonly Dictionary<string, string> _answers = new(StringComparer.Ordinal)
    {
        ["/apis/apps"] = """{"versions":[{"version":"v1beta1"},{"version":"v1"}],"preferredVersion":{"version":"v1"}}""",
        ["/apis/apps/v1"] = """{"resources":[{"name":"deployments","kind":"Deployment","namespaced":true},{"name":"deployments/scale","kind":"Scale","namespaced":true}]}""",
        ["/apis/custom.metrics.k8s.io"] = """{"versions":[{"version":"v1beta1"},{"version":"v1beta2"}]}""",
    };
    private JsonObject _scale = [];
    private int? _written;

    [Fact]
    public async Task A_target_above_its_utilization_grows_and_says_so()
    {
        var controller = await StartedAsync(2, Resource("cpu", 50));
        _answers[PodMetrics] = Usage("cpu", "100m", "100m");
        Assert.Equal(TimeSpan.FromSeconds(15), (await controller.ReconcileAsync(Key, default)).Requeue);
        Assert.Equal(4, _written);
        var status = Kube.Find<V2HorizontalPodAutoscaler>("default", "web")!.Status;
        Assert.Equal((2, 4), (status.CurrentReplicas, status.DesiredReplicas));
        Assert.Equal(Time.GetUtcNow().UtcDateTime, status.LastScaleTime?.ToUniversalTime());
        Assert.Equal(("cpu", 100, "100m"), (status.CurrentMetrics[0].Resource.Name, status.CurrentMetrics[0].Resource.Current.AverageUtilization, status.CurrentMetrics[0].Resource.Current.AverageValue.ToString()));
        Assert.Equal(["AbleToScale True SucceededRescale", "ScalingActive True ValidMetricFound", "ScalingLimited False DesiredWithinRange"], Conditions());
        Assert.Equal(["Normal SuccessfulRescale New size: 4; reason: cpu resource utilization (percentage of request) above target"], Events.All);
    }

    [Fact]
    public async Task A_target_below_its_utilization_shrinks_when_that_has_lasted()
    {
        var controller = await StartedAsync(2, Resource("cpu", 50));
        _answers[PodMetrics] = Usage("cpu", "5m", "5m");
        await controller.ReconcileAsync(Key, default);
        Assert.Null(_written);
        Assert.Contains("AbleToScale True ScaleDownStabilized", Conditions());
        await SeenAsync<V2HorizontalPodAutoscaler>("default", "web", h => h?.Status?.Conditions?.Count == 3);
        Time.Advance(TimeSpan.FromMinutes(6));
        await controller.ReconcileAsync(Key, default);
        Assert.Equal(1, _written);
        Assert.Equal(["Normal SuccessfulRescale New size: 1; reason: All metrics below target"], Events.All);
    }

    [Fact]
    public async Task Without_a_metrics_server_nothing_is_done_and_the_cause_named()
    {
        var controller = await StartedAsync(2, Resource("cpu", 50));
        await controller.ReconcileAsync(Key, default);
        const string cause = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
        var active = Kube.Find<V2HorizontalPodAutoscaler>("default", "web")!.Status.Conditions.Single(c => c.Type == "ScalingActive");
        Assert.Equal(("False", "FailedGetResourceMetric", "the HPA was unable to compute the replica count: " + cause), (active.Status, active.Reason, active.Message));
        Assert.Equal([$"Warning FailedGetResourceMetric {cause}", $"Warning FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: {cause}"], Events.All);
        Assert.Null(_written);
    }

    [Theory]
    [InlineData("/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/%2A/hits?labelSelector=app%3Dweb", """{"items":[{"describedObject":{"name":"p0"},"value":"30"},{"describedObject":{"name":"p1"},"value":"30"}]}""",
        """{"type":"Pods","pods":{"metric":{"name":"hits"},"target":{"type":"AverageValue","averageValue":"20"}}}""", 3, "pods metric hits")]
    [InlineData("/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/deployments.apps/other/hits?metricLabelSelector=verb%3DGET", """{"items":[{"describedObject":{"name":"other"},"value":"30"}]}""",
        """{"type":"Object","object":{"describedObject":{"apiVersion":"apps/v1","kind":"Deployment","name":"other"},"metric":{"name":"hits","selector":{"matchLabels":{"verb":"GET"}}},"target":{"type":"Value","value":"20"}}}""", 3, "Deployment metric hits")]
    [InlineData("/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/metrics/hits", """{"items":[{"value":"70"}]}""",
        """{"type":"Object","object":{"describedObject":{"apiVersion":"v1","kind":"Namespace","name":"default"},"metric":{"name":"hits"},"target":{"type":"AverageValue","averageValue":"20"}}}""", 4, "Namespace metric hits")]
    [InlineData("/apis/external.metrics.k8s.io/v1beta1/namespaces/default/jobs?labelSelector=queue%3Da", """{"items":[{"value":"30"},{"value":"10"}]}""",
        """{"type":"External","external":{"metric":{"name":"jobs","selector":{"matchLabels":{"queue":"a"}}},"target":{"type":"AverageValue","averageValue":"10"}}}""", 4, "external metric jobs(queue=a)")]
    [InlineData("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dweb", """{"items":[{"metadata":{"name":"p0"},"window":"30s","containers":[{"name":"c","usage":{"cpu":"90m"}},{"name":"other","usage":{"cpu":"1"}}]},{"metadata":{"name":"p1"},"window":"30s","containers":[{"name":"c","usage":{"cpu":"90m"}}]}]}""",
        """{"type":"ContainerResource","containerResource":{"container":"c","name":"cpu","target":{"type":"Utilization","averageUtilization":60}}}""", 3, "cpu container resource utilization (percentage of request)")]
    public async Task Each_type_of_metric_is_read_where_it_is_served(string path, string answer, string metric, int replicas, string name)
    {
        var controller = await StartedAsync(2, LiteKube.Client.Json.KubeJson.Deserialize<V2MetricSpec>(Encoding.UTF8.GetBytes(metric)));
        _answers[path] = answer;
        await controller.ReconcileAsync(Key, default);
        Assert.Equal(replicas, _written);
        Assert.Equal([$"Normal SuccessfulRescale New size: {replicas}; reason: {name} above target"], Events.All);
    }

    [Fact]
    public async Task Of_several_metrics_the_highest_counts_and_a_missing_one_keeps_the_target_from_shrinking()
    {
        var controller = await StartedAsync(2, Resource("cpu", 50), Resource("memory", 50));
        _answers[PodMetrics] = """{"items":[{"metadata":{"name":"p0"},"containers":[{"name":"c","usage":{"cpu":"60m"}}]},{"metadata":{"name":"p1"},"containers":[{"name":"c","usage":{"cpu":"60m"}}]}]}""";
        await controller.ReconcileAsync(Key, default);
        Assert.Equal(3, _written);
        _written = null;
        _answers[PodMetrics] = _answers[PodMetrics].Replace("60m", "1m", StringComparison.Ordinal);
        Time.Advance(TimeSpan.FromMinutes(10));
        await SeenAsync<V2HorizontalPodAutoscaler>("default", "web", h => h?.Status?.DesiredReplicas == 3);
        await controller.ReconcileAsync(Key, default);
        Assert.Null(_written);
        Assert.Contains("ScalingActive False FailedGetResourceMetric", Conditions());
    }

    [Theory]
    [InlineData(0, null, "ScalingActive False ScalingDisabled")]
    [InlineData(9, 5, "AbleToScale True SucceededRescale")]
    public async Task A_target_outside_its_bounds_is_brought_back_and_one_at_zero_left(int current, int? written, string condition)
    {
        var controller = await StartedAsync(current, Resource("cpu", 50));
        await controller.ReconcileAsync(Key, default);
        Assert.Equal(written, _written);
        Assert.Contains(condition, Conditions());
    }

    [Fact]
    public async Task A_target_that_is_not_there_is_named()
    {
        var controller = await StartedAsync(2, Resource("cpu", 50));
        _scale = [];
        await controller.ReconcileAsync(Key, default);
        Assert.Equal(["AbleToScale False FailedGetScale"], Conditions());
        Assert.StartsWith("Warning FailedGetScale ", Events.All.First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_autoscalers_of_the_same_pods_do_nothing()
    {
        var controller = await StartedAsync(2, Resource("cpu", 50));
        _answers[PodMetrics] = Usage("cpu", "50m", "50m");
        await controller.ReconcileAsync(Key, default);
        var other = Build(Resource("cpu", 50));
        other.Metadata = new V1ObjectMeta { Name = "web2", NamespaceProperty = "default", Uid = "uid-web2" };
        Kube.Seed(other);
        await SeenAsync<V2HorizontalPodAutoscaler>("default", "web2", h => h is not null);
        await controller.ReconcileAsync(new ObjectKey("default", "web2"), default);
        Assert.Contains(Events.All, e => e == "Warning AmbiguousSelector pods by selector app=web are controlled by multiple HPAs: [default/web default/web2]");
        Assert.Null(_written);
    }

    private const string PodMetrics = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dweb";

    private async Task<HorizontalPodAutoscalerController> StartedAsync(int replicas, params V2MetricSpec[] metrics)
    {
        _scale = JsonNode.Parse($$$"""{"metadata":{"name":"web"},"spec":{"replicas":{{{replicas}}} },"status":{"replicas":{{{replicas}}},"selector":"app=web"} }""")!.AsObject();
        Kube.Seed(Build(metrics));
        for (var i = 0; i < 2; i++)
        {
            var pod = Tests.Build.Pod("p" + i);
            pod.Status.StartTime = Tests.Build.Epoch.AddDays(-1);
            pod.Status.Conditions[0].LastTransitionTime = Tests.Build.Epoch.AddDays(-1);
            pod.Spec.Containers[0].Resources = new V1ResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("100m"), ["memory"] = new("100Mi") } };
            Kube.Seed(pod);
        }
        Kube.Intercept = Answer;
        var controller = new HorizontalPodAutoscalerController(Kube.Client, Informers, Events, Time);
        await SeenAsync<V2HorizontalPodAutoscaler>("default", "web", h => h is not null);
        await SeenAsync<V1Pod>("default", "p1", p => p is not null);
        return controller;
    }

    private KubeResponse? Answer(KubeRequest request)
    {
        if (request.PathAndQuery == "/apis/apps/v1/namespaces/default/deployments/web/scale")
        {
            if (request.Method == "PUT")
                _written = (int)JsonNode.Parse(request.Body.Span)!["spec"]!["replicas"]!;
            return _scale.Count == 0 ? Testing.InMemoryKube.Failure(404, "NotFound", "deployments.apps \"web\" not found") : new KubeResponse(200, Encoding.UTF8.GetBytes(_scale.ToJsonString()));
        }
        if (_answers.TryGetValue(request.PathAndQuery, out var answer))
            return new KubeResponse(200, Encoding.UTF8.GetBytes(answer));
        return request.PathAndQuery.Contains("metrics.k8s.io", StringComparison.Ordinal) ? Testing.InMemoryKube.Failure(404, "NotFound", "the server could not find the requested resource") : null;
    }

    private IEnumerable<string> Conditions() => Kube.Find<V2HorizontalPodAutoscaler>("default", "web")!.Status.Conditions.Select(c => $"{c.Type} {c.Status} {c.Reason}");

    private static string Usage(string resource, params string[] values) =>
        $$"""{"items":[{{string.Join(',', values.Select((v, i) => $$$"""{"metadata":{"name":"p{{{i}}}"},"window":"30s","containers":[{"name":"c","usage":{"{{{resource}}}":"{{{v}}}"}}]}"""))}}]}""";

    private static V2MetricSpec Resource(string name, int utilization) => new() { Type = "Resource", Resource = new V2ResourceMetricSource { Name = name, Target = new V2MetricTarget { Type = "Utilization", AverageUtilization = utilization } } };

    private static V2HorizontalPodAutoscaler Build(params V2MetricSpec[] metrics) => new()
    {
        Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "default", Uid = "uid-web" },
        Spec = new V2HorizontalPodAutoscalerSpec { MinReplicas = 1, MaxReplicas = 5, ScaleTargetRef = new V2CrossVersionObjectReference { ApiVersion = "apps/v1", Kind = "Deployment", Name = "web" }, Metrics = metrics },
        Status = new V2HorizontalPodAutoscalerStatus(),
    };
}
