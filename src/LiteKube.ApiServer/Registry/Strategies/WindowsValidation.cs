using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Which fields belong to which operating system (https://kubernetes.io/docs/concepts/workloads/pods/#pod-os).</summary>
internal static class WindowsValidation
{
    private const string NotOnWindows = "cannot be set for a windows pod";

    public static void OperatingSystem(FieldErrors errors, JsonObject spec, JsonObject os, FieldPath field)
    {
        switch (os.Str("name"))
        {
            case "":
                errors.Required(field.Child("os", "name"), "cannot be empty");
                break;
            case "linux":
                Linux(errors, spec, field);
                break;
            case "windows":
                Windows(errors, spec, field);
                break;
            case var other:
                errors.NotSupported(field.Child("os"), other, "linux", "windows");
                break;
        }
    }

    /// <summary>All containers of a pod are host processes, or none.</summary>
    public static void HostProcesses(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var pod = spec.Obj("securityContext", "windowsOptions").BoolOrNull("hostProcess");
        var (count, processes) = (0, 0);
        foreach (var (container, path) in Containers(spec, field))
        {
            count++;
            var own = container.Obj("securityContext", "windowsOptions").BoolOrNull("hostProcess");
            if (pod is not null && own is not null && pod != own)
                errors.Invalid(path.Child("securityContext", "windowsOptions", "hostProcess"), own, $"pod hostProcess value must be identical if both are specified, was {(pod.Value ? "true" : "false")}");
            if (own ?? pod ?? false)
                processes++;
        }
        if (processes == 0)
            return;
        if (processes != count)
            errors.Invalid(field, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers");
        if (!spec.Bool("hostNetwork"))
            errors.Invalid(field.Child("hostNetwork"), false, "hostNetwork must be true if pod contains any hostProcess containers");
    }

    private static void Linux(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        const string NotOnLinux = "windows options cannot be set for a linux pod";
        if (spec.Obj("securityContext").Has("windowsOptions"))
            errors.Forbidden(field.Child("securityContext", "windowsOptions"), NotOnLinux);
        foreach (var (container, path) in Containers(spec, field))
        {
            if (container.Obj("securityContext").Has("windowsOptions"))
                errors.Forbidden(path.Child("securityContext", "windowsOptions"), NotOnLinux);
        }
    }

    private static void Windows(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        foreach (var name in (ReadOnlySpan<string>)["hostUsers", "shareProcessNamespace"])
        {
            if (spec.Has(name))
                errors.Forbidden(field.Child(name), NotOnWindows);
        }
        foreach (var name in (ReadOnlySpan<string>)["hostPID", "hostIPC"])
        {
            if (spec.Bool(name))
                errors.Forbidden(field.Child(name), NotOnWindows);
        }
        string[] ofPods = ["appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls", "runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy"];
        Forbid(errors, spec.Obj("securityContext"), field.Child("securityContext"), ofPods);
        string[] ofContainers = ["appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged", "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup"];
        foreach (var (container, path) in Containers(spec, field))
            Forbid(errors, container.Obj("securityContext"), path.Child("securityContext"), ofContainers);
    }

    private static void Forbid(FieldErrors errors, JsonObject? context, FieldPath field, string[] names)
    {
        foreach (var name in names)
        {
            if (context.Has(name))
                errors.Forbidden(field.Child(name), NotOnWindows);
        }
    }

    private static IEnumerable<(JsonObject Container, FieldPath Path)> Containers(JsonObject spec, FieldPath field)
    {
        foreach (var list in (string[])["initContainers", "containers", "ephemeralContainers"])
        {
            var index = 0;
            foreach (var container in spec.Items(list))
                yield return (container, field.Child(list).Index(index++));
        }
    }
}
