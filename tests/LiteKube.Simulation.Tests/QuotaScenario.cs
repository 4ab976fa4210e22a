using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.GarbageCollection;
using LiteKube.Controllers.ResourceQuotas;

namespace LiteKube.Simulation.Tests;

/// <summary>Quotas whose namespace gains and loses pods, services, claims and objects that are merely counted: their status comes to what is there.</summary>
internal sealed class QuotaScenario : Scenario
{
    /// <summary>Apart, since what is merely counted is heard of in another way.</summary>
    private static readonly Dictionary<string, string[]> Names = new()
    {
        ["amounts"] = ["pods", "requests.cpu", "services.nodeports", "persistentvolumeclaims", "requests.storage"],
        ["counts"] = ["count/pods", "count/configmaps"],
    };

    private int _made;

    public override IEnumerable<IComponent> Controllers(Life life)
    {
        var counts = new GarbageCollector(life.Client, life.Events, life.Loggers, life.Time, life.Random);
        return [counts, new ResourceQuotaController(life.Client, life.Informers, counts, life.Time).CreateRunner(life.Loggers)];
    }

    protected override void SetUp()
    {
        Kube.Serve<V1Pod>().Serve<V1ConfigMap>().Serve<V1Service>().Serve<V1PersistentVolumeClaim>().Serve<V1ResourceQuota>();
        foreach (var name in Names.Keys)
            Write(new V1ResourceQuota { Metadata = Named(name), Spec = new() { Hard = Hard(name) } });
    }

    public override void Act()
    {
        var pod = Pick(World.Pods);
        var name = $"object-{++_made}";
        // Some are of no concern to the quota.
        var ns = Random.Next(5) == 0 ? "other" : Ns;
        switch (Random.Next(20))
        {
            case < 3 when World.Pods.Count < 8:
                MakePod(name);
                break;
            case 3:
                Write(new V1ConfigMap { Metadata = new() { Name = name, NamespaceProperty = ns } });
                break;
            case 4:
                Write(new V1Service { Metadata = new() { Name = name, NamespaceProperty = ns }, Spec = new() { Type = "NodePort", Ports = [new() { Port = 80 }, new() { Port = 443 }] } });
                break;
            case 5:
                Write(new V1PersistentVolumeClaim { Metadata = new() { Name = name, NamespaceProperty = ns }, Spec = new() { Resources = new() { Requests = Of("storage", $"{Random.Next(1, 5)}Gi") } } });
                break;
            case 6 when Pick(Kube.All<V1ConfigMap>(Ns)) is { } map:
                Delete(map);
                break;
            case 7 when Pick(Kube.All<V1Service>(Ns)) is { } service:
                Delete(service);
                break;
            case 8 when Pick(Kube.All<V1PersistentVolumeClaim>(Ns)) is { } claim:
                Delete(claim);
                break;
            case 9 when pod is not null:
                World.Delete(pod);
                break;
            case 10 when pod is { Status.Phase: "Running" }:
                World.Finish(pod, "Succeeded");
                break;
            case 11:
                var changed = Pick(Kube.All<V1ResourceQuota>(Ns))!;
                Change(changed, q => q.Spec.Hard = Hard(q.Metadata.Name));
                break;
            default:
                if (pod is not null)
                    World.Advance(pod);
                break;
        }
    }

    public override void CheckAlways()
    {
        // Admission counts for itself; what the status says in between harms nobody.
    }

    public override void CheckSettled()
    {
        var quotas = Kube.All<V1ResourceQuota>(Ns);
        var running = World.Pods.Where(p => p.IsUnfinished()).ToList();
        var claims = Kube.All<V1PersistentVolumeClaim>(Ns);
        RequireUsed("pods", running.Count);
        RequireUsed("count/pods", World.Pods.Count);
        RequireUsed("requests.cpu", running.Sum(p => p.Spec.Containers[0].Resources.Requests["cpu"].ToDecimal()));
        RequireUsed("count/configmaps", Kube.All<V1ConfigMap>(Ns).Count);
        RequireUsed("services.nodeports", Kube.All<V1Service>(Ns).Count * 2);
        RequireUsed("persistentvolumeclaims", claims.Count);
        RequireUsed("requests.storage", claims.Sum(c => c.Spec.Resources.Requests["storage"].ToDecimal()));

        void RequireUsed(string name, decimal wanted)
        {
            var quota = quotas.Single(q => q.Spec.Hard.ContainsKey(name));
            var used = quota.Status.Used[name];
            Require(used.ToDecimal() == wanted, $"{name}: {used} is said to be used, and {wanted} is");
            Require(quota.Status.Hard[name].ToDecimal() == quota.Spec.Hard[name].ToDecimal(), $"{name}: the status shows another limit than the spec");
        }
    }

    private void MakePod(string name)
    {
        var spec = Template(new Dictionary<string, string>()).Spec;
        spec.Containers[0].Resources = new() { Requests = Of("cpu", $"{Random.Next(1, 10) * 100}m") };
        Write(new V1Pod { Metadata = Named(name), Spec = spec });
    }

    private Dictionary<string, ResourceQuantity> Hard(string quota)
    {
        var limit = new ResourceQuantity($"{Random.Next(10, 100)}");
        return Names[quota].ToDictionary(n => n, _ => limit);
    }

    private static Dictionary<string, ResourceQuantity> Of(string name, string amount) => new() { [name] = new(amount) };
}
