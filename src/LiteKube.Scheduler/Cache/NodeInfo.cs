using k8s.Models;

namespace LiteKube.Scheduler.Cache;

/// <summary>A node with the pods on it, assumed ones included, and their sums. Belongs to one owner at a time: the cache's copy, or the snapshot's.</summary>
public sealed class NodeInfo
{
    public const string HostnameLabel = "kubernetes.io/hostname";
    public const string ZoneLabel = "topology.kubernetes.io/zone";
    private const string RegionLabel = "topology.kubernetes.io/region";
    private static readonly IReadOnlyDictionary<string, long> NoImages = new Dictionary<string, long>(StringComparer.Ordinal);
    private readonly List<PodInfo> _pods = [];
    private readonly List<PodInfo> _podsWithAffinity = [];
    private readonly List<PodInfo> _podsWithRequiredAntiAffinity = [];
    private readonly List<HostPort> _usedPorts = [];
    private readonly Dictionary<LabelSet, LabelCount> _podsByLabels = [];
    private Dictionary<string, string>? _labels;
    private string? _hostname;
    private string? _zone;

    public NodeInfo(string name) => Name = name;

    private NodeInfo(NodeInfo other)
    {
        Name = other.Name;
        Node = other.Node;
        Zone = other.Zone;
        IsUnschedulable = other.IsUnschedulable;
        (_labels, _hostname, _zone) = (other._labels, other._hostname, other._zone);
        Images = other.Images;
        Allocatable = other.Allocatable;
        Requested = other.Requested.Copy();
        NonZeroRequested = other.NonZeroRequested.Copy();
        _pods.AddRange(other._pods);
        _podsWithAffinity.AddRange(other._podsWithAffinity);
        _podsWithRequiredAntiAffinity.AddRange(other._podsWithRequiredAntiAffinity);
        _usedPorts.AddRange(other._usedPorts);
        _podsByLabels.EnsureCapacity(other._podsByLabels.Count);
        foreach (var (labels, count) in other._podsByLabels)
            _podsByLabels.Add(labels, count);
        Generation = other.Generation;
    }

    public string Name { get; }

    /// <summary>null while only its pods are known.</summary>
    public V1Node? Node { get; private set; }

    public Resources Allocatable { get; private set; } = new();
    public Resources Requested { get; } = new();
    public Resources NonZeroRequested { get; } = new();
    public IReadOnlyList<PodInfo> Pods => _pods;
    public IReadOnlyList<PodInfo> PodsWithAffinity => _podsWithAffinity;
    public IReadOnlyList<PodInfo> PodsWithRequiredAntiAffinity => _podsWithRequiredAntiAffinity;
    public IReadOnlyList<HostPort> UsedPorts => _usedPorts;

    /// <summary>Numbers of its pods by their namespace and labels.</summary>
    public Dictionary<LabelSet, LabelCount> PodsByLabels => _podsByLabels;

    /// <summary>Size in bytes by image name.</summary>
    public IReadOnlyDictionary<string, long> Images { get; private set; } = NoImages;

    /// <summary>Grows with every change.</summary>
    public long Generation { get; internal set; }

    public IDictionary<string, string>? Labels => Node?.Metadata.Labels;

    /// <summary>null without the label. Hosts and zones, which are asked for all the time, are known beforehand.</summary>
    public string? Label(string key)
    {
        if (ReferenceEquals(key, HostnameLabel))
            return _hostname;
        if (ReferenceEquals(key, ZoneLabel))
            return _zone;
        return _labels is not null && _labels.TryGetValue(key, out var value) ? value : null;
    }

    /// <summary>Cordoned. Kept here, since every attempt asks it of every node.</summary>
    public bool IsUnschedulable { get; private set; }

    /// <summary>Region and zone; empty without labels of them.</summary>
    public string Zone { get; private set; } = "";

    public void SetNode(V1Node? node)
    {
        Node = node;
        _labels = node?.Metadata.Labels switch
        {
            null => null,
            Dictionary<string, string> labels => labels,
            var labels => new Dictionary<string, string>(labels, StringComparer.Ordinal),
        };
        _hostname = _labels?.GetValueOrDefault(HostnameLabel);
        _zone = _labels?.GetValueOrDefault(ZoneLabel);
        Zone = _zone is null && _labels?.ContainsKey(RegionLabel) != true ? "" : $"{_labels?.GetValueOrDefault(RegionLabel)}:{_zone}";
        IsUnschedulable = node?.Spec?.Unschedulable == true;
        Allocatable = Resources.From(node?.Status?.Allocatable);
        if (node?.Status?.Images is not { Count: > 0 } images)
        {
            Images = NoImages;
            return;
        }
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var image in images)
        {
            foreach (var name in image.Names ?? [])
                sizes[name] = image.SizeBytes ?? 0;
        }
        Images = sizes;
    }

    public void AddPod(PodInfo pod)
    {
        _pods.Add(pod);
        if (pod.Affinity is { } affinity)
        {
            _podsWithAffinity.Add(pod);
            if (affinity.RequiredAnti.Count > 0)
                _podsWithRequiredAntiAffinity.Add(pod);
        }
        Requested.Add(pod.Requests);
        NonZeroRequested.Add(pod.NonZeroRequests);
        _usedPorts.AddRange(pod.HostPorts);
        CountLabels(pod, +1);
    }

    /// <returns>false when the pod is not here.</returns>
    public bool RemovePod(string uid)
    {
        var at = _pods.FindIndex(pod => pod.Uid == uid);
        if (at < 0)
            return false;
        var pod = _pods[at];
        _pods[at] = _pods[^1];
        _pods.RemoveAt(_pods.Count - 1);
        _podsWithAffinity.Remove(pod);
        _podsWithRequiredAntiAffinity.Remove(pod);
        Requested.Add(pod.Requests, -1);
        NonZeroRequested.Add(pod.NonZeroRequests, -1);
        foreach (var port in pod.HostPorts)
            _usedPorts.Remove(port);
        CountLabels(pod, -1);
        return true;
    }

    public NodeInfo Copy() => new(this);

    private void CountLabels(PodInfo pod, int by)
    {
        _podsByLabels.TryGetValue(pod.LabelSet, out var count);
        count = new LabelCount(count.All + by, count.Staying + (pod.IsTerminating ? 0 : by));
        if (count.All == 0)
            _podsByLabels.Remove(pod.LabelSet);
        else
            _podsByLabels[pod.LabelSet] = count;
    }
}
