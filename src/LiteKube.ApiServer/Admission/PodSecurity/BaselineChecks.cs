using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;
using static LiteKube.ApiServer.Admission.PodSecurity.PodSecurityChecks;

namespace LiteKube.ApiServer.Admission.PodSecurity;

/// <summary>The baseline level: nothing that is known to open the host.</summary>
internal static class BaselineChecks
{
    public const string Capabilities = "capabilities_baseline";
    public const string HostPathVolumes = "hostPathVolumes";
    public const string ProcMount = "procMount";
    public const string Seccomp = "seccompProfile_baseline";

    private static readonly string[] DefaultCapabilities = ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"];
    private static readonly string[] Sysctls0 = ["kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"];
    private static readonly string[] Sysctls27 = [.. Sysctls0, "net.ipv4.ip_local_reserved_ports"];
    private static readonly string[] Sysctls29 = [.. Sysctls27, "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"];
    private static readonly string[] Sysctls32 = [.. Sysctls29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];
    private static readonly string[] Sysctls37 = [.. Sysctls32, "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"];
    private static readonly string[] SeLinuxTypes0 = ["", "container_t", "container_init_t", "container_kvm_t"];
    private static readonly string[] SeLinuxTypes31 = [.. SeLinuxTypes0, "container_engine_t"];

    public static readonly PodSecurityCheck[] All =
    [
        new("appArmorProfile", PodSecurityLevel.Baseline, [(0, AppArmor)]),
        new(Capabilities, PodSecurityLevel.Baseline, [(0, AddedCapabilities)]),
        new("hostNamespaces", PodSecurityLevel.Baseline, [(0, HostNamespaces)]),
        new(HostPathVolumes, PodSecurityLevel.Baseline, [(0, HostPaths)]),
        new("hostPorts", PodSecurityLevel.Baseline, [(0, HostPorts)]),
        new("hostProbesAndHostLifecycle", PodSecurityLevel.Baseline, [(34, HostsOfHandlers)]),
        new("privileged", PodSecurityLevel.Baseline, [(0, p => OfContainers(p, "privileged", c => c.Obj("securityContext").Bool("privileged"), "must not set securityContext.privileged=true"))]),
        new(ProcMount, PodSecurityLevel.Baseline, [(0, UnmaskedProc), (35, p => p.HasUserNamespace ? null : UnmaskedProc(p))]),
        new("seLinuxOptions", PodSecurityLevel.Baseline, [(0, p => SeLinux(p, SeLinuxTypes0)), (31, p => SeLinux(p, SeLinuxTypes31))]),
        new(Seccomp, PodSecurityLevel.Baseline, [(0, SeccompAnnotations), (19, SeccompProfiles)]),
        new("sysctls", PodSecurityLevel.Baseline, [(0, p => Sysctls(p, Sysctls0)), (27, p => Sysctls(p, Sysctls27)), (29, p => Sysctls(p, Sysctls29)), (32, p => Sysctls(p, Sysctls32)), (37, p => Sysctls(p, Sysctls37))]),
        new("windowsHostProcess", PodSecurityLevel.Baseline, [(0, HostProcess)]),
    ];

    public static Violation? UnmaskedProc(CheckedPod pod)
    {
        static string Kind(JsonObject container) => container.Obj("securityContext").Str("procMount");
        var bad = pod.Containers.Where(c => Kind(c) is not ("" or "Default")).ToList();
        return bad.Count == 0 ? null : OfContainers(pod, "procMount", bad.Contains, $"must not set securityContext.procMount to {Quoted(bad.Select(Kind).Distinct().Order(StringComparer.Ordinal))}");
    }

    public static bool IsSafeSeccomp(string type) => type is "RuntimeDefault" or "Localhost";

    private static Violation? AppArmor(CheckedPod pod)
    {
        const string Prefix = "container.apparmor.security.beta.kubernetes.io/";
        static bool IsBad(JsonObject? profile) => profile is not null && profile.Str("type") is not ("RuntimeDefault" or "Localhost");
        var values = Sorted();
        var ofPod = pod.SecurityContext.Obj("appArmorProfile");
        if (IsBad(ofPod))
            values.Add(ofPod.Str("type"));
        var containers = pod.Containers.Where(c => IsBad(c.Obj("securityContext", "appArmorProfile"))).ToList();
        values.UnionWith(containers.Select(c => c.Obj("securityContext", "appArmorProfile").Str("type")));
        var annotations = pod.Annotations
            .Where(a => a.Key.StartsWith(Prefix, StringComparison.Ordinal) && a.Value is not ("" or "runtime/default") && !a.Value.StartsWith("localhost/", StringComparison.Ordinal))
            .Select(a => $"{a.Key}=\"{a.Value}\"").Order(StringComparer.Ordinal).ToList();
        var setters = Setters(IsBad(ofPod), [.. containers.Select(c => c.Str("name"))]);
        if (annotations.Count > 0)
            setters += (setters.Length > 0 ? " and " : "") + Plural("annotation", annotations.Count);
        if (setters.Length == 0)
            return null;
        List<string> all = [.. values, .. annotations];
        return new(Plural("forbidden AppArmor profile", all.Count), $"{setters} must not set AppArmor profile type to {Quoted(all)}");
    }

    private static Violation? AddedCapabilities(CheckedPod pod)
    {
        var extra = pod.Containers.SelectMany(c => c.Obj("securityContext", "capabilities").Strings("add")).Where(c => !DefaultCapabilities.Contains(c)).Distinct().Order(StringComparer.Ordinal).ToList();
        return extra.Count == 0 ? null
            : OfContainers(pod, "non-default capabilities", c => c.Obj("securityContext", "capabilities").Strings("add").Any(extra.Contains), $"must not include {Quoted(extra)} in securityContext.capabilities.add");
    }

    private static Violation? HostNamespaces(CheckedPod pod)
    {
        var shared = ((string[])["hostNetwork", "hostPID", "hostIPC"]).Where(f => pod.Spec.Bool(f)).Select(f => f + "=true").ToList();
        return shared.Count == 0 ? null : new("host namespaces", string.Join(", ", shared));
    }

    private static Violation? HostPaths(CheckedPod pod)
    {
        var volumes = pod.Spec.Items("volumes").Where(v => v.Has("hostPath")).Select(v => v.Str("name")).ToList();
        return volumes.Count == 0 ? null : new("hostPath volumes", Listed("volume", volumes));
    }

    private static Violation? HostPorts(CheckedPod pod)
    {
        static IEnumerable<string> Ports(JsonObject container) =>
            container.Items("ports").Select(p => p.Long("hostPort")).Where(p => p != 0).Select(p => p.ToString(CultureInfo.InvariantCulture));
        var bad = Names(pod, c => Ports(c).Any());
        if (bad.Count == 0)
            return null;
        var ports = Sorted();
        ports.UnionWith(pod.Containers.SelectMany(Ports));
        return new("hostPort", $"{Listed("container", bad)} {Uses(bad.Count)} {Plural("hostPort", ports.Count)} {string.Join(", ", ports)}");
    }

    private static Violation? HostsOfHandlers(CheckedPod pod)
    {
        static IEnumerable<string> Hosts(JsonObject container) =>
            ((JsonObject?[])[container.Obj("livenessProbe"), container.Obj("readinessProbe"), container.Obj("startupProbe"), container.Obj("lifecycle", "postStart"), container.Obj("lifecycle", "preStop")])
            .SelectMany(h => (string[])[h.Obj("httpGet").Str("host"), h.Obj("tcpSocket").Str("host")]).Where(h => h.Length > 0);
        var (bad, hosts) = (Sorted(), Sorted());
        bad.UnionWith(Names(pod, c => Hosts(c).Any()));
        hosts.UnionWith(pod.Containers.SelectMany(Hosts));
        const string What = "probe or lifecycle host";
        return bad.Count == 0 ? null : new(What, $"{Listed("container", bad)} {Uses(bad.Count)} {Listed(What, hosts)}");
    }

    private static Violation? SeLinux(CheckedPod pod, string[] allowedTypes)
    {
        bool IsBad(JsonObject? options) => options is not null && (!allowedTypes.Contains(options.Str("type")) || options.Str("user").Length > 0 || options.Str("role").Length > 0);
        var ofPod = pod.SecurityContext.Obj("seLinuxOptions");
        var setters = Setters(IsBad(ofPod), Names(pod, c => IsBad(c.Obj("securityContext", "seLinuxOptions"))));
        if (setters.Length == 0)
            return null;
        List<JsonObject> bad = [.. ((JsonObject?[])[ofPod, .. pod.Containers.Select(c => c.Obj("securityContext", "seLinuxOptions"))]).OfType<JsonObject>().Where(IsBad)];
        var types = Sorted();
        types.UnionWith(bad.Select(o => o.Str("type")).Where(t => !allowedTypes.Contains(t)));
        var what = new List<string>();
        if (types.Count > 0)
            what.Add(Listed("type", types));
        if (bad.Any(o => o.Str("user").Length > 0))
            what.Add("user may not be set");
        if (bad.Any(o => o.Str("role").Length > 0))
            what.Add("role may not be set");
        return new("seLinuxOptions", $"{setters} set forbidden securityContext.seLinuxOptions: {string.Join("; ", what)}");
    }

    /// <summary>Up to v1.18 the profile was an annotation.</summary>
    private static Violation? SeccompAnnotations(CheckedPod pod)
    {
        var keys = pod.Containers.Select(c => "container.seccomp.security.alpha.kubernetes.io/" + c.Str("name")).Prepend("seccomp.security.alpha.kubernetes.io/pod");
        var forbidden = Sorted();
        foreach (var key in keys)
        {
            if (pod.Annotations.TryGetValue(key, out var value) && value is not ("runtime/default" or "docker/default") && !value.StartsWith("localhost/", StringComparison.Ordinal))
                forbidden.Add($"{key}=\"{value}\"");
        }
        return forbidden.Count == 0 ? null : new("seccompProfile", $"forbidden {Plural("annotation", forbidden.Count)} {string.Join(", ", forbidden)}");
    }

    /// <summary>Profiles that are set to something unsafe, which no level allows.</summary>
    public static Violation? SeccompProfiles(CheckedPod pod)
    {
        static bool IsBad(JsonObject? profile) => profile is not null && !IsSafeSeccomp(profile.Str("type"));
        var ofPod = pod.SecurityContext.Obj("seccompProfile");
        var setters = Setters(IsBad(ofPod), Names(pod, c => IsBad(c.Obj("securityContext", "seccompProfile"))));
        if (setters.Length == 0)
            return null;
        var values = Sorted();
        values.UnionWith(((JsonObject?[])[ofPod, .. pod.Containers.Select(c => c.Obj("securityContext", "seccompProfile"))]).Where(IsBad).Select(p => p.Str("type")));
        return new("seccompProfile", $"{setters} must not set securityContext.seccompProfile.type to {Quoted(values)}");
    }

    private static Violation? Sysctls(CheckedPod pod, string[] allowed)
    {
        var forbidden = pod.SecurityContext.Items("sysctls").Select(s => s.Str("name")).Where(s => !allowed.Contains(s)).ToList();
        return forbidden.Count == 0 ? null : new("forbidden sysctls", string.Join(", ", forbidden));
    }

    private static Violation? HostProcess(CheckedPod pod)
    {
        var setters = Setters(pod.SecurityContext.Obj("windowsOptions").Bool("hostProcess"), Names(pod, c => c.Obj("securityContext", "windowsOptions").Bool("hostProcess")));
        return setters.Length == 0 ? null : new("hostProcess", $"{setters} must not set securityContext.windowsOptions.hostProcess=true");
    }
}
