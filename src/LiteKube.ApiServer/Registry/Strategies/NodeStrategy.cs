using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Nodes: a kubelet registers one with its status; afterwards spec and status go their own ways.</summary>
internal sealed class NodeStrategy(ResourceInfo resource) : DefaultStrategy(resource)
{
    private const string RangeIsKept = "node updates may not change podCIDR except from \"\" to valid";

    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly FieldPath Status = FieldPath.Of("status");
    private static readonly FieldPath Taints = FieldPath.Of("metadata").Child("taints");

    /// <summary>The status that comes with a registration is kept: it saves the kubelet a second write.</summary>
    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        // It names pods' ranges the old way too; podCIDR is the first of podCIDRs.
        if (value.Obj("spec") is { } spec)
            KeepRangesInStep(spec);
    }

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        base.PrepareForUpdate(value, old, context);
        if (value.Obj("spec") is { } spec)
            KeepRangesInStep(spec);
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        ValidateTaints(errors, value);
        ValidateResources(errors, value);
        ValidateRanges(errors, value.Obj("spec"));
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        ValidateResources(errors, value);
        var addresses = new HashSet<(string, string)>();
        var index = 0;
        foreach (var address in value.Obj("status").Items("addresses"))
        {
            var (type, text) = (address.Str("type"), address.Str("address"));
            if (!addresses.Add((type, text)))
                errors.Duplicate(Status.Child("addresses").Index(index), new JsonObject { ["Type"] = type, ["Address"] = text });
            index++;
        }
        var (spec, before) = (value.Obj("spec"), old.Obj("spec"));
        if (before.Arr("podCIDRs") is { Count: > 0 } ranges && !ranges.SameAs(spec.Arr("podCIDRs")))
            errors.Forbidden(Spec.Child("podCIDRs"), RangeIsKept);
        if (before.Str("providerID").Length > 0 && before.Str("providerID") != spec.Str("providerID"))
            errors.Forbidden(Spec.Child("providerID"), "node updates may not change providerID except from \"\" to valid");
        ValidateTaints(errors, value);
        if (spec.Str("externalID") != before.Str("externalID"))
            errors.Forbidden(Spec.Child("externalID"), "may not be updated");
        if (context.Subresource.Length == 0)
            ValidateRanges(errors, spec);
    }

    private static void KeepRangesInStep(JsonObject spec)
    {
        if (spec.Arr("podCIDRs") is not { Count: > 0 } && spec.Str("podCIDR") is { Length: > 0 } range)
            spec["podCIDRs"] = new JsonArray(range);
    }

    private static void ValidateTaints(FieldErrors errors, JsonObject value)
    {
        if (value.Obj("spec").Arr("taints") is not { Count: > 0 })
            return;
        var seen = new HashSet<(string, string)>();
        var index = 0;
        foreach (var taint in value.Obj("spec").Items("taints"))
        {
            var path = Taints.Index(index++);
            Checks.Name(errors, path.Child("key"), taint.Str("key"), NameChecks.QualifiedName);
            if (NameChecks.LabelValue(taint.Str("value")) is { Count: > 0 } complaints)
                errors.Invalid(path.Child("value"), taint.Str("value"), string.Join(';', complaints));
            Checks.OneOf(errors, taint, path, "effect", isRequired: true, "NoSchedule", "PreferNoSchedule", "NoExecute");
            if (!seen.Add((taint.Str("key"), taint.Str("effect"))))
                errors.Duplicate(path, new JsonObject { ["Key"] = taint.Str("key"), ["Value"] = taint.Str("value"), ["Effect"] = taint.Str("effect"), ["TimeAdded"] = taint["timeAdded"]?.DeepClone() }, "taints must be unique by key and effect pair");
        }
    }

    private static void ValidateResources(FieldErrors errors, JsonObject value)
    {
        foreach (var field in (ReadOnlySpan<string>)["capacity", "allocatable"])
        {
            foreach (var (name, amount) in value.Obj("status", field) ?? [])
                ResourceValidation.QuantityValue(errors, name, amount, Status.Child(field, name));
        }
    }

    private static void ValidateRanges(FieldErrors errors, JsonObject? spec)
    {
        if (spec.Arr("podCIDRs") is not { Count: > 0 } ranges)
            return;
        var field = Spec.Child("podCIDRs");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var families = new HashSet<bool>();
        var index = 0;
        foreach (var range in spec.Strings("podCIDRs"))
        {
            Checks.Range(errors, field.Index(index), range);
            families.Add(AddressFormats.IsIPv6(range));
            if (!seen.Add(range))
                errors.Duplicate(field.Index(index), range);
            index++;
        }
        if (ranges.Count > 1 && families.Count != ranges.Count)
            errors.Invalid(field, ranges, "may specify no more than one CIDR for each IP family");
    }
}
