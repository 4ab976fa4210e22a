using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Services, judged as Kubernetes' ValidateService does. What is about cluster addresses: <see cref="ServiceAddressValidation"/>.</summary>
internal static class ServiceValidation
{
    private const string OnlyBalancers = "may only be used when `type` is 'LoadBalancer'";
    private const string SourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";
    private const string HintsAnnotation = "service.kubernetes.io/topology-aware-hints";
    private const string ModeAnnotation = "service.kubernetes.io/topology-mode";
    private const int MaxAffinitySeconds = 86400;

    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly FieldPath Annotations = FieldPath.Of("metadata").Child("annotations");

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        // Kubernetes gives out the addresses first and says nothing else when it cannot.
        var before = errors.Count;
        ServiceAddressValidation.Validate(errors, spec);
        if (errors.Count > before)
            return;
        if (old is not null)
            Update(errors, spec, old.Obj("spec") ?? []);
        Topology(errors, value.Meta().Obj("annotations"));
        var type = spec.Str("type");
        if (spec.Arr("ports") is not { Count: > 0 } && !ServiceAddressValidation.IsHeadless(spec) && type != "ExternalName")
            errors.Required(Spec.Child("ports"), "");
        if (type is "LoadBalancer" or "NodePort" && ServiceAddressValidation.IsHeadless(spec))
            errors.Invalid(Spec.Child("clusterIPs").Index(0), "None", $"may not be set to 'None' for {type} services");
        if (type == "ExternalName")
            ExternalName(errors, spec);
        Ports(errors, spec);
        Checks.Labels(errors, spec.Obj("selector"), Spec.Child("selector"));
        Affinity(errors, spec);
        var index = 0;
        foreach (var address in spec.Strings("externalIPs"))
        {
            var path = Spec.Child("externalIPs").Index(index++);
            var found = errors.Count;
            Checks.Address(errors, path, address);
            if (errors.Count == found)
                Checks.NotSpecial(errors, path, address);
        }
        Checks.OneOf(errors, spec, Spec, "type", isRequired: true, "ClusterIP", "ExternalName", "LoadBalancer", "NodePort");
        UniquePorts(errors, spec);
        Balancer(errors, value, spec, type);
        Traffic(errors, spec);
    }

    public static void Status(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var field = FieldPath.Of("status").Child("loadBalancer", "ingress");
        var index = 0;
        foreach (var ingress in value.Obj("status", "loadBalancer").Items("ingress"))
        {
            var path = field.Index(index++);
            var hasAddress = ingress.Str("ip").Length > 0;
            if (hasAddress)
                Checks.Address(errors, path.Child("ip"), ingress.Str("ip"));
            if (hasAddress && !ingress.Has("ipMode"))
                errors.Required(path.Child("ipMode"), "must be specified when `ip` is set");
            else if (!hasAddress && ingress.Has("ipMode"))
                errors.Forbidden(path.Child("ipMode"), "may not be specified when `ip` is not set");
            else
                Checks.OneOf(errors, ingress, path, "ipMode", isRequired: false, "Proxy", "VIP");
            IngressValidation.Hostname(errors, ingress, path);
        }
        if (index > 0 && value.Obj("spec").Str("type") != "LoadBalancer")
            errors.Forbidden(field, "may only be used when `spec.type` is 'LoadBalancer'");
    }

    private static void Update(FieldErrors errors, JsonObject spec, JsonObject before)
    {
        ServiceAddressValidation.Update(errors, spec, before);
        if (spec.Str("type") == "LoadBalancer" && before.Str("type") == "LoadBalancer" && !spec["loadBalancerClass"].SameAs(before["loadBalancerClass"]))
            errors.Invalid(Spec.Child("loadBalancerClass"), spec["loadBalancerClass"], "may not change once set");
        if (ServiceFields.NeedsHealthCheckPort(before) && ServiceFields.NeedsHealthCheckPort(spec) && spec.Long("healthCheckNodePort") != before.Long("healthCheckNodePort"))
            errors.Forbidden(Spec.Child("healthCheckNodePort"), Checks.FieldImmutable);
    }

    private static void Topology(FieldErrors errors, JsonObject? annotations)
    {
        if (annotations.StrOrNull(ModeAnnotation) is { } mode && annotations.StrOrNull(HintsAnnotation) is { } hints && mode != hints)
            errors.Invalid(Annotations.Key(ModeAnnotation), mode, $"must match annotations[{HintsAnnotation}] when both are specified");
    }

    private static void ExternalName(FieldErrors errors, JsonObject spec)
    {
        const string None = "may not be set for ExternalName services";
        if (spec.Arr("clusterIPs") is { Count: > 0 })
            errors.Forbidden(Spec.Child("clusterIPs"), None);
        if (spec.Arr("ipFamilies") is { Count: > 0 })
            errors.Forbidden(Spec.Child("ipFamilies"), None);
        if (spec.Has("ipFamilyPolicy"))
            errors.Forbidden(Spec.Child("ipFamilyPolicy"), None);
        var name = spec.Str("externalName");
        // A dot at its end says that it is whole.
        name = name.EndsWith('.') ? name[..^1] : name;
        if (name.Length > 0)
            Checks.Name(errors, Spec.Child("externalName"), name, NameChecks.DnsSubdomain);
        else
            errors.Required(Spec.Child("externalName"), "");
    }

    private static void Ports(FieldErrors errors, JsonObject spec)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var isNameRequired = spec.Arr("ports") is { Count: > 1 };
        var index = 0;
        foreach (var port in spec.Items("ports"))
        {
            var path = Spec.Child("ports").Index(index++);
            if (port.Str("name") is { Length: > 0 } name)
            {
                Checks.Name(errors, path.Child("name"), name, NameChecks.DnsLabel);
                if (!names.Add(name))
                    errors.Duplicate(path.Child("name"), name);
            }
            else if (isNameRequired)
            {
                errors.Required(path.Child("name"), "");
            }
            Checks.PortNumber(errors, path.Child("port"), port.Long("port"));
            Checks.OneOf(errors, port, path, "protocol", isRequired: true, "SCTP", "TCP", "UDP");
            Checks.PortNumberOrName(errors, path.Child("targetPort"), port["targetPort"]);
            if (port.StrOrNull("appProtocol") is { } protocol)
                Checks.Name(errors, path.Child("appProtocol"), protocol, NameChecks.QualifiedName);
        }
    }

    private static void UniquePorts(FieldErrors errors, JsonObject spec)
    {
        var (ports, nodePorts) = (new HashSet<(string, long)>(), new HashSet<(string, long)>());
        var index = 0;
        foreach (var port in spec.Items("ports"))
        {
            var path = Spec.Child("ports").Index(index++);
            var (protocol, nodePort) = (port.Str("protocol"), port.Long("nodePort"));
            if (nodePort != 0 && spec.Str("type") == "ClusterIP")
                errors.Forbidden(path.Child("nodePort"), "may not be used when `type` is 'ClusterIP'");
            if (nodePort != 0 && !nodePorts.Add((protocol, nodePort)))
                errors.Duplicate(path.Child("nodePort"), nodePort);
            if (!ports.Add((protocol, port.Long("port"))))
                errors.Duplicate(path, new JsonObject { ["Name"] = "", ["Protocol"] = protocol, ["AppProtocol"] = null, ["Port"] = port.Long("port"), ["TargetPort"] = 0, ["NodePort"] = 0 });
        }
    }

    private static void Affinity(FieldErrors errors, JsonObject spec)
    {
        const string When = "when session affinity type is ClientIP";
        Checks.OneOf(errors, spec, Spec, "sessionAffinity", isRequired: true, "ClientIP", "None");
        var (config, path) = (spec.Obj("sessionAffinityConfig"), Spec.Child("sessionAffinityConfig"));
        if (spec.Str("sessionAffinity") == "None" && config is not null)
            errors.Forbidden(path, "must not be set when session affinity is None");
        if (spec.Str("sessionAffinity") != "ClientIP")
            return;
        if (config is null)
            errors.Required(path, When);
        else if (config.Obj("clientIP") is not { } client)
            errors.Required(path.Child("clientIP"), When);
        else if (client.LongOrNull("timeoutSeconds") is not { } timeout)
            errors.Required(path.Child("clientIP", "timeoutSeconds"), When);
        else if (timeout is <= 0 or > MaxAffinitySeconds)
            errors.Invalid(path.Child("clientIP", "timeoutSeconds"), timeout, $"must be greater than 0 and less than {MaxAffinitySeconds}");
    }

    private static void Balancer(FieldErrors errors, JsonObject value, JsonObject spec, string type)
    {
        var isBalancer = type == "LoadBalancer";
        if (spec.Arr("loadBalancerSourceRanges") is { Count: > 0 })
        {
            // The path is Kubernetes' own slip.
            var field = Spec.Child("LoadBalancerSourceRanges");
            if (!isBalancer)
                errors.Forbidden(field, OnlyBalancers);
            var index = 0;
            foreach (var range in spec.Strings("loadBalancerSourceRanges"))
                Checks.Range(errors, field.Index(index++), range.Trim());
        }
        else if (value.Meta().Obj("annotations").StrOrNull(SourceRangesAnnotation) is { } ranges)
        {
            if (!isBalancer)
                errors.Forbidden(Annotations.Key(SourceRangesAnnotation), OnlyBalancers);
            if (ranges.Trim().Length > 0)
            {
                foreach (var range in ranges.Split(','))
                    Checks.Range(errors, Annotations.Key(SourceRangesAnnotation), range.Trim());
            }
        }
        if (!isBalancer && spec.Has("allocateLoadBalancerNodePorts"))
            errors.Forbidden(Spec.Child("allocateLoadBalancerNodePorts"), OnlyBalancers);
        if (isBalancer && !spec.Has("allocateLoadBalancerNodePorts"))
            errors.Required(FieldPath.Of("allocateLoadBalancerNodePorts"), "");
        if (spec.StrOrNull("loadBalancerClass") is not { } name)
            return;
        if (isBalancer)
            Checks.Name(errors, Spec.Child("loadBalancerClass"), name, NameChecks.QualifiedName);
        else
            errors.Forbidden(Spec.Child("loadBalancerClass"), OnlyBalancers);
    }

    private static void Traffic(FieldErrors errors, JsonObject spec)
    {
        if (ServiceFields.IsExternallyReachable(spec))
            Checks.OneOf(errors, spec, Spec, "externalTrafficPolicy", isRequired: true, "Cluster", "Local");
        else if (spec.Str("externalTrafficPolicy").Length > 0)
            errors.Invalid(Spec.Child("externalTrafficPolicy"), spec.Str("externalTrafficPolicy"), "may only be set for externally-accessible services");
        if (spec.Long("healthCheckNodePort") is not 0 and var port)
        {
            if (!ServiceFields.NeedsHealthCheckPort(spec))
                errors.Invalid(Spec.Child("healthCheckNodePort"), port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
            else
                Checks.PortNumber(errors, Spec.Child("healthCheckNodePort"), port);
        }
        Checks.OneOf(errors, spec, Spec, "internalTrafficPolicy", isRequired: spec.Str("type") is "ClusterIP" or "NodePort" or "LoadBalancer", "Cluster", "Local");
        if (spec.StrOrNull("trafficDistribution") is { } distribution && distribution is not ("PreferClose" or "PreferSameNode" or "PreferSameZone"))
            errors.NotSupported(Spec.Child("trafficDistribution"), distribution, "PreferClose", "PreferSameNode", "PreferSameZone");
    }
}
