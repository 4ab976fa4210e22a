using System.Net;
using System.Net.Sockets;
using System.Text;
using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.EndpointSlices;

namespace LiteKube.Controllers.EndpointSliceMirroring;

/// <summary>What must change for slices to say what an Endpoints object says (https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/). Pure.</summary>
/// <param name="InvalidAddresses">Left out as no IP addresses.</param>
/// <param name="TooMany">Left out beyond <see cref="MaxAddresses"/>.</param>
internal sealed record MirrorPlan(IReadOnlyList<V1EndpointSlice> Create, IReadOnlyList<V1EndpointSlice> Update, IReadOnlyList<V1EndpointSlice> Delete, int InvalidAddresses, int TooMany)
{
    public const string Controller = "endpointslicemirroring-controller.k8s.io";
    public const string SkipLabel = "endpointslice.kubernetes.io/skip-mirror";

    /// <summary>Of one subset.</summary>
    public const int MaxAddresses = 1000;
    private const string LeaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
    private const string LastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

    /// <summary>Somebody keeps the object by hand for a Service without a selector, and did not ask to be left alone.</summary>
    public static bool ShouldMirror(V1Endpoints endpoints, V1Service? service) =>
        service is { Spec.Selector: not { Count: > 0 } }
        && !(endpoints.Metadata.Labels?.TryGetValue(SkipLabel, out var skip) == true && skip == "true")
        && endpoints.Metadata.Annotations?.ContainsKey(LeaderAnnotation) != true;

    public static MirrorPlan Compute(V1Endpoints endpoints, IReadOnlyCollection<V1EndpointSlice> existing)
    {
        var (groups, invalid, tooMany) = Group(endpoints);
        var (create, update) = (new List<V1EndpointSlice>(), new List<V1EndpointSlice>());
        var left = existing.OrderBy(s => s.Metadata.CreationTimestamp).ThenBy(s => s.Metadata.Name, StringComparer.Ordinal).ToList();
        var waiting = new List<Slice>();
        foreach (var group in groups)
        {
            if (left.Find(s => s.AddressType == group.Family && KeyOf(s.Ports ?? []) == group.Key) is { } same)
            {
                left.Remove(same);
                Update(same, group);
            }
            else
            {
                waiting.Add(group);
            }
        }
        // Slices whose ports are gone are filled anew before others are created.
        foreach (var group in waiting)
        {
            if (left.Find(s => s.AddressType == group.Family) is { } spare)
            {
                left.Remove(spare);
                Update(spare, group);
            }
            else
            {
                create.Add(Fill(endpoints, new V1EndpointSlice { ApiVersion = "discovery.k8s.io/v1", Kind = "EndpointSlice", AddressType = group.Family, Metadata = NewMetadata(endpoints) }, group));
            }
        }
        return new MirrorPlan(create, update, left, invalid, tooMany);

        void Update(V1EndpointSlice slice, Slice group)
        {
            var filled = Fill(endpoints, KubeJson.Clone(slice), group);
            if (!KubeJson.AreEqual(slice, filled))
                update.Add(filled);
        }
    }

    private static (List<Slice> Groups, int Invalid, int TooMany) Group(V1Endpoints endpoints)
    {
        var groups = new List<Slice>();
        var (invalid, tooMany) = (0, 0);
        foreach (var subset in endpoints.Subsets ?? [])
        {
            var taken = 0;
            var addresses = (subset.Addresses ?? []).Select(a => (Address: a, Ready: true)).Concat((subset.NotReadyAddresses ?? []).Select(a => (Address: a, Ready: false)));
            foreach (var (address, ready) in addresses)
            {
                if (taken == MaxAddresses)
                    tooMany++;
                else if (FamilyOf(address.Ip) is not { } family)
                    invalid++;
                else
                {
                    taken++;
                    Find(groups, family, subset.Ports ?? []).Endpoints.TryAdd(address.Ip, Endpoint(address, ready));
                }
            }
        }
        return (groups, invalid, tooMany);
    }

    private static Slice Find(List<Slice> groups, string family, IList<Corev1EndpointPort> ports)
    {
        var own = ports.Select(p => new Discoveryv1EndpointPort { Name = p.Name ?? "", Port = p.Port, Protocol = p.Protocol ?? "TCP", AppProtocol = p.AppProtocol }).ToList();
        var key = KeyOf(own);
        // A full slice is followed by another of the same ports.
        var group = groups.FindLast(g => g.Family == family && g.Key == key && g.Endpoints.Count < MaxAddresses);
        if (group is null)
            groups.Add(group = new Slice(family, key, own, new Dictionary<string, V1Endpoint>(StringComparer.Ordinal)));
        return group;
    }

    private static V1Endpoint Endpoint(V1EndpointAddress address, bool ready) => new()
    {
        Addresses = [address.Ip],
        Conditions = new V1EndpointConditions { Ready = ready },
        Hostname = string.IsNullOrEmpty(address.Hostname) ? null : address.Hostname,
        NodeName = address.NodeName,
        TargetRef = address.TargetRef,
    };

    private static V1ObjectMeta NewMetadata(V1Endpoints endpoints) => new() { GenerateName = PodTemplates.GenerateNamePrefix(endpoints.Metadata.Name), NamespaceProperty = endpoints.Metadata.NamespaceProperty };

    private static V1EndpointSlice Fill(V1Endpoints endpoints, V1EndpointSlice slice, Slice group)
    {
        var labels = new Dictionary<string, string>(endpoints.Metadata.Labels ?? new Dictionary<string, string>(), StringComparer.Ordinal)
        {
            [EndpointSlicePlan.ServiceNameLabel] = endpoints.Metadata.Name,
            [EndpointSlicePlan.ManagedByLabel] = Controller,
        };
        var annotations = (endpoints.Metadata.Annotations ?? new Dictionary<string, string>()).Where(a => a.Key is not (ServicePods.TriggerTimeAnnotation or LastAppliedAnnotation)).ToDictionary(StringComparer.Ordinal);
        slice.Metadata.Labels = ServicePods.SameLabels(slice.Metadata.Labels, labels) ? slice.Metadata.Labels : labels;
        slice.Metadata.Annotations = annotations.Count == 0 ? null : annotations;
        slice.Metadata.OwnerReferences = [Owners.ReferenceTo(endpoints, "v1", "Endpoints")];
        slice.Ports = group.Ports;
        slice.Endpoints = [.. group.Endpoints.Values];
        return slice;
    }

    private static string? FamilyOf(string? ip) => !IPAddress.TryParse(ip, out var address) ? null : address.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4";

    private static string KeyOf(IEnumerable<Discoveryv1EndpointPort> ports)
    {
        var key = new StringBuilder();
        foreach (var port in ports.OrderBy(p => p.Name ?? "", StringComparer.Ordinal))
            key.Append(port.Name).Append('/').Append(port.Port).Append('/').Append(port.Protocol).Append('/').Append(port.AppProtocol).Append(';');
        return key.ToString();
    }

    private sealed record Slice(string Family, string Key, List<Discoveryv1EndpointPort> Ports, Dictionary<string, V1Endpoint> Endpoints);
}
