using System.Globalization;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Annotations of pods and their templates that the API itself reads.</summary>
internal static class PodAnnotations
{
    public const string Mirror = "kubernetes.io/config.mirror";
    public const string AppArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";
    public const string SeccompPod = "seccomp.security.alpha.kubernetes.io/pod";
    public const string SeccompPrefix = "container.seccomp.security.alpha.kubernetes.io/";
    private const string DeletionCost = "controller.kubernetes.io/pod-deletion-cost";

    public static void Validate(FieldErrors errors, JsonObject? annotations, JsonObject spec, FieldPath field)
    {
        if (annotations is null)
            return;
        foreach (var (key, node) in annotations)
        {
            var value = JsonFields.AsText(node);
            if (key == Mirror && spec.Str("nodeName").Length == 0)
                errors.Invalid(field.Key(key), value, "must set spec.nodeName if mirror pod annotation is set");
            else if (key == DeletionCost && !IsCost(value))
                errors.Invalid(field.Key(key), value, "must be a 32bit integer");
            else if (key == SeccompPod || key.StartsWith(SeccompPrefix, StringComparison.Ordinal))
                Seccomp(errors, value, field.Child(key));
            else if (key.StartsWith(AppArmorPrefix, StringComparison.Ordinal))
                AppArmor(errors, key, value, spec, field.Key(key));
        }
    }

    public static void ValidateUpdate(FieldErrors errors, JsonObject value, JsonObject old, FieldPath field)
    {
        var (now, before) = (value.Meta().Obj("annotations"), old.Meta().Obj("annotations"));
        foreach (var (key, node) in before ?? [])
        {
            if (now is not null && now.TryGetPropertyValue(key, out var kept) && JsonFields.AsText(kept) == JsonFields.AsText(node))
                continue;
            if (key.StartsWith(AppArmorPrefix, StringComparison.Ordinal))
                errors.Forbidden(field.Key(key), "may not remove or update AppArmor annotations");
            if (key == Mirror)
                errors.Forbidden(field.Key(key), "may not remove or update mirror pod annotation");
        }
        foreach (var (key, _) in now ?? [])
        {
            if (before.Has(key))
                continue;
            if (key.StartsWith(AppArmorPrefix, StringComparison.Ordinal))
                errors.Forbidden(field.Key(key), "may not add AppArmor annotations");
            if (key == Mirror)
                errors.Forbidden(field.Key(key), "may not add mirror pod annotation");
        }
    }

    private static bool IsCost(string value) =>
        // Go's own form: no sign, no zeros in front.
        int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var cost) && cost.ToString(CultureInfo.InvariantCulture) == value;

    private static void Seccomp(FieldErrors errors, string profile, FieldPath field)
    {
        const string Local = "localhost/";
        if (profile.StartsWith(Local, StringComparison.Ordinal))
            VolumeSourceValidation.RelativePath(errors, field, profile[Local.Length..]);
        else if (profile is not ("runtime/default" or "docker/default" or "unconfined"))
            errors.Invalid(field, profile, "must be a valid seccomp profile");
    }

    private static void AppArmor(FieldErrors errors, string key, string profile, JsonObject spec, FieldPath field)
    {
        var name = key[AppArmorPrefix.Length..];
        if (!spec.Items("initContainers").Concat(spec.Items("containers")).Concat(spec.Items("ephemeralContainers")).Any(c => c.Str("name") == name))
            errors.Invalid(field, name, "container not found");
        if (profile is not ("" or "runtime/default" or "unconfined") && !profile.StartsWith("localhost/", StringComparison.Ordinal))
            errors.Invalid(field, profile, $"invalid AppArmor profile name: {GoText.Quote(profile)}");
    }
}
