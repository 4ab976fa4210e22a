using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>clusterIPs, ipFamilies and ipFamilyPolicy of Services in a cluster that has IPv4 alone.</summary>
internal static class ServiceAddressValidation
{
    private const int MaxAddresses = 2;
    private const string NotDual = "this cluster is not configured for dual-stack services";

    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly FieldPath Addresses = Spec.Child("clusterIPs");
    private static readonly FieldPath Families = Spec.Child("ipFamilies");
    private static readonly FieldPath Policy = Spec.Child("ipFamilyPolicy");

    public static bool IsHeadless(JsonObject spec) => spec.Arr("clusterIPs") is [var only] ? JsonFields.AsText(only) == "None" : spec.Arr("clusterIPs") is null && spec.Str("clusterIP") == "None";

    public static void Validate(FieldErrors errors, JsonObject spec)
    {
        if (spec.Str("type") == "ExternalName")
            return;
        var before = errors.Count;
        InStep(errors, spec);
        var families = spec.Strings("ipFamilies").ToList();
        for (var i = 0; i < families.Count; i++)
        {
            if (families[i] is not ("IPv4" or "IPv6"))
                errors.NotSupported(Families.Index(i), families[i], "IPv4", "IPv6");
            if (families.IndexOf(families[i]) < i)
                errors.Duplicate(Families.Index(i), families[i]);
        }
        Checks.OneOf(errors, spec, Spec, "ipFamilyPolicy", isRequired: false, "PreferDualStack", "RequireDualStack", "SingleStack");
        if (Formats(errors, spec, families, before) && errors.Count == before)
            Configured(errors, spec, families);
    }

    public static void Update(FieldErrors errors, JsonObject spec, JsonObject before)
    {
        if (spec.Str("type") == "ExternalName" || before.Str("type") == "ExternalName")
            return;
        var (addresses, held) = (spec.Strings("clusterIPs").ToList(), before.Strings("clusterIPs").ToList());
        if (held.Count == 0 || held[0].Length == 0)
            return;
        if (addresses.Count == 0 || addresses[0].Length == 0)
            errors.Invalid(Addresses.Index(0), spec["clusterIPs"], "primary clusterIP can not be unset");
        else if (addresses[0] != held[0])
            errors.Invalid(Addresses.Index(0), spec["clusterIPs"], "may not change once set");
    }

    private static void InStep(FieldErrors errors, JsonObject spec)
    {
        var first = spec.Str("clusterIP");
        if (spec.Arr("clusterIPs") is not { Count: > 0 } all)
        {
            if (first.Length > 0)
                errors.Required(Addresses, "");
            return;
        }
        if (first.Length == 0)
            errors.Invalid(Addresses, all, "must be empty when `clusterIP` is not specified");
        else if (JsonFields.AsText(all[0]) != first)
            errors.Invalid(Addresses, all, "first value must match `clusterIP`");
    }

    /// <summary>False when the addresses are no addresses, of which nothing more can be said.</summary>
    private static bool Formats(FieldErrors errors, JsonObject spec, List<string> families, int before)
    {
        var addresses = spec.Strings("clusterIPs").ToList();
        var areGood = true;
        for (var i = 0; i < addresses.Count; i++)
        {
            if (i == 0 && addresses[i] == "None")
            {
                if (addresses.Count == 1)
                    continue;
                errors.Invalid(Addresses, spec["clusterIPs"], "'None' must be the first and only value");
                areGood = false;
                continue;
            }
            var found = errors.Count;
            Checks.Address(errors, Addresses.Index(i), addresses[i]);
            areGood &= errors.Count == found;
        }
        if (addresses.Count > MaxAddresses)
            errors.Invalid(Addresses, spec["clusterIPs"], $"may only hold up to {MaxAddresses} values");
        if (!areGood)
            return false;
        if (addresses.Count == MaxAddresses && AddressFormats.IsIPv6(addresses[0]) == AddressFormats.IsIPv6(addresses[1]))
            errors.Invalid(Addresses, spec["clusterIPs"], "may specify no more than one IP for each IP family");
        if (errors.Count > before || IsHeadless(spec))
            return true;
        for (var i = 0; i < Math.Min(addresses.Count, families.Count); i++)
        {
            if (AddressFormats.IsIPv6(addresses[i]) != (families[i] == "IPv6"))
                errors.Invalid(Addresses.Index(i), addresses[i], $"expected an {families[i]} value as indicated by `ipFamilies[{i}]`");
        }
        return true;
    }

    /// <summary>What this cluster cannot give.</summary>
    private static void Configured(FieldErrors errors, JsonObject spec, List<string> families)
    {
        var isSelectorlessHeadless = IsHeadless(spec) && spec.Obj("selector") is not { Count: > 0 };
        var addresses = spec.Arr("clusterIPs")?.Count ?? 0;
        // Who says several wants them: the policy that goes without saying is one.
        if (spec.Str("ipFamilyPolicy") == "SingleStack" && (addresses > 1 || families.Count > 1))
            errors.Invalid(Policy, "SingleStack", $"must be RequireDualStack or PreferDualStack when multiple {(addresses > 1 ? "clusterIPs" : "ipFamilies")} are specified");
        if (isSelectorlessHeadless)
            return;
        for (var i = 0; i < addresses; i++)
        {
            if (families.Count <= i && AddressFormats.IsIPv6(JsonFields.AsText(spec.Arr("clusterIPs")![i])))
                families.Add("IPv6");
        }
        if (spec.Str("ipFamilyPolicy") == "RequireDualStack")
            errors.Invalid(Policy, "RequireDualStack", NotDual);
        for (var i = 0; i < families.Count; i++)
        {
            if (families[i] == "IPv6")
                errors.Invalid(Families.Index(i), families[i], "not configured on this cluster");
        }
    }
}
