using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Endpoints and EndpointSlices.</summary>
internal static class DiscoveryValidation
{
    private const int MaxEndpoints = 1000;
    private const int MaxAddresses = 100;
    private const int MaxPorts = 20000;
    private const int MaxHints = 8;
    private const int MaxTopologyLabels = 16;

    public static void Endpoints(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var index = 0;
        foreach (var subset in value.Items("subsets"))
        {
            var path = FieldPath.Of("subsets").Index(index++);
            if (subset.Arr("addresses") is not { Count: > 0 } && subset.Arr("notReadyAddresses") is not { Count: > 0 })
                errors.Required(path, "must specify `addresses` or `notReadyAddresses`");
            Addresses(errors, subset, path, "addresses");
            Addresses(errors, subset, path, "notReadyAddresses");
            var i = 0;
            var isNamed = subset.Arr("ports") is { Count: > 1 };
            foreach (var port in subset.Items("ports"))
                Port(errors, port, path.Child("ports").Index(i++), isNamed);
        }
    }

    public static void EndpointSlice(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var type = value.Str("addressType");
        if (type.Length == 0)
            errors.Required(FieldPath.Of("addressType"), "");
        else if (type is not ("IPv4" or "IPv6" or "FQDN"))
            errors.NotSupported(FieldPath.Of("addressType"), type, "FQDN", "IPv4", "IPv6");
        var count = value.Arr("endpoints")?.Count ?? 0;
        if (count > MaxEndpoints)
        {
            errors.TooMany(FieldPath.Of("endpoints"), count, MaxEndpoints);
        }
        else
        {
            var index = 0;
            foreach (var endpoint in value.Items("endpoints"))
                Endpoint(errors, endpoint, type, FieldPath.Of("endpoints").Index(index++));
        }
        SlicePorts(errors, value, FieldPath.Of("ports"));
        if (old is not null)
            Checks.Immutable(errors, value["addressType"], old["addressType"], FieldPath.Of("addressType"));
    }

    private static void Addresses(FieldErrors errors, JsonObject subset, FieldPath field, string list)
    {
        var index = 0;
        foreach (var address in subset.Items(list))
        {
            var path = field.Child(list).Index(index++);
            Checks.Address(errors, path.Child("ip"), address.Str("ip"));
            Checks.OptionalName(errors, address, path, "hostname", NameChecks.DnsLabel);
            if (address.StrOrNull("nodeName") is { } node)
                Checks.Name(errors, path.Child("nodeName"), node, NameChecks.DnsSubdomain);
            Checks.NotSpecial(errors, path.Child("ip"), address.Str("ip"));
        }
    }

    private static void Port(FieldErrors errors, JsonObject port, FieldPath field, bool isNamed)
    {
        if (isNamed)
            Checks.Required(errors, port, field, "name");
        Checks.OptionalName(errors, port, field, "name", NameChecks.DnsLabel);
        Checks.PortNumber(errors, field.Child("port"), port.Long("port"));
        Checks.OneOf(errors, port, field, "protocol", isRequired: true, "SCTP", "TCP", "UDP");
        if (port.StrOrNull("appProtocol") is { } protocol)
            Checks.Name(errors, field.Child("appProtocol"), protocol, NameChecks.QualifiedName);
    }

    private static void Endpoint(FieldErrors errors, JsonObject endpoint, string type, FieldPath field)
    {
        var path = field.Child("addresses");
        var count = endpoint.Arr("addresses")?.Count ?? 0;
        if (count == 0)
            errors.Required(path, "must contain at least 1 address");
        else if (count > MaxAddresses)
            errors.TooMany(path, count, MaxAddresses);
        for (var i = 0; i < count; i++)
            EndpointAddress(errors, JsonFields.AsText(endpoint.Arr("addresses")![i]), type, path.Index(i));
        if (endpoint.StrOrNull("nodeName") is { } node)
            Checks.Name(errors, field.Child("nodeName"), node, NameChecks.DnsSubdomain);
        if (endpoint.Obj("deprecatedTopology") is { } topology)
        {
            if (topology.Count > MaxTopologyLabels)
                errors.TooMany(field.Child("deprecatedTopology"), topology.Count, MaxTopologyLabels);
            Checks.Labels(errors, topology, field.Child("deprecatedTopology"));
        }
        if (endpoint.StrOrNull("hostname") is { } hostname)
            Checks.Name(errors, field.Child("hostname"), hostname, NameChecks.DnsLabel);
        Hints(errors, endpoint.Obj("hints"), field.Child("hints"), "forZones", NameChecks.LabelValue);
        Hints(errors, endpoint.Obj("hints"), field.Child("hints"), "forNodes", NameChecks.DnsSubdomain);
    }

    private static void EndpointAddress(FieldErrors errors, string address, string type, FieldPath field)
    {
        switch (type)
        {
            case "FQDN":
                FullDomain(errors, address, field);
                break;
            case "IPv4" or "IPv6":
                if (AddressFormats.Address(address) is { } complaint)
                {
                    errors.Invalid(field, address, complaint);
                    break;
                }
                if (AddressFormats.IsIPv6(address) != (type == "IPv6"))
                    errors.Invalid(field, address, $"must be an {type} address");
                Checks.NotSpecial(errors, field, address);
                break;
        }
    }

    private static void FullDomain(FieldErrors errors, string name, FieldPath field)
    {
        if (name.Length == 0)
        {
            errors.Required(field, "");
            return;
        }
        var domain = name.EndsWith('.') ? name[..^1] : name;
        if (NameChecks.DnsSubdomain(domain) is { Count: > 0 } complaints)
            errors.Invalid(field, domain, string.Join(',', complaints));
        else if (!domain.Contains('.', StringComparison.Ordinal))
            errors.Invalid(field, domain, "should be a domain with at least two segments separated by dots");
        else if (domain.Split('.').FirstOrDefault(l => NameChecks.DnsLabel(l).Count > 0) is { } label)
            errors.Invalid(field, label, string.Join(',', NameChecks.DnsLabel(label)));
    }

    private static void Hints(FieldErrors errors, JsonObject? hints, FieldPath field, string list, Func<string, IReadOnlyList<string>> rule)
    {
        if (hints.Arr(list) is not { Count: > 0 } targets)
            return;
        if (targets.Count > MaxHints)
        {
            errors.TooMany(field.Child(list), targets.Count, MaxHints);
            return;
        }
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var target in hints.Items(list))
        {
            var path = field.Child(list).Index(index++).Child("name");
            if (!names.Add(target.Str("name")))
                errors.Duplicate(path, target.Str("name"));
            Checks.Name(errors, path, target.Str("name"), rule);
        }
    }

    private static void SlicePorts(FieldErrors errors, JsonObject value, FieldPath field)
    {
        var count = value.Arr("ports")?.Count ?? 0;
        if (count > MaxPorts)
        {
            errors.TooMany(field, count, MaxPorts);
            return;
        }
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var port in value.Items("ports"))
        {
            var path = field.Index(index++);
            Checks.OptionalName(errors, port, path, "name", NameChecks.DnsLabel);
            if (!names.Add(port.Str("name")))
                errors.Duplicate(path.Child("name"), port.Str("name"));
            Checks.OneOf(errors, port, path, "protocol", isRequired: true, "SCTP", "TCP", "UDP");
            if (port.StrOrNull("appProtocol") is { } protocol)
                Checks.Name(errors, path.Child("appProtocol"), protocol, NameChecks.QualifiedName);
        }
    }
}
