using System.Text.Json.Nodes;
using System.Threading.Channels;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Strategies;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Bootstrap;

/// <summary>
/// Keeps IPAddress objects and the Services' cluster addresses in step: at the start for what an older version or a
/// crash left, later for what users take away. Upstream's ipallocator-repair-controller.
/// </summary>
internal sealed class ServiceAddressRepair(IObjectReader objects, IObjectWriter writer, ServiceAddresses addresses, ILogger<ServiceAddressRepair> logger)
{
    private readonly record struct Concern(string Namespace, string Name, bool IsService);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // What both subscriptions tell of the beginning is every object; a key is looked at as it is when its turn comes.
        var concerns = Channel.CreateUnbounded<Concern>(new UnboundedChannelOptions { SingleReader = true });
        using var services = objects.Subscribe(CoreResources.Services, (now, old) => concerns.Writer.TryWrite(new((now ?? old).MetaNamespace(), (now ?? old).MetaName(), IsService: true)));
        using var held = objects.Subscribe(CoreResources.IPAddresses, (now, _) =>
        {
            if (now is not null) concerns.Writer.TryWrite(new("", now.MetaName(), IsService: false));
        });
        // Not by the event of the deletion: it may come before the address is free to get another object.
        addresses.ObjectLost += Tell;
        try
        {
            await foreach (var concern in concerns.Reader.ReadAllAsync(cancellationToken))
            {
                if (concern.IsService) await RepairServiceAsync(concern.Namespace, concern.Name, cancellationToken);
                else await RepairAddressAsync(concern.Name, cancellationToken);
            }
        }
        finally
        {
            addresses.ObjectLost -= Tell;
        }

        void Tell(string service)
        {
            if (service.Split('/') is [var ns, var name]) concerns.Writer.TryWrite(new(ns, name, IsService: true));
        }
    }

    private async Task RepairServiceAsync(string ns, string name, CancellationToken cancellationToken)
    {
        if (objects.Get(CoreResources.Services, ns, name) is not { } service) return;
        foreach (var address in ServiceAddresses.Of(service).Where(addresses.IsInRange))
        {
            var standing = objects.Get(CoreResources.IPAddresses, "", address);
            if (standing is not null && IsRight(standing, address, $"{ns}/{name}")) continue;
            // One that is another's is made anew: the Service has the address.
            if (standing is not null && !await writer.TryDeleteAsync(standing, cancellationToken)) continue;
            if (await writer.EnsureAsync(ServiceAddressObjects.Make(address, ns, name), cancellationToken)) ApiServerLog.ServiceAddressRepaired(logger, address, $"{ns}/{name}");
        }
    }

    /// <summary>It says what it should, or belongs to another Service that has the address as well: that one was first.</summary>
    private bool IsRight(JsonObject standing, string address, string service)
    {
        if (ServiceAddresses.ServiceOf(standing) is not { } owner) return false;
        if (owner != service) return owner.Split('/') is [var ns, var name] && ServiceAddresses.Of(objects.Get(CoreResources.Services, ns, name)).Contains(address);
        var labels = standing.Obj("metadata", "labels");
        return labels.Str(ServiceAddressObjects.ManagedBy) == ServiceAddressObjects.Manager && labels.Str(ServiceAddressObjects.Family) == "IPv4";
    }

    /// <summary>Takes away an object of ours whose Service is gone; one whose Service is only just being written is none.</summary>
    private async Task RepairAddressAsync(string address, CancellationToken cancellationToken)
    {
        if (objects.Get(CoreResources.IPAddresses, "", address) is not { } standing || standing.Obj("metadata", "labels").Str(ServiceAddressObjects.ManagedBy) != ServiceAddressObjects.Manager) return;
        if (addresses.IsOfService(address) || !await writer.TryDeleteAsync(standing, cancellationToken)) return;
        ApiServerLog.ServiceAddressOrphaned(logger, address);
    }
}
