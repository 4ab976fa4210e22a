using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Nodes: a kubelet registers one with its status; afterwards spec and status go their own ways.</summary>
internal sealed class NodeStrategy(ResourceInfo resource) : DefaultStrategy(resource)
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    /// <summary>The status that comes with a registration is kept: it saves the kubelet a second write.</summary>
    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context) => ValidateSpec(errors, value);

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource.Length > 0)
            return;
        ValidateSpec(errors, value);
        var (spec, before) = (value.Obj("spec"), old.Obj("spec"));
        if (before.Strings("podCIDRs").Any() && !spec.Strings("podCIDRs").SequenceEqual(before.Strings("podCIDRs")))
            errors.Forbidden(Spec.Child("podCIDRs"), "node updates may not change podCIDR except from \"\" to valid");
        if (before.Str("providerID").Length > 0 && before.Str("providerID") != spec.Str("providerID"))
            errors.Forbidden(Spec.Child("providerID"), "node updates may not change providerID except from \"\" to valid");
    }

    private static void ValidateSpec(FieldErrors errors, JsonObject value)
    {
        var spec = value.Obj("spec");
        var seen = new HashSet<(string, string)>();
        var index = 0;
        foreach (var taint in spec.Items("taints"))
        {
            var path = FieldPath.Of("metadata").Child("taints").Index(index++);
            Checks.Name(errors, path.Child("key"), taint.Str("key"), NameChecks.QualifiedName);
            Checks.Name(errors, path.Child("value"), taint.Str("value"), NameChecks.LabelValue);
            Checks.OneOf(errors, taint, path, "effect", isRequired: true, "NoSchedule", "PreferNoSchedule", "NoExecute");
            if (!seen.Add((taint.Str("key"), taint.Str("effect"))))
                errors.Duplicate(path, taint);
        }
        index = 0;
        foreach (var cidr in spec.Strings("podCIDRs"))
        {
            if (!Checks.IsCidr(cidr))
                errors.Invalid(Spec.Child("podCIDRs").Index(index), cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
            index++;
        }
    }
}
