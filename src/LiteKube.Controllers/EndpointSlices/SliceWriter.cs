using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.EndpointSlices;

/// <summary>Collects the slices to write for one Service, each with the metadata that its slices have.</summary>
internal sealed class SliceWriter(V1Service service, string? triggerTime, int maxEndpoints)
{
    private readonly Dictionary<string, string> _labels = Labels(service);
    private readonly V1OwnerReference _owner = Owners.ReferenceTo(service, "v1", "Service");

    public int MaxEndpoints { get; } = maxEndpoints;
    public List<V1EndpointSlice> Create { get; } = [];
    public List<V1EndpointSlice> Update { get; } = [];
    public List<V1EndpointSlice> Delete { get; } = [];

    /// <summary>Labels and owner are as they should be.</summary>
    public bool IsCurrent(V1EndpointSlice slice) =>
        ServicePods.SameLabels(slice.Metadata.Labels, _labels) && slice.Metadata.OwnerReferences?.Any(o => o.Uid == _owner.Uid && o.Controller == true) == true;

    public void New(string family, IEnumerable<Discoveryv1EndpointPort> ports, IEnumerable<V1Endpoint> endpoints)
    {
        var slice = new V1EndpointSlice
        {
            ApiVersion = "discovery.k8s.io/v1",
            Kind = "EndpointSlice",
            AddressType = family,
            Metadata = new V1ObjectMeta { GenerateName = PodTemplates.GenerateNamePrefix(service.Metadata.Name), NamespaceProperty = service.Metadata.NamespaceProperty },
        };
        Create.Add(Fill(slice, ports, endpoints));
    }

    public void Rewrite(V1EndpointSlice slice, IEnumerable<Discoveryv1EndpointPort> ports, IEnumerable<V1Endpoint> endpoints) => Update.Add(Fill(KubeJson.Clone(slice), ports, endpoints));

    private V1EndpointSlice Fill(V1EndpointSlice slice, IEnumerable<Discoveryv1EndpointPort> ports, IEnumerable<V1Endpoint> endpoints)
    {
        slice.Ports = [.. ports];
        slice.Endpoints = [.. endpoints];
        slice.Metadata.Labels = _labels;
        slice.Metadata.OwnerReferences = [_owner];
        if (triggerTime is not null)
            (slice.Metadata.Annotations ??= new Dictionary<string, string>())[ServicePods.TriggerTimeAnnotation] = triggerTime;
        else
            slice.Metadata.Annotations?.Remove(ServicePods.TriggerTimeAnnotation);
        return slice;
    }

    /// <summary>The Service's own, for selecting slices as one selects Services, and those that say whose slices they are.</summary>
    private static Dictionary<string, string> Labels(V1Service service)
    {
        var labels = new Dictionary<string, string>(service.Metadata.Labels ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        labels.Remove(ServicePods.HeadlessLabel);
        if (service.IsHeadless())
            labels[ServicePods.HeadlessLabel] = "";
        labels[EndpointSlicePlan.ServiceNameLabel] = service.Metadata.Name;
        labels[EndpointSlicePlan.ManagedByLabel] = EndpointSlicePlan.Controller;
        return labels;
    }
}
