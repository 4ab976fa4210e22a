using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Services: cluster addresses, node ports and address families are decided here and stay with the Service until it gives them up.</summary>
internal sealed class ServiceStrategy(ResourceInfo resource, ServiceAddresses addresses, ServicePorts allPorts, ServiceAddressObjects objects) : DefaultStrategy(resource)
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
        var reservation = new Reservation(addresses, allPorts);
        try
        {
            var spec = value.GetOrAdd("spec");
            AllocateAddress(spec, $"{value.MetaNamespace()}/{value.MetaName()}", old, errors, reservation);
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
        foreach (var address in ServiceAddresses.Of(old).Except(ServiceAddresses.Of(value)))
            addresses.Release(address);
        foreach (var port in ServicePorts.Of(old).Except(ServicePorts.Of(value)))
            allPorts.Release(port);
    }

    public override Task WriteCompanionsAsync(JsonObject value, JsonObject? old, CancellationToken cancellationToken) => objects.WriteAsync(value, old, cancellationToken);

    public override Task RemoveCompanionsAsync(JsonObject? kept, JsonObject gone, CancellationToken cancellationToken) => objects.RemoveAsync(kept, gone, cancellationToken);

    private void AllocateAddress(JsonObject spec, string service, JsonObject? old, FieldErrors errors, Reservation reservation)
    {
        if (spec.Str("type") == "ExternalName" || spec.Str("clusterIP") == "None")
            return;
        var address = spec.Str("clusterIP");
        if (address.Length == 0)
        {
            address = addresses.TakeAny(service);
            reservation.Addresses.Add(address);
        }
        else if (!ServiceAddresses.Of(old).Contains(address))
        {
            if (addresses.Take(address, service) is { } complaint)
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
        var held = ServicePorts.Of(old);
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
                        wanted = allPorts.TakeAny();
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
            health = allPorts.TakeAny();
            reservation.Ports.Add(health);
            spec["healthCheckNodePort"] = health;
        }
        else if (!held.Contains(health))
        {
            Take(health, Spec.Child("healthCheckNodePort"));
        }

        void Take(long number, FieldPath field)
        {
            if (allPorts.Take(number) is { } complaint)
                errors.Invalid(field, number, complaint);
            else
                reservation.Ports.Add(number);
        }
    }

    private sealed class Reservation(ServiceAddresses addresses, ServicePorts allPorts) : IDisposable
    {
        public List<string> Addresses { get; } = [];
        public HashSet<long> Ports { get; } = [];

        public void Dispose()
        {
            Addresses.ForEach(addresses.Release);
            foreach (var port in Ports)
                allPorts.Release(port);
            Addresses.Clear();
            Ports.Clear();
        }
    }
}
