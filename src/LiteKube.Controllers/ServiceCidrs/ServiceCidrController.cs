using System.Globalization;
using System.Net;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.ServiceCidrs;

/// <summary>
/// Makes a ServiceCIDR ready, and holds one that is being deleted while a Service has an address that only it contains
/// (https://kubernetes.io/docs/reference/networking/virtual-ips/#ip-address-servicecidr-objects).
/// </summary>
internal sealed class ServiceCidrController(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    public const string Finalizer = "networking.k8s.io/service-cidr-finalizer";

    /// <summary>An address that was being given out when the deletion came has become an object by then.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private const string InUse = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";

    private readonly IInformer<V1ServiceCIDR> _ranges = informers.Get<V1ServiceCIDR>();
    private readonly IInformer<V1IPAddress> _addresses = informers.Get<V1IPAddress>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("service-cidr-controller", this, loggers, timeProvider);
        // A range that comes or goes decides whether another one may go.
        runner.Watch(_ranges, new InformerHandler<V1ServiceCIDR>(
            OnAdd: range => Queue(runner, range, others: true), OnUpdate: (_, range) => Queue(runner, range, others: false), OnDelete: range => Queue(runner, range, others: true)));
        return runner.Watch(_addresses, new InformerHandler<V1IPAddress>(OnDelete: _ => QueueLeaving(runner)));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_ranges.Find(key) is not { } range) return ReconcileResult.Done;
        if (range.Metadata.DeletionTimestamp is not { } since)
        {
            await MakeReadyAsync(range, cancellationToken);
            return ReconcileResult.Done;
        }
        if (range.Metadata.Finalizers?.Contains(Finalizer) != true) return ReconcileResult.Done;
        if (IsNeeded(range))
        {
            await SetReadyAsync(range, "False", "Terminating", InUse, cancellationToken);
            return ReconcileResult.Done;
        }
        var left = Grace - (timeProvider.GetUtcNow() - since.ToUniversalTime());
        if (left > TimeSpan.Zero) return ReconcileResult.RequeueAfter(left);
        await PatchAsync(range, null, $$$"""{"metadata":{"uid":"{{{range.Metadata.Uid}}}","$deleteFromPrimitiveList/finalizers":["{{{Finalizer}}}"]}}""", cancellationToken);
        return ReconcileResult.Done;
    }

    private async Task MakeReadyAsync(V1ServiceCIDR range, CancellationToken cancellationToken)
    {
        if (range.Metadata.Finalizers?.Contains(Finalizer) != true)
            await PatchAsync(range, null, $$$"""{"metadata":{"uid":"{{{range.Metadata.Uid}}}","finalizers":["{{{Finalizer}}}"]}}""", cancellationToken);
        if (ReadyOf(range)?.Status != "True")
            await SetReadyAsync(range, "True", "", "Kubernetes Service CIDR is ready", cancellationToken);
    }

    /// <summary>A Service has an address that no other range contains.</summary>
    private bool IsNeeded(V1ServiceCIDR range)
    {
        var networks = NetworksOf(range);
        var others = _ranges.List().Where(r => r.Metadata.Name != range.Metadata.Name && r.Metadata.DeletionTimestamp is null).SelectMany(NetworksOf).ToList();
        if (networks.TrueForAll(n => others.Exists(o => o.PrefixLength <= n.PrefixLength && o.Contains(n.BaseAddress)))) return false;
        return _addresses.List().Any(a => IsOfService(a) && IPAddress.TryParse(a.Metadata.Name, out var address) && networks.Exists(n => n.Contains(address)) && !others.Exists(o => o.Contains(address)));
    }

    private async Task SetReadyAsync(V1ServiceCIDR range, string status, string reason, string message, CancellationToken cancellationToken)
    {
        if (ReadyOf(range) is { } standing && standing.Status == status && standing.Reason == reason && standing.Message == message) return;
        var now = timeProvider.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        await PatchAsync(range, "status", $$$"""{"metadata":{"uid":"{{{range.Metadata.Uid}}}"},"status":{"conditions":[{"type":"Ready","status":"{{{status}}}","reason":"{{{reason}}}","message":"{{{message}}}","lastTransitionTime":"{{{now}}}"}]}}""", cancellationToken);
    }

    private async Task PatchAsync(V1ServiceCIDR range, string? subresource, string patch, CancellationToken cancellationToken)
    {
        try
        {
            await client.PatchAsync<V1ServiceCIDR>(null, range.Metadata.Name, KubePatch.StrategicMerge(System.Text.Encoding.UTF8.GetBytes(patch)), subresource, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone, or another one of that name: its own event comes.
            return;
        }
    }

    private void Queue(ControllerRunner runner, V1ServiceCIDR range, bool others)
    {
        runner.Queue.Add(ObjectKey.Of(range));
        if (others) QueueLeaving(runner);
    }

    private void QueueLeaving(ControllerRunner runner)
    {
        foreach (var range in _ranges.List())
        {
            if (range.Metadata.DeletionTimestamp is not null) runner.Queue.Add(ObjectKey.Of(range));
        }
    }

    private static V1Condition? ReadyOf(V1ServiceCIDR range) => range.Status?.Conditions?.FirstOrDefault(c => c.Type == "Ready");

    private static bool IsOfService(V1IPAddress address) => address.Metadata.Labels is { } labels && labels.TryGetValue("ipaddress.kubernetes.io/managed-by", out var manager) && manager == "ipallocator.k8s.io";

    private static List<IPNetwork> NetworksOf(V1ServiceCIDR range) =>
        [.. (range.Spec?.Cidrs ?? []).Select(c => IPNetwork.TryParse(c, out var network) ? network : (IPNetwork?)null).OfType<IPNetwork>()];
}
