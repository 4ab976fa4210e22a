using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>A pod's spec, alone or in a template, judged as Kubernetes' ValidatePodSpec does.</summary>
internal static class PodSpecValidation
{
    private const int MaxNameservers = 3;
    private const int MaxSearches = 32;
    private const int MaxSearchCharacters = 2048;

    /// <param name="podName">The pod's name; null for a template.</param>
    public static void Validate(FieldErrors errors, JsonObject spec, FieldPath field, string? podName = null)
    {
        var pod = PodScope.Of(spec, podName);
        if (pod.GracePeriodSeconds is null)
            errors.Required(field.Child("terminationGracePeriodSeconds"), "");
        VolumeValidation.Validate(errors, pod, field.Child("volumes"));
        Claims(errors, spec, field.Child("resourceClaims"));
        ContainerValidation.ValidateAll(errors, pod, field);
        ResourceValidation.Pod(errors, spec, field.Child("resources"), pod.Claims);
        HostPorts(errors, pod, field.Child("containers"));
        Checks.OneOf(errors, spec, field, "restartPolicy", isRequired: true, "Always", "OnFailure", "Never");
        Checks.OneOf(errors, spec, field, "dnsPolicy", isRequired: true, "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None");
        Checks.Labels(errors, spec.Obj("nodeSelector"), field.Child("nodeSelector"));
        SecurityContextValidation.ValidatePod(errors, spec, field.Child("securityContext"));
        if (spec.Obj("affinity") is { } affinity)
            SchedulingValidation.Affinity(errors, affinity, field.Child("affinity"));
        Dns(errors, spec, field.Child("dnsConfig"));
        Gates(errors, spec, field);
        SchedulingValidation.TopologySpread(errors, spec, field.Child("topologySpreadConstraints"));
        WindowsValidation.HostProcesses(errors, spec, field);
        HostUsers(errors, spec, field);
        Names(errors, spec, field);
        if (spec.LongOrNull("activeDeadlineSeconds") is { } deadline and (< 1 or > int.MaxValue))
            errors.Invalid(field.Child("activeDeadlineSeconds"), deadline, "must be between 1 and 2147483647, inclusive");
        SchedulingValidation.Tolerations(errors, spec, field.Child("tolerations"));
        HostAliases(errors, spec, field.Child("hostAliases"));
        Checks.OneOf(errors, spec, field, "preemptionPolicy", isRequired: spec.Has("preemptionPolicy"), "PreemptLowerPriority", "Never");
        if (spec.Obj("overhead") is { Count: > 0 } overhead)
            ResourceValidation.Container(errors, new JsonObject { ["limits"] = overhead.DeepClone() }, field.Child("overhead"), []);
        if (spec.Obj("os") is { } os)
            WindowsValidation.OperatingSystem(errors, spec, os, field);
    }

    private static void Claims(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        if (spec.Arr("resourceClaims") is not { Count: > 0 })
            return;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var claim in spec.Items("resourceClaims"))
        {
            var path = field.Index(index++);
            var name = claim.Str("name");
            if (name.Length == 0)
                errors.Required(path.Child("name"), "");
            else if (!names.Add(name))
                errors.Duplicate(path.Child("name"), name);
            else
                Checks.Name(errors, path.Child("name"), name, NameChecks.DnsLabel);
            var (byName, byTemplate) = (claim.StrOrNull("resourceClaimName"), claim.StrOrNull("resourceClaimTemplateName"));
            if (byName is not null && byTemplate is not null)
                errors.Invalid(path, claim, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
            if (byName is null && byTemplate is null)
                errors.Invalid(path, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
            if (byName is not null)
                Checks.Name(errors, path.Child("resourceClaimName"), byName, NameChecks.DnsSubdomain);
            if (byTemplate is not null)
                Checks.Name(errors, path.Child("resourceClaimTemplateName"), byTemplate, NameChecks.DnsSubdomain);
        }
    }

    private static void HostPorts(FieldErrors errors, PodScope pod, FieldPath field)
    {
        if (!pod.Spec.Bool("hostNetwork"))
            return;
        var index = 0;
        foreach (var container in pod.Spec.Items("containers"))
        {
            var path = field.Index(index++).Child("ports");
            var i = 0;
            foreach (var port in container.Items("ports"))
            {
                // In a template the host's port may be left to the pod's defaults.
                if ((pod.IsPod || port.Long("hostPort") != 0) && port.Long("hostPort") != port.Long("containerPort"))
                    errors.Invalid(path.Index(i).Child("hostPort"), port.Long("hostPort"), "must match `containerPort` when `hostNetwork` is true");
                i++;
            }
        }
    }

    private static void Dns(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var config = spec.Obj("dnsConfig");
        if (spec.Str("dnsPolicy") == "None" && config is null)
        {
            errors.Required(field, "must provide `dnsConfig` when `dnsPolicy` is None");
            return;
        }
        if (config is null)
            return;
        var count = config.Arr("nameservers")?.Count ?? 0;
        if (spec.Str("dnsPolicy") == "None" && count == 0)
        {
            errors.Required(field.Child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None");
            return;
        }
        if (count > MaxNameservers)
            errors.Invalid(field.Child("nameservers"), config["nameservers"], $"must not have more than {MaxNameservers} nameservers");
        var index = 0;
        foreach (var server in config.Strings("nameservers"))
            Checks.Address(errors, field.Child("nameservers").Index(index++), server);
        Searches(errors, config, field.Child("searches"));
        index = 0;
        foreach (var option in config.Items("options"))
        {
            var path = field.Child("options").Index(index++);
            if (option.Str("name").Length == 0)
                errors.Required(path, "must not be empty");
        }
    }

    private static void Searches(FieldErrors errors, JsonObject config, FieldPath field)
    {
        if (config.Arr("searches") is not { Count: > 0 } searches)
            return;
        if (searches.Count > MaxSearches)
            errors.Invalid(field, searches, $"must not have more than {MaxSearches} search paths");
        if (string.Join(' ', config.Strings("searches")).Length > MaxSearchCharacters)
            errors.Invalid(field, searches, $"must not have more than {MaxSearchCharacters} characters (including spaces) in the search list");
        var index = 0;
        foreach (var search in config.Strings("searches"))
        {
            var path = field.Index(index++);
            if (search != ".")
                Checks.Name(errors, path, search.EndsWith('.') ? search[..^1] : search, NameFormats.Dns1123SubdomainWithUnderscore);
        }
    }

    private static void Gates(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var index = 0;
        foreach (var gate in spec.Items("readinessGates"))
            Checks.Name(errors, field.Child("readinessGates").Index(index++).Child("conditionType"), gate.Str("conditionType"), NameChecks.QualifiedName);
        if (spec.Arr("schedulingGates") is not { Count: > 0 })
            return;
        var gates = new HashSet<string>(StringComparer.Ordinal);
        index = 0;
        foreach (var gate in spec.Items("schedulingGates"))
        {
            var path = field.Child("schedulingGates").Index(index++);
            Checks.Name(errors, path, gate.Str("name"), NameChecks.QualifiedName);
            if (!gates.Add(gate.Str("name")))
                errors.Duplicate(path, gate.Str("name"));
        }
    }

    private static void HostUsers(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        const string Detail = "when `pod.Spec.HostUsers` is false";
        if (spec.BoolOrNull("hostUsers") != false)
            return;
        if (spec.Bool("hostNetwork"))
            errors.Forbidden(field.Child("hostNetwork"), Detail);
        if (spec.Bool("hostPID"))
            errors.Forbidden(field.Child("HostPID"), Detail);
        if (spec.Bool("hostIPC"))
            errors.Forbidden(field.Child("HostIPC"), Detail);
        var index = 0;
        foreach (var container in spec.Items("containers"))
        {
            var path = field.Child("containers").Index(index++);
            if (container.Arr("volumeDevices") is { Count: > 0 })
                errors.Forbidden(path.Child("volumeDevices"), Detail);
        }
    }

    private static void Names(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        Checks.OptionalName(errors, spec, field, "serviceAccountName", NameChecks.DnsSubdomain);
        Checks.OptionalName(errors, spec, field, "nodeName", NameChecks.DnsSubdomain);
        Checks.OptionalName(errors, spec, field, "hostname", NameChecks.DnsLabel);
        Checks.OptionalName(errors, spec, field, "subdomain", NameChecks.DnsLabel);
        Checks.OptionalName(errors, spec, field, "priorityClassName", NameChecks.DnsSubdomain);
        if (spec.StrOrNull("runtimeClassName") is { } runtime)
            Checks.Name(errors, field.Child("runtimeClassName"), runtime, NameChecks.DnsSubdomain);
        if (spec.StrOrNull("hostnameOverride") is not { } hostname)
            return;
        // The name that a pod's host is called by, in full (KEP-4762).
        if (hostname.Length > 64)
            errors.Invalid(field.Child("hostnameOverride"), hostname, "must be no more than 64 characters");
        Checks.Name(errors, field.Child("hostnameOverride"), hostname, NameChecks.DnsSubdomain);
        if (spec.Bool("hostNetwork"))
            errors.Forbidden(field.Child("hostnameOverride"), "may not be specified when hostNetwork is true");
        if (spec.Bool("setHostnameAsFQDN"))
            errors.Forbidden(field.Child("hostnameOverride"), "may not be specified when setHostnameAsFQDN is true");
    }

    private static void HostAliases(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var index = 0;
        foreach (var alias in spec.Items("hostAliases"))
        {
            var path = field.Index(index++);
            Checks.Address(errors, path.Child("ip"), alias.Str("ip"));
            var i = 0;
            foreach (var name in alias.Strings("hostnames"))
                Checks.Name(errors, path.Child("hostnames").Index(i++), name, NameChecks.DnsSubdomain);
        }
    }
}
