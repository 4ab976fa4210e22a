using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>A pod's spec, alone or in a template, judged as Kubernetes' ValidatePodSpec does.</summary>
internal static class PodSpecValidation
{
    public static void Validate(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var volumes = VolumeValidation.Validate(errors, spec, field.Child("volumes"));
        ContainerValidation.ValidateAll(errors, spec, field, volumes);
        Checks.OneOf(errors, spec, field, "restartPolicy", isRequired: true, "Always", "OnFailure", "Never");
        ValidateDns(errors, spec, field);
        ValidateNames(errors, spec, field);
        ValidateHost(errors, spec, field);
        SecurityContextValidation.ValidatePod(errors, spec, field.Child("securityContext"));
        SchedulingValidation.Validate(errors, spec, field);

        if (spec.LongOrNull("activeDeadlineSeconds") is { } deadline && deadline is < 1 or > int.MaxValue)
            errors.Invalid(field.Child("activeDeadlineSeconds"), spec["activeDeadlineSeconds"], "must be between 1 and 2147483647, inclusive");
        Checks.OneOf(errors, spec, field, "preemptionPolicy", isRequired: false, "Never", "PreemptLowerPriority");
        if (spec.Obj("os") is { } os)
            Checks.OneOf(errors, os, field.Child("os"), "name", isRequired: true, "linux", "windows");
        foreach (var (name, value) in spec.Obj("overhead") ?? [])
            Checks.Quantity(errors, field.Child("overhead").Key(name), value, out _);
    }

    private static void ValidateDns(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        Checks.OneOf(errors, spec, field, "dnsPolicy", isRequired: true, "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None");
        var (config, path) = (spec.Obj("dnsConfig"), field.Child("dnsConfig"));
        if (spec.Str("dnsPolicy") == "None")
        {
            if (config is null)
                errors.Required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
            else if (!config.Strings("nameservers").Any())
                errors.Required(path.Child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None");
        }
        if (config is null)
            return;
        var servers = config.Strings("nameservers").ToList();
        if (servers.Count > 3)
            errors.Invalid(path.Child("nameservers"), config["nameservers"], "must not have more than 3 nameservers");
        for (var i = 0; i < servers.Count; i++)
            Checks.Address(errors, path.Child("nameservers").Index(i), servers[i]);
        var searches = config.Strings("searches").ToList();
        if (searches.Count > 32)
            errors.Invalid(path.Child("searches"), config["searches"], "must not have more than 32 search paths");
        if (string.Join(' ', searches).Length > 2048)
            errors.Invalid(path.Child("searches"), config["searches"], "must not have more than 2048 characters (including spaces) in the search list");
        for (var i = 0; i < searches.Count; i++)
        {
            if (searches[i] != "." && NameChecks.DnsSubdomain(searches[i].TrimEnd('.').Replace("_", "-", StringComparison.Ordinal)) is { } complaint)
                errors.Invalid(path.Child("searches").Index(i), searches[i], complaint);
        }
        var index = 0;
        foreach (var option in config.Items("options"))
            Checks.Required(errors, option, path.Child("options").Index(index++), "name", "must not be empty");
    }

    private static void ValidateNames(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        foreach (var (name, rule) in ((string, Func<string, string?>)[])[
            ("serviceAccountName", NameChecks.DnsSubdomain), ("nodeName", NameChecks.DnsSubdomain), ("hostname", NameChecks.DnsLabel), ("subdomain", NameChecks.DnsLabel),
            ("priorityClassName", NameChecks.DnsSubdomain), ("runtimeClassName", NameChecks.DnsSubdomain), ("schedulerName", NameChecks.QualifiedName)])
        {
            if (spec.Str(name) is { Length: > 0 } value)
                Checks.Name(errors, field.Child(name), value, rule);
        }
        Checks.Labels(errors, spec.Obj("nodeSelector"), field.Child("nodeSelector"));
        var index = 0;
        foreach (var secret in spec.Items("imagePullSecrets"))
        {
            if (secret.Str("name").Length == 0 && spec.Arr("imagePullSecrets")!.Count > 0)
                errors.Required(field.Child("imagePullSecrets").Index(index).Child("name"), "");
            index++;
        }
        index = 0;
        foreach (var alias in spec.Items("hostAliases"))
        {
            var path = field.Child("hostAliases").Index(index++);
            Checks.Address(errors, path.Child("ip"), alias.Str("ip"));
            foreach (var name in alias.Strings("hostnames"))
                Checks.Name(errors, path.Child("hostnames"), name, NameChecks.DnsSubdomain);
        }
        index = 0;
        foreach (var gate in spec.Items("readinessGates"))
            Checks.Name(errors, field.Child("readinessGates").Index(index++).Child("conditionType"), gate.Str("conditionType"), NameChecks.QualifiedName);
    }

    private static void ValidateHost(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        if (spec.Bool("hostPID") && spec.Bool("shareProcessNamespace"))
            errors.Invalid(field.Child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled");
        if (!spec.Bool("hostNetwork"))
            return;
        var containerIndex = 0;
        foreach (var container in spec.Items("containers"))
        {
            var portIndex = 0;
            foreach (var port in container.Items("ports"))
            {
                if (port.Long("hostPort") != port.Long("containerPort"))
                    errors.Invalid(field.Child("containers").Index(containerIndex).Child("ports").Index(portIndex).Child("containerPort"), port["containerPort"], "must match `hostPort` when `hostNetwork` is true");
                portIndex++;
            }
            containerIndex++;
        }
    }
}
