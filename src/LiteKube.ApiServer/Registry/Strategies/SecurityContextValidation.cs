using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Security contexts of pods and containers.</summary>
internal static class SecurityContextValidation
{
    private const string IdRange = "must be between 0 and 2147483647, inclusive";
    private const string SysctlPattern = "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

    public static void ValidatePod(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        if (spec.Obj("securityContext") is not { } context)
            return;
        Ids(errors, context, field, "runAsUser", "runAsGroup", "fsGroup");
        var groups = context.Arr("supplementalGroups");
        for (var i = 0; i < (groups?.Count ?? 0); i++)
        {
            if (groups![i] is JsonValue group && JsonFields.AsLong(group) is < 0 or > int.MaxValue)
                errors.Invalid(field.Child("supplementalGroups").Index(i), group, IdRange);
        }
        Checks.OneOf(errors, context, field, "fsGroupChangePolicy", isRequired: false, "OnRootMismatch", "Always");
        Checks.OneOf(errors, context, field, "supplementalGroupsPolicy", isRequired: false, "Merge", "Strict");
        Checks.OneOf(errors, context, field, "seLinuxChangePolicy", isRequired: false, "MountOption", "Recursive");
        Profile(errors, context.Obj("seccompProfile"), field.Child("seccompProfile"), "seccomp");
        Profile(errors, context.Obj("appArmorProfile"), field.Child("appArmorProfile"), "AppArmor");
        Sysctls(errors, spec, context, field.Child("sysctls"));
    }

    public static void ValidateContainer(FieldErrors errors, JsonObject? context, FieldPath field)
    {
        if (context is null)
            return;
        Ids(errors, context, field, "runAsUser", "runAsGroup");
        Checks.OneOf(errors, context, field, "procMount", isRequired: false, "Default", "Unmasked");
        Profile(errors, context.Obj("seccompProfile"), field.Child("seccompProfile"), "seccomp");
        Profile(errors, context.Obj("appArmorProfile"), field.Child("appArmorProfile"), "AppArmor");
        if (context.BoolOrNull("allowPrivilegeEscalation") != false)
            return;
        if (context.Bool("privileged"))
            errors.Invalid(field, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        if (context.Obj("capabilities").Strings("add").Contains("CAP_SYS_ADMIN"))
            errors.Invalid(field, context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
    }

    private static void Ids(FieldErrors errors, JsonObject context, FieldPath field, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (context.LongOrNull(name) is < 0 or > int.MaxValue)
                errors.Invalid(field.Child(name), context[name], IdRange);
        }
    }

    private static void Profile(FieldErrors errors, JsonObject? profile, FieldPath field, string what)
    {
        if (profile is null)
            return;
        if (profile.Str("type").Length == 0)
            errors.Required(field.Child("type"), "type is required when profile is set");
        else
            Checks.OneOf(errors, profile, field, "type", isRequired: true, "Localhost", "RuntimeDefault", "Unconfined");
        var isLocal = profile.Str("type") == "Localhost";
        if (isLocal && profile.Str("localhostProfile").Length == 0)
            errors.Required(field.Child("localhostProfile"), $"must be set when {what} type is Localhost");
        else if (!isLocal && profile.Has("localhostProfile"))
            errors.Invalid(field.Child("localhostProfile"), profile.Str("localhostProfile"), $"can only be set when {what} type is Localhost");
        if (isLocal && what == "seccomp")
            VolumeValidation.RelativePath(errors, field.Child("localhostProfile"), profile.Str("localhostProfile"));
    }

    private static void Sysctls(FieldErrors errors, JsonObject spec, JsonObject context, FieldPath field)
    {
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
            var dotted = name.Replace('/', '.');
            if (spec.Bool("hostNetwork") && dotted.StartsWith("net.", StringComparison.Ordinal))
                errors.Invalid(path, name, "may not be specified when 'hostNetwork' is true");
            if (spec.Bool("hostIPC") && (dotted.StartsWith("kernel.shm", StringComparison.Ordinal) || dotted.StartsWith("kernel.msg", StringComparison.Ordinal) || dotted.StartsWith("fs.mqueue.", StringComparison.Ordinal) || dotted == "kernel.sem"))
                errors.Invalid(path, name, "may not be specified when 'hostIPC' is true");
        }
    }

    private static bool IsSysctlName(string name) =>
        name.Length <= 253 && name.Split('.', '/').All(part => part.Length > 0 && IsEnd(part[0]) && IsEnd(part[^1]) && part.All(c => IsEnd(c) || c is '-' or '_'));

    private static bool IsEnd(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);
}
