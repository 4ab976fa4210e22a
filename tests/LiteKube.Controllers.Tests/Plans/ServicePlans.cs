using k8s.Models;
using LiteKube.Controllers.Endpoints;
using LiteKube.Controllers.EndpointSliceMirroring;
using LiteKube.Controllers.EndpointSlices;

namespace LiteKube.Controllers.Tests.Plans;

internal static class ServicePlans
{
    /// <summary>So few that a file can show full slices.</summary>
    private const int MaxEndpoints = 3;

    public static string EndpointSlice(PlanCase given)
    {
        var zones = given.All<V1Node>("Node").ToDictionary(n => n.Metadata.Name, n => n.Metadata.Labels?.TryGetValue("topology.kubernetes.io/zone", out var zone) == true ? zone : null);
        var plan = EndpointSlicePlan.Compute(given.One<V1Service>("Service"), given.Pods, node => zones.GetValueOrDefault(node), given.All<V1EndpointSlice>("EndpointSlice").ToList(), null, MaxEndpoints);
        return Slices(plan.Create, plan.Update, plan.Delete).ToString();
    }

    public static string Mirroring(PlanCase given)
    {
        var endpoints = given.One<V1Endpoints>("Endpoints");
        if (!MirrorPlan.ShouldMirror(endpoints, given.All<V1Service>("Service").FirstOrDefault()))
            return "mirror nothing\n";
        var plan = MirrorPlan.Compute(endpoints, given.All<V1EndpointSlice>("EndpointSlice").ToList());
        var text = Slices(plan.Create, plan.Update, plan.Delete);
        if (plan.InvalidAddresses > 0)
            text.Line($"leave out {plan.InvalidAddresses} invalid addresses");
        return text.ToString();
    }

    public static string Endpoints(PlanCase given)
    {
        var plan = EndpointsPlan.Compute(given.One<V1Service>("Service"), given.Pods, given.All<V1Endpoints>("Endpoints").FirstOrDefault(), null);
        var text = new PlanText();
        if (plan is null)
            return text.ToString();
        text.Line($"write {plan.Metadata.Name} labels {Pairs(plan.Metadata.Labels)}");
        foreach (var subset in plan.Subsets ?? [])
        {
            text.Line($"  subset of {string.Join(' ', (subset.Ports ?? []).Select(p => $"{p.Name}:{p.Port}/{p.Protocol}"))}");
            foreach (var address in subset.Addresses ?? [])
                text.Line($"    {address.Ip} ready {Name(address.TargetRef)}{Of(" hostname ", address.Hostname)}{Of(" on ", address.NodeName)}");
            foreach (var address in subset.NotReadyAddresses ?? [])
                text.Line($"    {address.Ip} not ready {Name(address.TargetRef)}{Of(" hostname ", address.Hostname)}{Of(" on ", address.NodeName)}");
        }
        return text.ToString();
    }

    private static PlanText Slices(IEnumerable<V1EndpointSlice> create, IEnumerable<V1EndpointSlice> update, IEnumerable<V1EndpointSlice> delete)
    {
        var text = new PlanText();
        foreach (var slice in create)
            Slice(text, "create " + slice.Metadata.GenerateName, slice);
        foreach (var slice in update)
            Slice(text, "update " + slice.Metadata.Name, slice);
        foreach (var slice in delete)
            text.Line($"delete {slice.Metadata.Name}");
        return text;
    }

    private static void Slice(PlanText text, string action, V1EndpointSlice slice)
    {
        text.Line($"{action} {slice.AddressType} ports {string.Join(' ', (slice.Ports ?? []).Select(p => $"{p.Name}:{p.Port}/{p.Protocol}{Of("/", p.AppProtocol)}"))} labels {Pairs(slice.Metadata.Labels)}");
        foreach (var endpoint in slice.Endpoints ?? [])
        {
            var conditions = endpoint.Conditions;
            var states = new[] { conditions.Ready == true ? "ready" : "not-ready", conditions.Serving == true ? "serving" : null, conditions.Terminating == true ? "terminating" : null }.OfType<string>();
            var hints = (endpoint.Hints?.ForZones ?? []).Select(z => " for zone " + z.Name).Concat((endpoint.Hints?.ForNodes ?? []).Select(n => " for node " + n.Name));
            text.Line($"  {string.Join(' ', endpoint.Addresses)} {string.Join(' ', states)} {Name(endpoint.TargetRef)}{Of(" hostname ", endpoint.Hostname)}{Of(" on ", endpoint.NodeName)}{Of(" in ", endpoint.Zone)}{string.Concat(hints)}");
        }
    }

    private static string Name(V1ObjectReference? target) => target?.Name ?? "-";

    private static string Of(string before, string? value) => string.IsNullOrEmpty(value) ? "" : before + value;

    private static string Pairs(IDictionary<string, string>? labels) => string.Join(',', (labels ?? new Dictionary<string, string>()).OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));
}
