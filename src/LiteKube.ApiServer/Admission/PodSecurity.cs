using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>Holds pods to the level that their namespace's labels name (https://kubernetes.io/docs/concepts/security/pod-security-standards/): enforce refuses, warn tells.</summary>
internal sealed class PodSecurity(IObjectReader objects) : AdmissionPlugin
{
    private const string LabelPrefix = "pod-security.kubernetes.io/";

    public override string Name => "PodSecurity";

    protected override void Validate(AdmissionAttributes attributes)
    {
        var (isPod, ns) = (attributes.Resource.GroupResource == CoreResources.Pods, attributes.Request.Namespace);
        if (ns.Length == 0 || attributes.Request.Subresource.Length > 0 || attributes.Object is not { } value)
            return;
        var spec = isPod ? value.Obj("spec") : PodSpecOf(attributes.Resource.Kind, value);
        if (spec is null)
            return;
        var labels = objects.Get(CoreResources.Namespaces, "", ns).Labels();
        if (isPod && Violations(labels, "enforce", spec) is { } refused)
            throw Forbidden(attributes, "violates " + refused);
        if (Violations(labels, "warn", spec) is { } warned)
            attributes.Warnings.Add("would violate " + warned);
        // A template's pods would be refused later, out of the user's sight.
        else if (!isPod && Violations(labels, "enforce", spec) is { } later)
            attributes.Warnings.Add("would violate " + later);
    }

    private static JsonObject? PodSpecOf(string kind, JsonObject value) => kind switch
    {
        "Deployment" or "ReplicaSet" or "DaemonSet" or "StatefulSet" or "ReplicationController" or "Job" => value.Obj("spec", "template").Obj("spec"),
        "CronJob" => value.Obj("spec", "jobTemplate").Obj("spec", "template").Obj("spec"),
        "PodTemplate" => value.Obj("template", "spec"),
        _ => null,
    };

    private static string? Violations(Dictionary<string, string> labels, string mode, JsonObject spec)
    {
        var level = labels.GetValueOrDefault(LabelPrefix + mode, "privileged");
        if (level is not ("baseline" or "restricted"))
            return null;
        var found = PodSecurityChecks.Run(spec, level == "restricted");
        return found.Count == 0 ? null : $"PodSecurity \"{level}:{labels.GetValueOrDefault($"{LabelPrefix}{mode}-version", "latest")}\": {string.Join(", ", found)}";
    }
}

/// <summary>The checks of the baseline and restricted levels, with their texts.</summary>
internal static class PodSecurityChecks
{
    private static readonly string[] BaselineCapabilities = ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"];
    private static readonly string[] SafeSysctls = ["kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];
    private static readonly string[] RestrictedVolumes = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "image"];

    public static List<string> Run(JsonObject spec, bool isRestricted)
    {
        var found = new List<string>();
        var containers = PodReferences.Containers(spec).ToList();
        Baseline(spec, containers, isRestricted, found);
        if (isRestricted)
            Restricted(spec, containers, found);
        return found;
    }

    private static void Baseline(JsonObject spec, List<JsonObject> containers, bool isRestricted, List<string> found)
    {
        var host = ((string[])["hostNetwork", "hostPID", "hostIPC"]).Where(f => spec.Bool(f)).Select(f => f + "=true").ToList();
        if (host.Count > 0)
            found.Add($"host namespaces ({string.Join(", ", host)})");
        AddContainers(found, "privileged", containers, c => c.Obj("securityContext").Bool("privileged"), "must not set securityContext.privileged=true");
        if (!isRestricted)
        {
            var extra = containers.SelectMany(c => c.Obj("securityContext", "capabilities").Strings("add")).Where(c => !BaselineCapabilities.Contains(c)).Distinct().Order(StringComparer.Ordinal).ToList();
            AddContainers(found, "non-default capabilities", containers, c => c.Obj("securityContext", "capabilities").Strings("add").Any(extra.Contains), $"must not include {Quoted(extra)} in securityContext.capabilities.add");
            var paths = spec.Items("volumes").Where(v => v.Has("hostPath")).Select(v => v.Str("name")).ToList();
            if (paths.Count > 0)
                found.Add($"hostPath volumes ({Plural("volume", paths)})");
        }
        var ports = containers.SelectMany(c => c.Items("ports")).Select(p => p.Long("hostPort")).Where(p => p != 0).Distinct().ToList();
        AddContainers(found, "hostPort", containers, c => c.Items("ports").Any(p => p.Long("hostPort") != 0), $"use{(containers.Count(c => c.Items("ports").Any(p => p.Long("hostPort") != 0)) == 1 ? "s" : "")} hostPort{(ports.Count > 1 ? "s" : "")} {string.Join(", ", ports)}");
        AddContainers(found, "procMount", containers, c => c.Obj("securityContext").Str("procMount") is not ("" or "Default"), "must not set securityContext.procMount to \"Unmasked\"");
        var sysctls = spec.Obj("securityContext").Items("sysctls").Select(s => s.Str("name")).Where(s => !SafeSysctls.Contains(s)).ToList();
        if (sysctls.Count > 0)
            found.Add($"forbidden sysctls ({string.Join(", ", sysctls)})");
        if (!isRestricted && spec.Obj("securityContext", "seccompProfile").Str("type") == "Unconfined")
            found.Add("seccompProfile (pod must not set securityContext.seccompProfile.type to \"Unconfined\")");
        else if (!isRestricted)
            AddContainers(found, "seccompProfile", containers, c => c.Obj("securityContext", "seccompProfile").Str("type") == "Unconfined", "must not set securityContext.seccompProfile.type to \"Unconfined\"");
    }

    private static void Restricted(JsonObject spec, List<JsonObject> containers, List<string> found)
    {
        AddContainers(found, "allowPrivilegeEscalation != false", containers, c => c.Obj("securityContext").BoolOrNull("allowPrivilegeEscalation") != false, "must set securityContext.allowPrivilegeEscalation=false");
        var drops = Details(containers, c => !c.Obj("securityContext", "capabilities").Strings("drop").Contains("ALL"), "must set securityContext.capabilities.drop=[\"ALL\"]");
        var added = containers.SelectMany(c => c.Obj("securityContext", "capabilities").Strings("add")).Where(c => c != "NET_BIND_SERVICE").Distinct().Order(StringComparer.Ordinal).ToList();
        var adds = Details(containers, c => c.Obj("securityContext", "capabilities").Strings("add").Any(added.Contains), $"must not include {Quoted(added)} in securityContext.capabilities.add");
        if (drops is not null || adds is not null)
            found.Add($"unrestricted capabilities ({string.Join("; ", ((string?[])[drops, adds]).OfType<string>())})");
        var volumes = spec.Items("volumes").Select(v => (Name: v.Str("name"), Kind: v.FirstOrDefault(p => p.Key != "name").Key ?? "")).Where(v => !RestrictedVolumes.Contains(v.Kind)).ToList();
        if (volumes.Count > 0)
            found.Add($"restricted volume types ({Plural("volume", volumes.Select(v => v.Name))} use{(volumes.Count == 1 ? "s" : "")} restricted volume type{(volumes.Select(v => v.Kind).Distinct().Count() > 1 ? "s" : "")} {Quoted(volumes.Select(v => v.Kind).Distinct())})");
        var pod = spec.Obj("securityContext");
        AddContainers(found, "runAsNonRoot != true", containers, c => (c.Obj("securityContext").BoolOrNull("runAsNonRoot") ?? pod.BoolOrNull("runAsNonRoot")) != true, "must set securityContext.runAsNonRoot=true", "pod or ");
        if (pod.LongOrNull("runAsUser") == 0)
            found.Add("runAsUser=0 (pod must not set runAsUser=0)");
        AddContainers(found, "runAsUser=0", containers, c => c.Obj("securityContext").LongOrNull("runAsUser") == 0, "must not set runAsUser=0");
        AddContainers(found, "seccompProfile", containers, c => (c.Obj("securityContext", "seccompProfile") ?? pod.Obj("seccompProfile")).Str("type") is not ("RuntimeDefault" or "Localhost"), "must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"", "pod or ");
    }

    private static void AddContainers(List<string> found, string what, List<JsonObject> containers, Func<JsonObject, bool> isBad, string rule, string prefix = "")
    {
        if (Details(containers, isBad, rule) is { } details)
            found.Add($"{what} ({prefix}{details})");
    }

    private static string? Details(List<JsonObject> containers, Func<JsonObject, bool> isBad, string rule)
    {
        var bad = containers.Where(isBad).Select(c => c.Str("name")).ToList();
        return bad.Count == 0 ? null : $"{Plural("container", bad)} {rule}";
    }

    private static string Plural(string noun, IEnumerable<string> names)
    {
        var list = names.ToList();
        return $"{noun}{(list.Count == 1 ? "" : "s")} {Quoted(list)}";
    }

    private static string Quoted(IEnumerable<string> names) => string.Join(", ", names.Select(n => $"\"{n}\""));
}
