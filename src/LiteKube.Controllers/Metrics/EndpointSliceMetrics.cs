using k8s.Models;
using LiteKube.Client.Metrics;
using LiteKube.Controllers.EndpointSlices;

namespace LiteKube.Controllers.Metrics;

/// <summary>endpoint_slice_controller_*: how much slices change.</summary>
internal sealed class EndpointSliceMetrics
{
    private readonly Histogram _added;
    private readonly Histogram _removed;
    private readonly HistogramFamily _slicesChanged;
    private readonly CounterFamily _changes;
    private readonly CounterFamily _syncs;

    public EndpointSliceMetrics(ControllerMetrics metrics)
    {
        _added = metrics.Histogram("endpoint_slice_controller_endpoints_added_per_sync", "Number of endpoints added on each Service sync", HistogramFamily.Exponential(2, 2, 15)).With();
        _removed = metrics.Histogram("endpoint_slice_controller_endpoints_removed_per_sync", "Number of endpoints removed on each Service sync", HistogramFamily.Exponential(2, 2, 15)).With();
        _slicesChanged = metrics.Histogram("endpoint_slice_controller_endpointslices_changed_per_sync", "Number of EndpointSlices changed on each Service sync", [0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "topology", "traffic_distribution");
        _changes = metrics.Counter("endpoint_slice_controller_changes", "Number of EndpointSlice changes", "operation");
        _syncs = metrics.Counter("endpoint_slice_controller_syncs", "Number of EndpointSlice syncs", "result");
    }

    /// <param name="result">success, stale (somebody else wrote meanwhile) or error.</param>
    public void Synced(string result) => _syncs.With(result).Add();

    /// <summary>The plan was carried out.</summary>
    /// <param name="existing">The slices as they were before.</param>
    public void Applied(V1Service? service, EndpointSlicePlan plan, IReadOnlyCollection<V1EndpointSlice> existing)
    {
        var changed = plan.Update.Concat(plan.Delete).Select(slice => slice.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        var (before, after) = (Addresses(existing.Where(slice => changed.Contains(slice.Metadata.Name))), Addresses(plan.Create.Concat(plan.Update)));
        _added.Observe(after.Count(address => !before.Contains(address)));
        _removed.Observe(before.Count(address => !after.Contains(address)));
        Add("create", plan.Create.Count);
        Add("update", plan.Update.Count);
        Add("delete", plan.Delete.Count);
        if (service is not null)
            _slicesChanged.With("Disabled", service.Spec.TrafficDistribution ?? "").Observe(plan.Create.Count + plan.Update.Count + plan.Delete.Count);
    }

    private void Add(string operation, int count)
    {
        if (count > 0)
            _changes.With(operation).Add(count);
    }

    private static HashSet<string> Addresses(IEnumerable<V1EndpointSlice> slices) =>
        slices.SelectMany(slice => (slice.Endpoints ?? []).SelectMany(endpoint => endpoint.Addresses).Select(address => slice.AddressType + address)).ToHashSet(StringComparer.Ordinal);
}
