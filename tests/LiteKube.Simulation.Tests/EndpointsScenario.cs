using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Endpoints;
using LiteKube.Controllers.EndpointSlices;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// Services that change their selectors and ports, go and come back, over pods that come, flap, terminate and go:
/// EndpointSlices and Endpoints hold each of their pods once, as it stands, and nobody else's slices are touched.
/// </summary>
internal sealed class EndpointsScenario : Scenario
{
    private const int MaxPerSlice = 3;
    private const int MaxPods = 12;
    private const string ManagedBy = "endpointslice.kubernetes.io/managed-by";
    private const string ServiceName = "kubernetes.io/service-name";
    private static readonly string[] Apps = ["web", "api"];

    private string? _foreignVersion;
    private int _made;

    public override IEnumerable<IComponent> Controllers(Life life) =>
    [
        new EndpointSliceController(life.Client, life.Informers, life.Events, life.Time, MaxPerSlice).CreateRunner(life.Loggers),
        new EndpointsController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers),
    ];

    protected override void SetUp()
    {
        foreach (var name in Apps)
            MakeService(name);
        var foreign = new V1EndpointSlice { Metadata = Named("by-hand"), AddressType = "IPv4", Endpoints = [new V1Endpoint { Addresses = ["192.0.2.1"] }], Ports = [] };
        foreign.Metadata.Labels = new Dictionary<string, string> { [ServiceName] = "web" };
        _foreignVersion = Write(foreign).Metadata.ResourceVersion;
    }

    public override void Act()
    {
        var pod = Pick(World.Pods);
        var service = Pick(Kube.All<V1Service>(Ns));
        switch (Random.Next(30))
        {
            case < 5 when World.Pods.Count < MaxPods:
                MakePod();
                break;
            case 5 or 6 when pod is { Status.Phase: "Running" }:
                World.SetReady(pod, !pod.IsReady());
                break;
            case 7 when pod is not null:
                World.Delete(pod);
                break;
            case 8 when pod is { Status.Phase: "Running" }:
                World.Finish(pod, "Failed");
                break;
            case 9 when pod is not null:
                World.Change(pod, p => p.Metadata.Labels = LabelsOf(Pick(Apps)!));
                break;
            case 10 when service is not null:
                Change(service, s => s.Spec.PublishNotReadyAddresses = s.Spec.PublishNotReadyAddresses != true);
                break;
            case 11 when service is not null:
                Change(service, s => s.Spec.Selector = LabelsOf(Pick(Apps)!));
                break;
            case 12 when service is not null:
                Change(service, s => s.Spec.Ports = Ports());
                break;
            case 13 when service is not null:
                Delete(service);
                break;
            case 14 or 15:
                if (Apps.FirstOrDefault(a => Kube.Find<V1Service>(Ns, a) is null) is { } gone)
                    MakeService(gone);
                break;
            case 16 when Pick(Slices()) is { } slice:
                Delete(slice);
                break;
            case 17 when Pick(Slices()) is { Endpoints.Count: > 0 } slice:
                slice.Endpoints.RemoveAt(0);
                Write(slice);
                break;
            default:
                if (pod is not null)
                    World.Advance(pod);
                break;
        }
    }

    public override void CheckAlways()
    {
        foreach (var slice in Slices())
        {
            var addresses = (slice.Endpoints ?? []).SelectMany(e => e.Addresses).ToList();
            Require(addresses.Count <= MaxPerSlice, $"{slice.Metadata.Name} has {addresses.Count} endpoints");
            Require(addresses.Distinct().Count() == addresses.Count, $"{slice.Metadata.Name} has an address twice: {string.Join(' ', addresses)}");
        }
        // Between two writes a pod may stand in two slices, under its former ports and under those it has now.
        foreach (var same in Slices().SelectMany(s => (s.Endpoints ?? []).Select(e => (Service: s.Metadata.Labels[ServiceName], Address: e.Addresses.Single(), Ports: Text(s.Ports.Select(p => (p.Name, p.Port ?? 0)))))).GroupBy(e => e))
            Require(same.Count() <= 1 + Simulation.LostAnswers, $"{same.Key} is in {same.Count()} slices");
        Require(Kube.Find<V1EndpointSlice>(Ns, "by-hand")?.Metadata.ResourceVersion == _foreignVersion, "a slice was written that is somebody else's");
    }

    public override void CheckSettled()
    {
        var services = Kube.All<V1Service>(Ns);
        foreach (var slice in Slices())
        {
            var owner = services.FirstOrDefault(s => s.Metadata.Name == slice.Metadata.Labels[ServiceName]);
            Require(owner is not null, $"{slice.Metadata.Name} is left of a Service that is gone");
            Require(slice.Metadata.OwnerReferences?.Single().Uid == owner!.Metadata.Uid, $"{slice.Metadata.Name} is owned by another Service");
        }
        foreach (var service in services)
        {
            var pods = World.Pods.Where(p => p.Metadata.Labels["app"] == service.Spec.Selector["app"] && p.Status?.PodIP is not null && p.IsUnfinished()).ToList();
            RequireSame($"the slices of {service.Metadata.Name}", pods.Select(p => InSlice(service, p)), SlicesOf(service).SelectMany(InSlice));
            RequireSame($"the Endpoints of {service.Metadata.Name}", pods.Select(p => InEndpoints(service, p)).OfType<string>(), InEndpoints(Kube.Find<V1Endpoints>(Ns, service.Metadata.Name)));
            Require(SlicesOf(service).Any(), $"{service.Metadata.Name} has no slice, not even an empty one");
        }
        foreach (var left in Kube.All<V1Endpoints>(Ns))
            Require(services.Any(s => s.Metadata.Name == left.Metadata.Name), $"Endpoints {left.Metadata.Name} are left of a Service that is gone");
    }

    private static void RequireSame(string what, IEnumerable<string> wanted, IEnumerable<string> actual)
    {
        var (expected, found) = (string.Join("; ", wanted.Order(StringComparer.Ordinal)), string.Join("; ", actual.Order(StringComparer.Ordinal)));
        Require(expected == found, $"{what} should be\n{expected}\nand are\n{found}");
    }

    private static string InSlice(V1Service service, V1Pod pod)
    {
        var serving = IsServing(pod);
        var terminating = pod.Metadata.DeletionTimestamp is not null;
        var ready = service.Spec.PublishNotReadyAddresses == true || (serving && !terminating);
        return $"{pod.Status.PodIP} {PortsText(service, pod)} ready={ready} serving={serving} terminating={terminating}";
    }

    private static IEnumerable<string> InSlice(V1EndpointSlice slice) => (slice.Endpoints ?? []).Select(e =>
        $"{e.Addresses.Single()} {Text(slice.Ports.Select(p => (p.Name, p.Port ?? 0)))} ready={e.Conditions.Ready} serving={e.Conditions.Serving} terminating={e.Conditions.Terminating}");

    private static string? InEndpoints(V1Service service, V1Pod pod)
    {
        var publishes = service.Spec.PublishNotReadyAddresses == true;
        return pod.Metadata.DeletionTimestamp is not null && !publishes ? null : $"{pod.Status.PodIP} {PortsText(service, pod)} ready={publishes || IsServing(pod)}";
    }

    private static IEnumerable<string> InEndpoints(V1Endpoints? endpoints)
    {
        foreach (var subset in endpoints?.Subsets ?? [])
        {
            var ports = Text(subset.Ports.Select(p => (p.Name ?? "", p.Port)));
            foreach (var address in subset.Addresses ?? [])
                yield return $"{address.Ip} {ports} ready=True";
            foreach (var address in subset.NotReadyAddresses ?? [])
                yield return $"{address.Ip} {ports} ready=False";
        }
    }

    private static bool IsServing(V1Pod pod) => pod.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" });

    private static string PortsText(V1Service service, V1Pod pod) => Text(service.Spec.Ports.Select(p => (p.Name, p.TargetPort.Value == "http" ? pod.Spec.Containers[0].Ports[0].ContainerPort : p.Port)));

    private static string Text(IEnumerable<(string Name, int Port)> ports) => string.Join(',', ports.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => $"{p.Name}:{p.Port}"));

    private static Dictionary<string, string> LabelsOf(string app) => new() { ["app"] = app };

    private IEnumerable<V1EndpointSlice> SlicesOf(V1Service service) => Slices().Where(s => s.Metadata.Labels[ServiceName] == service.Metadata.Name);

    private List<V1EndpointSlice> Slices() => [.. Kube.All<V1EndpointSlice>(Ns).Where(s => s.Metadata.Labels?.ContainsKey(ManagedBy) == true)];

    private void MakeService(string name) =>
        Write(new V1Service { Metadata = Named(name), Spec = new() { ClusterIP = "10.96.0.1", Selector = LabelsOf(name), Ports = Ports() } });

    /// <summary>By number, or by the name of a port that has another number from pod to pod.</summary>
    private List<V1ServicePort> Ports() => Random.Next(3) switch
    {
        0 => [new() { Name = "http", Port = 80, TargetPort = "http" }],
        1 => [new() { Name = "http", Port = 80, TargetPort = "http" }, new() { Name = "metrics", Port = 9100, TargetPort = "9100" }],
        _ => [new() { Name = "plain", Port = 7000, TargetPort = "7000" }],
    };

    private void MakePod()
    {
        var pod = NewPod($"pod-{++_made}", LabelsOf(Pick(Apps)!));
        World.Change(pod, p => p.Spec.Containers[0].Ports = [new() { Name = "http", ContainerPort = Random.Next(2) == 0 ? 8080 : 9090 }]);
    }
}
