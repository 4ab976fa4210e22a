using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Services: cluster addresses, node ports and address families are decided here and stay with the Service until it gives them up.</summary>
internal sealed class ServiceStrategy(ResourceInfo resource, ServiceAllocators allocators) : DefaultStrategy(resource)
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        value["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
        ServiceFields.Normalize(value.GetOrAdd("spec"));
    }

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        base.PrepareForUpdate(value, old, context);
        if (context.Subresource.Length > 0)
            return;
        var (spec, before) = (value.GetOrAdd("spec"), old.Obj("spec") ?? []);
        ServiceFields.DropWhatTheTypeGaveUp(spec, before);
        ServiceFields.KeepAllocated(spec, before);
        ServiceFields.Normalize(spec);
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context) => ServiceValidation.Validate(errors, value, null);

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource == "status")
            ServiceValidation.Status(errors, value, old);
        else
            ServiceValidation.Validate(errors, value, old);
    }

    public override IDisposable? Allocate(JsonObject value, JsonObject? old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource.Length > 0)
            return null;
        var reservation = new Reservation(allocators);
        try
        {
            var spec = value.GetOrAdd("spec");
            AllocateAddress(spec, old, errors, reservation);
            AllocatePorts(spec, old, errors, reservation);
        }
        catch (ApiException)
        {
            reservation.Dispose();
            throw;
        }
        if (errors.Count == 0 && !context.DryRun)
            return reservation;
        reservation.Dispose();
        return null;
    }

    public override void AfterWrite(JsonObject? value, JsonObject? old)
    {
        foreach (var address in ServiceAllocators.AddressesOf(old).Except(ServiceAllocators.AddressesOf(value)))
            allocators.ReleaseAddress(address);
        foreach (var port in ServiceAllocators.PortsOf(old).Except(ServiceAllocators.PortsOf(value)))
            allocators.ReleasePort(port);
    }

    private void AllocateAddress(JsonObject spec, JsonObject? old, FieldErrors errors, Reservation reservation)
    {
        if (spec.Str("type") == "ExternalName" || spec.Str("clusterIP") == "None")
            return;
        var address = spec.Str("clusterIP");
        if (address.Length == 0)
        {
            address = allocators.TakeAnyAddress();
            reservation.Addresses.Add(address);
        }
        else if (!ServiceAllocators.AddressesOf(old).Contains(address))
        {
            if (allocators.TakeAddress(address) is { } complaint)
            {
                errors.Invalid(Spec.Child("clusterIPs"), new JsonArray(address), complaint);
                return;
            }
            reservation.Addresses.Add(address);
        }
        spec["clusterIP"] = address;
        spec["clusterIPs"] = new JsonArray(address);
    }

    private void AllocatePorts(JsonObject spec, JsonObject? old, FieldErrors errors, Reservation reservation)
    {
        if (!ServiceFields.NeedsNodePorts(spec))
            return;
        var held = ServiceAllocators.PortsOf(old);
        // One number for TCP and UDP of the same port: clients expect the pair.
        var byPort = new Dictionary<long, long>();
        var ports = spec.Items("ports").ToList();
        for (var i = 0; i < ports.Count; i++)
        {
            var (port, wanted) = (ports[i], ports[i].Long("nodePort"));
            if (wanted == 0)
            {
                if (!byPort.TryGetValue(port.Long("port"), out wanted))
                {
                    wanted = ports.Skip(i + 1).FirstOrDefault(p => p.Long("port") == port.Long("port") && p.Long("nodePort") != 0)?.Long("nodePort") ?? 0;
                    if (wanted == 0)
                    {
                        wanted = allocators.TakeAnyPort();
                        reservation.Ports.Add(wanted);
                    }
                }
                port["nodePort"] = wanted;
            }
            if (!held.Contains(wanted) && !reservation.Ports.Contains(wanted))
                Take(wanted, Spec.Child("ports").Index(i).Child("nodePort"));
            byPort.TryAdd(port.Long("port"), wanted);
        }
        if (!ServiceFields.NeedsHealthCheckPort(spec))
            return;
        var health = spec.Long("healthCheckNodePort");
        if (health == 0)
        {
            health = allocators.TakeAnyPort();
            reservation.Ports.Add(health);
            spec["healthCheckNodePort"] = health;
        }
        else if (!held.Contains(health))
        {
            Take(health, Spec.Child("healthCheckNodePort"));
        }

        void Take(long number, FieldPath field)
        {
            if (allocators.TakePort(number) is { } complaint)
                errors.Invalid(field, number, complaint);
            else
                reservation.Ports.Add(number);
        }
    }

    private sealed class Reservation(ServiceAllocators allocators) : IDisposable
    {
        public List<string> Addresses { get; } = [];
        public HashSet<long> Ports { get; } = [];

        public void Dispose()
        {
            Addresses.ForEach(allocators.ReleaseAddress);
            foreach (var port in Ports)
                allocators.ReleasePort(port);
            Addresses.Clear();
            Ports.Clear();
        }
    }
}
