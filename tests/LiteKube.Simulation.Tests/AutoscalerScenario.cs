using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Autoscaling;
using LiteKube.Testing;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// A HorizontalPodAutoscaler under a load that jumps and bounds that move: the scale stays within them, changes no
/// faster than its behaviour says, and comes to what the load asks for.
/// </summary>
internal sealed class AutoscalerScenario : Scenario
{
    private const string ScalePath = "/apis/apps/v1/namespaces/default/deployments/web/scale";
    private const int PerReplica = 10;
    private const int UpPerPeriod = 2;
    private const int DownPerPeriod = 1;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(60);

    /// <summary>Between a decision and its write, at most.</summary>
    private static readonly TimeSpan Lag = TimeSpan.FromSeconds(20);

    private readonly List<(DateTimeOffset At, int From, int To)> _changes = [];
    private RecentValues _max = null!;
    private RecentValues _min = null!;
    private int _load = 3;
    private int _replicas = 3;
    private int _version = 1;
    private string? _violated;

    public override IEnumerable<IComponent> Controllers(Life life)
    {
        // What was done is remembered by one life only, as in Kubernetes.
        _changes.Clear();
        return [new HorizontalPodAutoscalerController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers)];
    }

    protected override void SetUp()
    {
        Kube.Serve<V1Deployment>().Intercept = Answer;
        (_min, _max) = (Recent(1), Recent(8));
        Write(new V2HorizontalPodAutoscaler
        {
            Metadata = Named("web"),
            Spec = new()
            {
                ScaleTargetRef = new() { ApiVersion = "apps/v1", Kind = "Deployment", Name = "web" },
                MinReplicas = _min.Current,
                MaxReplicas = _max.Current,
                Metrics = [new() { Type = "External", External = new() { Metric = new() { Name = "load" }, Target = new() { Type = "AverageValue", AverageValue = new($"{PerReplica}") } } }],
                Behavior = new()
                {
                    ScaleUp = new() { StabilizationWindowSeconds = 0, SelectPolicy = "Max", Policies = [new() { Type = "Pods", Value = UpPerPeriod, PeriodSeconds = (int)Period.TotalSeconds }] },
                    ScaleDown = new() { StabilizationWindowSeconds = 60, SelectPolicy = "Max", Policies = [new() { Type = "Pods", Value = DownPerPeriod, PeriodSeconds = (int)Period.TotalSeconds }] },
                },
            },
            Status = new(),
        });
    }

    public override void Act()
    {
        switch (Random.Next(30))
        {
            case 0 or 1:
                _load = Random.Next(11);
                Simulation.Trace($"the load is {_load}");
                break;
            case 2:
                _max.Set(Random.Next(4, 9));
                Change(Autoscaler(), a => a.Spec.MaxReplicas = _max.Current);
                break;
            case 3:
                _min.Set(Random.Next(1, 4));
                Change(Autoscaler(), a => a.Spec.MinReplicas = _min.Current);
                break;
            case < 20:
                Simulation.Time.Advance(TimeSpan.FromSeconds(Random.Next(1, 20)));
                break;
        }
    }

    public override void CheckAlways() => Require(_violated is null, _violated ?? "");

    public override void CheckSettled()
    {
        CheckAlways();
        var wanted = Math.Clamp(_load, _min.Current, _max.Current);
        Require(_replicas == wanted, $"the scale is {_replicas} and the load asks for {wanted}");
        var status = Autoscaler().Status;
        Require(status.CurrentReplicas == wanted && status.DesiredReplicas == wanted, $"the status tells of {status.CurrentReplicas} replicas, and of {status.DesiredReplicas} that are wanted");
        Require(status.Conditions.Any(c => c is { Type: "ScalingActive", Status: "True" }), "it does not say that it is active");
    }

    private void Rescale(int replicas)
    {
        Simulation.Trace($"the scale goes from {_replicas} to {replicas}");
        _changes.Add((Now, _replicas, replicas));
        _changes.RemoveAll(c => c.At <= Now - Period - Lag);
        (_replicas, _version) = (replicas, _version + 1);
        if (replicas > _max.Greatest || replicas < _min.Least)
            _violated ??= $"it was scaled to {replicas}, between {_min.Least} and {_max.Greatest} was allowed";
        // Bounds are kept at once, at whatever rate. What was written without its writer's knowledge cannot be reckoned with.
        var isForced = _changes.Exists(c => c.From > _max.Least || c.From < _min.Greatest);
        if (!isForced && Simulation.LostAnswers == 0 && !Starts().Any(start => replicas - start <= UpPerPeriod && start - replicas <= DownPerPeriod))
            _violated ??= $"it was scaled from {_changes[^1].From} to {replicas}, within a minute from {string.Join(" or ", Starts())}";
    }

    /// <summary>The scale a period ago. The controller decided before it wrote, so a change that has just left the period may have been in it then.</summary>
    private IEnumerable<int> Starts()
    {
        for (var i = 0; i < _changes.Count; i++)
        {
            if (i == 0 || _changes[i - 1].At <= Now - Period)
                yield return _changes[i].From;
        }
    }

    /// <summary>The scale of the target and the metric, which no store holds.</summary>
    private KubeResponse? Answer(KubeRequest request)
    {
        if (request.PathAndQuery == "/apis/apps")
            return Json("""{"versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}}""");
        if (request.PathAndQuery.StartsWith("/apis/external.metrics.k8s.io/v1beta1/namespaces/default/load", StringComparison.Ordinal))
            return Json($$"""{"items":[{"value":"{{_load * PerReplica}}"}]}""");
        if (request.PathAndQuery != ScalePath)
            return null;
        if (request.Method == "PUT")
        {
            var body = JsonNode.Parse(request.Body.Span)!;
            if (body["metadata"]!["resourceVersion"]!.GetValue<string>() != $"{_version}")
                return InMemoryKube.Failure(409, "Conflict", "it was scaled meanwhile");
            Rescale(body["spec"]!["replicas"]!.GetValue<int>());
        }
        return Json($$$"""{"metadata":{"name":"web","namespace":"default","resourceVersion":"{{{_version}}}"},"spec":{"replicas":{{{_replicas}}}},"status":{"replicas":{{{_replicas}}},"selector":"app=web"}}""");
    }

    private static KubeResponse Json(string text) => new(200, Encoding.UTF8.GetBytes(text));

    private V2HorizontalPodAutoscaler Autoscaler() => Kube.Find<V2HorizontalPodAutoscaler>(Ns, "web")!;
}
