using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Services, judged as Kubernetes' ValidateService does on a single-stack cluster.</summary>
internal static class ServiceValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        var type = spec.Str("type");
        Checks.OneOf(errors, spec, Spec, "type", isRequired: true, "ClusterIP", "ExternalName", "LoadBalancer", "NodePort");
        var isHeadless = spec.Str("clusterIP") == "None";
        if (!spec.Items("ports").Any() && !isHeadless && type != "ExternalName")
            errors.Required(Spec.Child("ports"), "");
        switch (type)
        {
            case "NodePort" or "LoadBalancer" when isHeadless:
                errors.Invalid(Spec.Child("clusterIPs").Index(0), "None", $"may not be set to 'None' for {type} services");
                break;
            case "ExternalName":
                if (spec.Strings("clusterIPs").Any())
                    errors.Forbidden(Spec.Child("clusterIPs"), "may not be set for ExternalName services");
                var name = spec.Str("externalName").TrimEnd('.');
                if (name.Length == 0)
                    errors.Required(Spec.Child("externalName"), "");
                else
                    Checks.Name(errors, Spec.Child("externalName"), name, NameChecks.DnsSubdomain);
                break;
        }
        Ports(errors, spec);
        Addresses(errors, spec, old);
        Checks.Labels(errors, spec.Obj("selector"), Spec.Child("selector"));
        Affinity(errors, spec);
        Traffic(errors, spec);
        if (spec.Str("loadBalancerClass").Length > 0 && type != "LoadBalancer")
            errors.Forbidden(Spec.Child("loadBalancerClass"), "may only be used when `type` is 'LoadBalancer'");
        if (type == "LoadBalancer" && !spec.Has("allocateLoadBalancerNodePorts"))
            errors.Required(Spec.Child("allocateLoadBalancerNodePorts"), "");
        else if (type != "LoadBalancer" && spec.Has("allocateLoadBalancerNodePorts"))
            errors.Forbidden(Spec.Child("allocateLoadBalancerNodePorts"), "may only be used when `type` is 'LoadBalancer'");
    }

    private static void Ports(FieldErrors errors, JsonObject spec)
    {
        var ports = spec.Items("ports").ToList();
        var (names, pairs, nodePorts) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<(string, long)>(), new HashSet<(string, long)>());
        for (var i = 0; i < ports.Count; i++)
        {
            var (port, path) = (ports[i], Spec.Child("ports").Index(i));
            var name = port.Str("name");
            if (name.Length == 0)
            {
                if (ports.Count > 1)
                    errors.Required(path.Child("name"), "");
            }
            else
            {
                Checks.Name(errors, path.Child("name"), name, NameChecks.DnsLabel);
                if (!names.Add(name))
                    errors.Duplicate(path.Child("name"), name);
            }
            Checks.PortNumber(errors, path.Child("port"), port.Long("port"));
            Checks.OneOf(errors, port, path, "protocol", isRequired: true, "TCP", "UDP", "SCTP");
            Checks.PortNumberOrName(errors, path.Child("targetPort"), port["targetPort"]);
            if (!pairs.Add((port.Str("protocol"), port.Long("port"))))
                errors.Duplicate(path, new JsonObject { ["port"] = port.Long("port"), ["protocol"] = port.Str("protocol") });
            if (port.Long("nodePort") == 0)
                continue;
            if (spec.Str("type") is "ClusterIP" or "ExternalName")
                errors.Forbidden(path.Child("nodePort"), $"may not be used when `type` is '{spec.Str("type")}'");
            else if (!nodePorts.Add((port.Str("protocol"), port.Long("nodePort"))))
                errors.Duplicate(path.Child("nodePort"), port.Long("nodePort"));
        }
    }

    private static void Addresses(FieldErrors errors, JsonObject spec, JsonObject? old)
    {
        if (!ServiceFields.NeedsClusterAddress(spec))
            return;
        var addresses = spec.Strings("clusterIPs").ToList();
        if (addresses.Count > 0 && addresses[0] != spec.Str("clusterIP"))
            errors.Invalid(Spec.Child("clusterIPs"), spec["clusterIPs"], "first value must match `clusterIP`");
        for (var i = 0; i < addresses.Count; i++)
        {
            if (addresses[i] != "None")
                Checks.Address(errors, Spec.Child("clusterIPs").Index(i), addresses[i]);
            if (i > 0)
                errors.Invalid(Spec.Child("clusterIPs").Index(i), addresses[i], "this cluster is not configured for dual-stack services");
        }
        var families = spec.Strings("ipFamilies").ToList();
        var isSelectorlessHeadless = spec.Str("clusterIP") == "None" && spec.Obj("selector") is not { Count: > 0 };
        for (var i = 0; i < families.Count; i++)
        {
            if (families[i] is not ("IPv4" or "IPv6"))
                errors.NotSupported(Spec.Child("ipFamilies").Index(i), families[i], "IPv4", "IPv6");
            else if (families[i] == "IPv6" && !isSelectorlessHeadless)
                errors.Invalid(Spec.Child("ipFamilies").Index(i), families[i], "not configured on this cluster");
        }
        Checks.OneOf(errors, spec, Spec, "ipFamilyPolicy", isRequired: false, "SingleStack", "PreferDualStack", "RequireDualStack");
        if (spec.Str("ipFamilyPolicy") == "RequireDualStack" && !isSelectorlessHeadless)
            errors.Invalid(Spec.Child("ipFamilyPolicy"), "RequireDualStack", "this cluster is not configured for dual-stack services");
        var before = old.Obj("spec");
        if (before is not null && ServiceFields.NeedsClusterAddress(before) && before.Str("clusterIP").Length > 0 && before.Str("clusterIP") != spec.Str("clusterIP"))
            errors.Invalid(Spec.Child("clusterIPs").Index(0), spec["clusterIPs"], spec.Str("clusterIP").Length == 0 ? "primary clusterIP can not be unset" : "may not change once set");
    }

    private static void Affinity(FieldErrors errors, JsonObject spec)
    {
        Checks.OneOf(errors, spec, Spec, "sessionAffinity", isRequired: true, "ClientIP", "None");
        var config = spec.Obj("sessionAffinityConfig");
        var path = Spec.Child("sessionAffinityConfig");
        if (spec.Str("sessionAffinity") == "None" && config is not null)
            errors.Forbidden(path, "must not be set when session affinity is None");
        if (spec.Str("sessionAffinity") == "ClientIP" && config.Obj("clientIP").LongOrNull("timeoutSeconds") is var timeout && timeout is null or <= 0 or > 86400)
            errors.Invalid(path.Child("clientIP").Child("timeoutSeconds"), timeout, "must be greater than 0 and less than 86400");
    }

    private static void Traffic(FieldErrors errors, JsonObject spec)
    {
        var isReachable = ServiceFields.IsExternallyReachable(spec);
        if (spec.Str("externalTrafficPolicy").Length > 0)
        {
            if (!isReachable)
                errors.Invalid(Spec.Child("externalTrafficPolicy"), spec.Str("externalTrafficPolicy"), "may only be set for externally-accessible services");
            else
                Checks.OneOf(errors, spec, Spec, "externalTrafficPolicy", isRequired: true, "Cluster", "Local");
        }
        if (spec.Long("healthCheckNodePort") != 0 && !ServiceFields.NeedsHealthCheckPort(spec))
            errors.Invalid(Spec.Child("healthCheckNodePort"), spec.Long("healthCheckNodePort"), "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
        Checks.OneOf(errors, spec, Spec, "internalTrafficPolicy", isRequired: false, "Cluster", "Local");
        var index = 0;
        foreach (var address in spec.Strings("externalIPs"))
            Checks.Address(errors, Spec.Child("externalIPs").Index(index++), address);
        index = 0;
        foreach (var range in spec.Strings("loadBalancerSourceRanges"))
        {
            if (!Checks.IsCidr(range.Trim()))
                errors.Invalid(Spec.Child("loadBalancerSourceRanges").Index(index), range, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
            index++;
        }
    }
}
