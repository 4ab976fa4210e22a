using LiteKube.ApiServer.Registry;
using static LiteKube.ApiServer.Admission.PodSecurity.PodSecurityChecks;

namespace LiteKube.ApiServer.Admission.PodSecurity;

/// <summary>The restricted level: what a careful author sets anyway.</summary>
internal static class RestrictedChecks
{
    private static readonly string[] AllowedVolumes = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"];

    public static readonly PodSecurityCheck[] All =
    [
        new("allowPrivilegeEscalation", PodSecurityLevel.Restricted, [(8, Escalation), (25, p => p.IsWindows ? null : Escalation(p))]),
        new("capabilities_restricted", PodSecurityLevel.Restricted, [(22, Capabilities), (25, p => p.IsWindows ? null : Capabilities(p))], BaselineChecks.Capabilities),
        new("procMount_restricted", PodSecurityLevel.Restricted, [(35, BaselineChecks.UnmaskedProc)], BaselineChecks.ProcMount),
        new("restrictedVolumes", PodSecurityLevel.Restricted, [(0, Volumes)], BaselineChecks.HostPathVolumes),
        new("runAsNonRoot", PodSecurityLevel.Restricted, [(0, RunAsNonRoot), (35, p => p.HasUserNamespace ? null : RunAsNonRoot(p))]),
        new("runAsUser", PodSecurityLevel.Restricted, [(23, RunAsUser), (35, p => p.HasUserNamespace ? null : RunAsUser(p))]),
        new("seccompProfile_restricted", PodSecurityLevel.Restricted, [(19, Seccomp), (25, p => p.IsWindows ? null : Seccomp(p))], BaselineChecks.Seccomp),
    ];

    private static Violation? Escalation(CheckedPod pod) =>
        OfContainers(pod, "allowPrivilegeEscalation != false", c => c.Obj("securityContext").BoolOrNull("allowPrivilegeEscalation") != false, "must set securityContext.allowPrivilegeEscalation=false");

    private static Violation? Capabilities(CheckedPod pod)
    {
        var keeping = Names(pod, c => !c.Obj("securityContext", "capabilities").Strings("drop").Contains("ALL"));
        var added = Sorted();
        added.UnionWith(pod.Containers.SelectMany(c => c.Obj("securityContext", "capabilities").Strings("add")).Where(c => c != "NET_BIND_SERVICE"));
        var adding = Names(pod, c => c.Obj("securityContext", "capabilities").Strings("add").Any(added.Contains));
        var details = new List<string>();
        if (keeping.Count > 0)
            details.Add($"{Listed("container", keeping)} must set securityContext.capabilities.drop=[\"ALL\"]");
        if (adding.Count > 0)
            details.Add($"{Listed("container", adding)} must not include {Quoted(added)} in securityContext.capabilities.add");
        return details.Count == 0 ? null : new("unrestricted capabilities", string.Join("; ", details));
    }

    private static Violation? Volumes(CheckedPod pod)
    {
        var bad = pod.Spec.Items("volumes")
            .Select(v => (Name: v.Str("name"), Kind: v.FirstOrDefault(p => p.Key != "name" && p.Value is not null).Key ?? "unknown"))
            .Where(v => !AllowedVolumes.Contains(v.Kind)).ToList();
        if (bad.Count == 0)
            return null;
        var kinds = Sorted();
        kinds.UnionWith(bad.Select(v => v.Kind));
        return new("restricted volume types", $"{Listed("volume", [.. bad.Select(v => v.Name)])} {Uses(bad.Count)} {Listed("restricted volume type", kinds)}");
    }

    private static Violation? RunAsNonRoot(CheckedPod pod)
    {
        const string Reason = "runAsNonRoot != true";
        var ofPod = pod.SecurityContext.BoolOrNull("runAsNonRoot");
        var setters = Setters(ofPod == false, Names(pod, c => c.Obj("securityContext").BoolOrNull("runAsNonRoot") == false));
        if (setters.Length > 0)
            return new(Reason, $"{setters} must not set securityContext.runAsNonRoot=false");
        var silent = ofPod == true ? [] : Names(pod, c => c.Obj("securityContext").BoolOrNull("runAsNonRoot") is null);
        return silent.Count == 0 ? null : new(Reason, $"pod or {Listed("container", silent)} must set securityContext.runAsNonRoot=true");
    }

    private static Violation? RunAsUser(CheckedPod pod)
    {
        var setters = Setters(pod.SecurityContext.LongOrNull("runAsUser") == 0, Names(pod, c => c.Obj("securityContext").LongOrNull("runAsUser") == 0));
        return setters.Length == 0 ? null : new("runAsUser=0", $"{setters} must not set runAsUser=0");
    }

    private static Violation? Seccomp(CheckedPod pod)
    {
        if (BaselineChecks.SeccompProfiles(pod) is { } bad)
            return bad;
        var silent = pod.SecurityContext.Has("seccompProfile") ? [] : Names(pod, c => !c.Obj("securityContext").Has("seccompProfile"));
        return silent.Count == 0 ? null : new("seccompProfile", $"pod or {Listed("container", silent)} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"");
    }
}
