using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Endpoints, EndpointSlices, NetworkPolicies, Ingresses: what belongs to the network and is not a Service.</summary>
internal static class DiscoveryValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Endpoints(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var index = 0;
        foreach (var subset in value.Items("subsets"))
        {
            var path = FieldPath.Of("subsets").Index(index++);
            if (!subset.Items("addresses").Any() && !subset.Items("notReadyAddresses").Any())
                errors.Required(path, "must specify `addresses` or `notReadyAddresses`");
            foreach (var list in (string[])["addresses", "notReadyAddresses"])
            {
                var i = 0;
                foreach (var address in subset.Items(list))
                    Checks.Address(errors, path.Child(list).Index(i++).Child("ip"), address.Str("ip"));
            }
            var ports = subset.Items("ports").ToList();
            for (var i = 0; i < ports.Count; i++)
            {
                var own = path.Child("ports").Index(i);
                if (ports.Count > 1)
                    Checks.Required(errors, ports[i], own, "name");
                if (ports[i].Str("name") is { Length: > 0 } name)
                    Checks.Name(errors, own.Child("name"), name, NameChecks.DnsLabel);
                Checks.PortNumber(errors, own.Child("port"), ports[i].Long("port"));
                Checks.OneOf(errors, ports[i], own, "protocol", isRequired: true, "TCP", "UDP", "SCTP");
            }
        }
    }

    public static void EndpointSlice(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var type = value.Str("addressType");
        if (type.Length == 0)
            errors.Required(FieldPath.Of("addressType"), "");
        else if (type is not ("IPv4" or "IPv6" or "FQDN"))
            errors.NotSupported(FieldPath.Of("addressType"), type, "FQDN", "IPv4", "IPv6");
        var endpoints = value.Items("endpoints").ToList();
        if (endpoints.Count > 1000)
            errors.TooMany(FieldPath.Of("endpoints"), endpoints.Count, 1000);
        for (var i = 0; i < Math.Min(endpoints.Count, 1000); i++)
        {
            var path = FieldPath.Of("endpoints").Index(i).Child("addresses");
            var addresses = endpoints[i].Strings("addresses").ToList();
            if (addresses.Count == 0)
                errors.Required(path, "must contain at least 1 address");
            if (addresses.Count > 100)
                errors.TooMany(path, addresses.Count, 100);
            for (var a = 0; a < addresses.Count; a++)
            {
                if (type == "FQDN")
                    Checks.Name(errors, path.Index(a), addresses[a], NameChecks.DnsSubdomain);
                else if (!Checks.IsAddress(addresses[a]) || addresses[a].Contains(':', StringComparison.Ordinal) != (type == "IPv6"))
                    errors.Invalid(path.Index(a), addresses[a], $"must be a valid {type} address");
            }
        }
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var port in value.Items("ports"))
        {
            var path = FieldPath.Of("ports").Index(index++);
            var name = port.Str("name");
            if (!names.Add(name))
                errors.Duplicate(path.Child("name"), name);
            else if (name.Length > 0)
                Checks.Name(errors, path.Child("name"), name, NameChecks.DnsLabel);
            if (port.Str("protocol") is not ("TCP" or "UDP" or "SCTP"))
                errors.NotSupported(path.Child("protocol"), port.Str("protocol"), "SCTP", "TCP", "UDP");
        }
        if (old is not null)
            Checks.Immutable(errors, value["addressType"], old["addressType"], FieldPath.Of("addressType"));
    }

    public static void NetworkPolicy(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Checks.LabelSelector(errors, spec.Obj("podSelector"), Spec.Child("podSelector"));
        foreach (var (direction, side) in ((string, string)[])[("ingress", "from"), ("egress", "to")])
        {
            var index = 0;
            foreach (var rule in spec.Items(direction))
            {
                var path = Spec.Child(direction).Index(index++);
                var i = 0;
                foreach (var port in rule.Items("ports"))
                    PolicyPort(errors, port, path.Child("ports").Index(i++));
                i = 0;
                foreach (var peer in rule.Items(side))
                    PolicyPeer(errors, peer, path.Child(side).Index(i++));
            }
        }
        var types = spec.Strings("policyTypes").ToList();
        if (types.Count > 2)
            errors.Invalid(Spec.Child("policyTypes"), spec["policyTypes"], "may not specify more than two policyTypes");
        for (var i = 0; i < types.Count; i++)
        {
            if (types[i] is not ("Ingress" or "Egress"))
                errors.NotSupported(Spec.Child("policyTypes").Index(i), types[i], "Egress", "Ingress");
        }
    }

    public static void Ingress(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        if (!spec.Items("rules").Any() && !spec.Has("defaultBackend"))
            errors.Invalid(Spec, spec, "either `defaultBackend` or `rules` must be specified");
        if (spec.Obj("defaultBackend") is { } backend)
            Backend(errors, backend, Spec.Child("defaultBackend"));
        if (spec.Str("ingressClassName") is { Length: > 0 } name)
            Checks.Name(errors, Spec.Child("ingressClassName"), name, NameChecks.DnsSubdomain);
        if (old is null && spec.Has("ingressClassName") && value.Annotations().ContainsKey("kubernetes.io/ingress.class"))
            errors.Invalid(FieldPath.Of("annotations").Child("kubernetes.io/ingress.class"), value.Annotations()["kubernetes.io/ingress.class"], "can not be set when the class field is also set");
        var index = 0;
        foreach (var rule in spec.Items("rules"))
        {
            var path = Spec.Child("rules").Index(index++);
            if (rule.Str("host") is { Length: > 0 } host)
            {
                if (Checks.IsAddress(host))
                    errors.Invalid(path.Child("host"), host, "must be a DNS name, not an IP address");
                else
                    Checks.Name(errors, path.Child("host"), host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host, NameChecks.DnsSubdomain);
            }
            if (rule.Obj("http") is not { } http)
                continue;
            var paths = http.Items("paths").ToList();
            if (paths.Count == 0)
                errors.Required(path.Child("http").Child("paths"), "");
            for (var i = 0; i < paths.Count; i++)
                HttpPath(errors, paths[i], path.Child("http").Child("paths").Index(i));
        }
    }

    public static void IngressClass(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        if (spec.Str("controller").Length == 0)
            errors.Required(Spec.Child("controller"), "");
        if (old is not null && spec.Str("controller") != old.Obj("spec").Str("controller"))
            errors.Invalid(Spec.Child("controller"), spec.Str("controller"), Checks.FieldImmutable);
        if (spec.Obj("parameters") is not { } parameters)
            return;
        Checks.Required(errors, parameters, Spec.Child("parameters"), "kind");
        Checks.Required(errors, parameters, Spec.Child("parameters"), "name");
        Checks.OneOf(errors, parameters, Spec.Child("parameters"), "scope", isRequired: true, "Cluster", "Namespace");
    }

    private static void HttpPath(FieldErrors errors, JsonObject value, FieldPath field)
    {
        if (!Checks.Required(errors, value, field, "pathType", "pathType must be specified"))
            return;
        var path = value.Str("path");
        switch (value.Str("pathType"))
        {
            case "Exact" or "Prefix":
                if (!path.StartsWith('/'))
                    errors.Invalid(field.Child("path"), path, "must be an absolute path");
                if (path.Contains("//", StringComparison.Ordinal))
                    errors.Invalid(field.Child("path"), path, "must not contain '//'");
                break;
            case "ImplementationSpecific":
                if (path.Length > 0 && !path.StartsWith('/'))
                    errors.Invalid(field.Child("path"), path, "must be an absolute path");
                break;
            default:
                errors.NotSupported(field.Child("pathType"), value.Str("pathType"), "Exact", "ImplementationSpecific", "Prefix");
                break;
        }
        Backend(errors, value.Obj("backend") ?? [], field.Child("backend"));
    }

    private static void Backend(FieldErrors errors, JsonObject backend, FieldPath field)
    {
        var service = backend.Obj("service");
        if (service is not null && backend.Has("resource"))
            errors.Invalid(field, "", "cannot set both resource and service backends");
        else if (service is null && !backend.Has("resource"))
            errors.Required(field, "resource or service backend is required");
        if (service is null)
            return;
        Checks.Required(errors, service, field.Child("service"), "name");
        var port = service.Obj("port");
        var path = field.Child("service").Child("port");
        if (port.Str("name").Length > 0 && port.Long("number") != 0)
            errors.Invalid(path, "", "cannot set both port name & port number");
        else if (port.Str("name").Length > 0)
            Checks.PortNumberOrName(errors, path.Child("name"), port.Str("name"));
        else if (port.Long("number") != 0)
            Checks.PortNumber(errors, path.Child("number"), port.Long("number"));
        else
            errors.Required(path, "port name or number is required");
    }

    private static void PolicyPort(FieldErrors errors, JsonObject port, FieldPath field)
    {
        Checks.OneOf(errors, port, field, "protocol", isRequired: false, "TCP", "UDP", "SCTP");
        if (port.Has("port"))
            Checks.PortNumberOrName(errors, field.Child("port"), port["port"]);
        if (port.LongOrNull("endPort") is not { } end)
            return;
        if (port.LongOrNull("port") is not { } start)
            errors.Required(field.Child("port"), "may not be specified when `endPort` is specified");
        else if (end < start)
            errors.Invalid(field.Child("endPort"), end, "must be greater than or equal to `port`");
        Checks.PortNumber(errors, field.Child("endPort"), end);
    }

    private static void PolicyPeer(FieldErrors errors, JsonObject peer, FieldPath field)
    {
        var count = ((string[])["podSelector", "namespaceSelector", "ipBlock"]).Count(peer.Has);
        if (count == 0)
            errors.Required(field, "must specify a peer");
        else if (count > 1 && peer.Has("ipBlock"))
            errors.Forbidden(field, "may not specify both ipBlock and another peer");
        Checks.LabelSelector(errors, peer.Obj("podSelector"), field.Child("podSelector"));
        Checks.LabelSelector(errors, peer.Obj("namespaceSelector"), field.Child("namespaceSelector"));
        if (peer.Obj("ipBlock") is not { } block)
            return;
        var path = field.Child("ipBlock");
        if (Checks.Required(errors, block, path, "cidr") && !Checks.IsCidr(block.Str("cidr")))
            errors.Invalid(path.Child("cidr"), block.Str("cidr"), "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
        var index = 0;
        foreach (var except in block.Strings("except"))
        {
            if (!Checks.IsCidr(except))
                errors.Invalid(path.Child("except").Index(index), except, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
            index++;
        }
    }
}
