using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Security contexts of pods and containers.</summary>
internal static partial class SecurityContextValidation
{
    private const string IdRange = "must be between 0 and 2147483647, inclusive";
    private const string SysctlPattern = "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
    private const int MaxProfileLength = 4095;

    public static void ValidatePod(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var context = spec.Obj("securityContext");
        if (spec.Bool("hostPID") && spec.Bool("shareProcessNamespace"))
            errors.Invalid(field.Child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled");
        if (context is null || context.Count == 0)
            return;
        Ids(errors, context, field, "fsGroup", "runAsUser", "runAsGroup");
        var groups = context.Arr("supplementalGroups");
        for (var i = 0; i < (groups?.Count ?? 0); i++)
        {
            if (groups![i] is JsonValue group && JsonFields.AsLong(group) is < 0 or > int.MaxValue)
                errors.Invalid(field.Child("supplementalGroups").Index(i), group, IdRange);
        }
        Sysctls(errors, spec, context, field.Child("sysctls"));
        Checks.OneOf(errors, context, field, "fsGroupChangePolicy", isRequired: false, "Always", "OnRootMismatch");
        Seccomp(errors, context.Obj("seccompProfile"), field.Child("seccompProfile"));
        Windows(errors, context.Obj("windowsOptions"), field.Child("windowsOptions"));
        AppArmor(errors, context.Obj("appArmorProfile"), field.Child("appArmorProfile"));
        Checks.OneOf(errors, context, field, "supplementalGroupsPolicy", isRequired: false, "Merge", "Strict");
        Checks.OneOf(errors, context, field, "seLinuxChangePolicy", isRequired: false, "MountOption", "Recursive");
    }

    public static void ValidateContainer(FieldErrors errors, JsonObject? context, FieldPath field, bool usesHostUsers)
    {
        if (context is null || context.Count == 0)
            return;
        Ids(errors, context, field, "runAsUser", "runAsGroup");
        if (context.StrOrNull("procMount") is { } mount)
        {
            if (mount is not ("Default" or "Unmasked"))
                errors.NotSupported(field.Child("procMount"), mount, "Default", "Unmasked");
            if (mount == "Unmasked" && usesHostUsers)
                errors.Invalid(field.Child("procMount"), mount, "`hostUsers` must be false to use `Unmasked`");
        }
        Seccomp(errors, context.Obj("seccompProfile"), field.Child("seccompProfile"));
        if (context.BoolOrNull("allowPrivilegeEscalation") == false)
        {
            if (context.Bool("privileged"))
                errors.Invalid(field, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
            if (context.Obj("capabilities").Strings("add").Contains("CAP_SYS_ADMIN"))
                errors.Invalid(field, context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
        }
        Windows(errors, context.Obj("windowsOptions"), field.Child("windowsOptions"));
        AppArmor(errors, context.Obj("appArmorProfile"), field.Child("appArmorProfile"));
    }

    /// <summary>The part of the host that a setting belongs to: a pod that shares that part must not change it.</summary>
    private static string? NamespaceOfSysctl(string name)
    {
        var dotted = name.Replace('/', '.');
        if (dotted.StartsWith("net.", StringComparison.Ordinal))
            return "net";
        return dotted == "kernel.sem" || dotted.StartsWith("kernel.shm", StringComparison.Ordinal) || dotted.StartsWith("kernel.msg", StringComparison.Ordinal) || dotted.StartsWith("fs.mqueue.", StringComparison.Ordinal) ? "ipc" : null;
    }

    private static void Ids(FieldErrors errors, JsonObject context, FieldPath field, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (context.LongOrNull(name) is < 0 or > int.MaxValue)
                errors.Invalid(field.Child(name), context[name], IdRange);
        }
    }

    private static void Seccomp(FieldErrors errors, JsonObject? profile, FieldPath field)
    {
        if (profile is null)
            return;
        var type = profile.Str("type");
        if (type.Length == 0)
            errors.Required(field.Child("type"), "type is required when seccompProfile is set");
        else if (type is not ("Localhost" or "RuntimeDefault" or "Unconfined"))
            errors.NotSupported(field.Child("type"), type, "Localhost", "RuntimeDefault", "Unconfined");
        var file = profile.StrOrNull("localhostProfile");
        if (type != "Localhost")
        {
            if (file is not null)
                errors.Invalid(field.Child("localhostProfile"), profile, "can only be set when seccomp type is Localhost");
        }
        else if (file is null)
        {
            errors.Required(field.Child("localhostProfile"), "must be set when seccomp type is Localhost");
        }
        else
        {
            VolumeSourceValidation.RelativePath(errors, field.Child("localhostProfile"), file);
        }
    }

    private static void AppArmor(FieldErrors errors, JsonObject? profile, FieldPath field)
    {
        if (profile is null)
            return;
        var (path, name) = (field.Child("localhostProfile"), profile.StrOrNull("localhostProfile"));
        switch (profile.Str("type"))
        {
            case "Localhost":
                if (string.IsNullOrEmpty(name))
                    errors.Required(path, "must be set when AppArmor type is Localhost");
                else if (name.Trim() != name)
                    errors.Invalid(path, name, "must not be padded with whitespace");
                if (name?.Length > MaxProfileLength)
                    errors.TooLong(path, MaxProfileLength);
                break;
            case "RuntimeDefault" or "Unconfined":
                if (name is not null)
                    errors.Invalid(path, name, "can only be set when AppArmor type is Localhost");
                break;
            case "":
                errors.Required(field.Child("type"), "type is required when appArmorProfile is set");
                break;
            case var other:
                errors.NotSupported(field.Child("type"), other, "Localhost", "RuntimeDefault", "Unconfined");
                break;
        }
    }

    private static void Sysctls(FieldErrors errors, JsonObject spec, JsonObject context, FieldPath field)
    {
        if (context.Arr("sysctls") is not { Count: > 0 })
            return;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var sysctl in context.Items("sysctls"))
        {
            var path = field.Index(index++).Child("name");
            var name = sysctl.Str("name");
            if (name.Length == 0)
                errors.Required(path, "");
            else if (!IsSysctlName(name))
                errors.Invalid(path, name, SysctlPattern);
            else if (!names.Add(name))
                errors.Duplicate(path, name);
            var ns = NamespaceOfSysctl(name);
            if (ns == "net" && spec.Bool("hostNetwork"))
                errors.Invalid(path, name, "may not be specified when 'hostNetwork' is true");
            if (ns == "ipc" && spec.Bool("hostIPC"))
                errors.Invalid(path, name, "may not be specified when 'hostIPC' is true");
        }
    }

    private static void Windows(FieldErrors errors, JsonObject? options, FieldPath field)
    {
        if (options is null)
            return;
        if (options.StrOrNull("gmsaCredentialSpecName") is { } name)
            Checks.Name(errors, field.Child("gmsaCredentialSpecName"), name, NameChecks.DnsSubdomain);
        if (options.StrOrNull("gmsaCredentialSpec") is { } credential)
        {
            if (credential.Length == 0)
                errors.Invalid(field.Child("gmsaCredentialSpec"), credential, "gmsaCredentialSpec cannot be an empty string");
            else if (credential.Length > 64 * 1024)
                errors.Invalid(field.Child("gmsaCredentialSpec"), credential, "gmsaCredentialSpec size must be under 64 KiB");
        }
        if (options.StrOrNull("runAsUserName") is not { } user)
            return;
        foreach (var complaint in UserNameComplaints(user))
            errors.Invalid(field.Child("runAsUserName"), user, complaint);
    }

    private static IEnumerable<string> UserNameComplaints(string name)
    {
        var parts = name.Split('\\');
        if (name.Length == 0 || name.Any(char.IsControl) || parts.Length > 2)
        {
            yield return name.Length == 0 ? "runAsUserName cannot be an empty string" : parts.Length <= 2 ? "runAsUserName cannot contain control characters" : "runAsUserName cannot contain more than one backslash";
            yield break;
        }
        var (domain, user) = parts.Length == 2 ? (parts[0], parts[1]) : (null, parts[0]);
        if (domain?.Length >= 256)
            yield return "runAsUserName's Domain length must be under 256 characters";
        if (domain is not null && !NetBios().IsMatch(domain) && !DomainName().IsMatch(domain))
            yield return "runAsUserName's Domain doesn't match the NetBios nor the DNS format";
        if (user.Length == 0)
            yield return "runAsUserName's User cannot be empty";
        else if (user.Length > 104)
            yield return "runAsUserName's User length must not be longer than 104 characters";
        if (user.Length > 0 && user.All(c => c is '.' or ' '))
            yield return "runAsUserName's User cannot contain only periods or spaces";
        if (user.AsSpan().ContainsAny("\"/\\:;|=,+*?<>@[]"))
            yield return "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]";
    }

    private static bool IsSysctlName(string name)
    {
        if (name.Length > 253)
            return false;
        foreach (var range in name.AsSpan().SplitAny('.', '/'))
        {
            var part = name.AsSpan()[range];
            if (part.Length == 0 || !IsEnd(part[0]) || !IsEnd(part[^1]))
                return false;
            foreach (var c in part)
            {
                if (!IsEnd(c) && c is not ('-' or '_'))
                    return false;
            }
        }
        return true;
    }

    private static bool IsEnd(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);

    [GeneratedRegex("""^[^\\/:\*\?"<>|\.][^\\/:\*\?"<>|]{0,14}$""")]
    private static partial Regex NetBios();

    [GeneratedRegex(@"^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$")]
    private static partial Regex DomainName();
}
