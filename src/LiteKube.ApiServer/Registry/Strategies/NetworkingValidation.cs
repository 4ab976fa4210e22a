using System.Net;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>networking.k8s.io: policies, service ranges and addresses.</summary>
internal static class NetworkingValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void NetworkPolicy(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Checks.LabelSelector(errors, spec.Obj("podSelector"), Spec.Child("podSelector"));
        Rules(errors, spec, "ingress", "from", old.Obj("spec"));
        Rules(errors, spec, "egress", "to", old.Obj("spec"));
        var types = spec.Arr("policyTypes");
        if (types is { Count: > 2 })
        {
            errors.Invalid(Spec.Child("policyTypes"), types, "may not specify more than two policyTypes");
            return;
        }
        var index = 0;
        foreach (var type in spec.Strings("policyTypes"))
        {
            var path = Spec.Child("policyTypes").Index(index++);
            if (type is not ("Ingress" or "Egress"))
                errors.NotSupported(path, type, "Ingress", "Egress");
        }
    }

    public static void IPAddress(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec");
        if (old is not null)
        {
            Checks.Immutable(errors, spec?["parentRef"], old.Obj("spec")?["parentRef"], Spec.Child("parentRef"));
            return;
        }
        if (spec.Obj("parentRef") is not { } parent)
        {
            errors.Required(Spec.Child("parentRef"), "");
            return;
        }
        var path = Spec.Child("parentRef");
        Checks.OptionalName(errors, parent, path, "group", NameChecks.DnsSubdomain);
        Checks.RequiredName(errors, parent, path, "resource", NameChecks.PathSegment);
        Checks.RequiredName(errors, parent, path, "name", NameChecks.PathSegment);
        Checks.OptionalName(errors, parent, path, "namespace", NameChecks.PathSegment);
    }

    public static void ServiceCidr(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var (path, ranges) = (Spec.Child("cidrs"), value.Obj("spec").Strings("cidrs").ToList());
        if (old is null)
        {
            Ranges(errors, value, ranges, path);
            return;
        }
        var before = old.Obj("spec").Strings("cidrs").ToList();
        if (before.Count == ranges.Count)
        {
            for (var i = 0; i < ranges.Count; i++)
            {
                if (ranges[i] != before[i])
                    errors.Invalid(path.Index(i), ranges[i], Checks.FieldImmutable);
            }
            return;
        }
        // A second family may join.
        if (before.Count != 1 || ranges.Count != 2)
        {
            errors.Invalid(path, value.Obj("spec")?["cidrs"], Checks.FieldImmutable);
            return;
        }
        if (ranges[0] != before[0])
            errors.Invalid(path.Index(0), ranges[0], Checks.FieldImmutable);
        Ranges(errors, value, ranges, path);
    }

    private static void Ranges(FieldErrors errors, JsonObject value, List<string> ranges, FieldPath field)
    {
        if (ranges.Count == 0)
        {
            errors.Required(field, "at least one CIDR required");
            return;
        }
        if (ranges.Count > 2)
        {
            errors.Invalid(field, value["spec"], "may only hold up to 2 values");
            return;
        }
        for (var i = 0; i < ranges.Count; i++)
        {
            if (AddressFormats.CanonicalRange(ranges[i]) is { } complaint)
                errors.Invalid(field.Index(i), ranges[i], complaint);
        }
        if (ranges.Count == 2 && IPNetwork.TryParse(ranges[0], out var first) && IPNetwork.TryParse(ranges[1], out var second) && first.BaseAddress.AddressFamily == second.BaseAddress.AddressFamily)
            errors.Invalid(field, value.Obj("spec")?["cidrs"], "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64");
    }

    private static void Rules(FieldErrors errors, JsonObject spec, string direction, string side, JsonObject? before)
    {
        var index = 0;
        foreach (var rule in spec.Items(direction))
        {
            var path = Spec.Child(direction).Index(index++);
            var i = 0;
            foreach (var port in rule.Items("ports"))
                PolicyPort(errors, port, path.Child("ports").Index(i++));
            i = 0;
            foreach (var peer in rule.Items(side))
                PolicyPeer(errors, peer, path.Child(side).Index(i++), before);
        }
    }

    private static void PolicyPort(FieldErrors errors, JsonObject port, FieldPath field)
    {
        if (port.StrOrNull("protocol") is { } protocol and not ("TCP" or "UDP" or "SCTP"))
            errors.NotSupported(field.Child("protocol"), protocol, "TCP", "UDP", "SCTP");
        var end = port.LongOrNull("endPort");
        if (port.LongOrNull("port") is { } start)
        {
            Checks.PortNumber(errors, field.Child("port"), start);
            if (end is null)
                return;
            if (end < start)
                errors.Invalid(field.Child("endPort"), end, "must be greater than or equal to `port`");
            Checks.PortNumber(errors, field.Child("endPort"), end.Value);
            return;
        }
        if (end is not null)
            errors.Invalid(field.Child("endPort"), end, port.Has("port") ? "may not be specified when `port` is non-numeric" : "may not be specified when `port` is not specified");
        if (port.Has("port"))
            Checks.PortNumberOrName(errors, field.Child("port"), port["port"]);
    }

    private static void PolicyPeer(FieldErrors errors, JsonObject peer, FieldPath field, JsonObject? before)
    {
        var count = 0;
        foreach (var selector in (ReadOnlySpan<string>)["podSelector", "namespaceSelector"])
        {
            if (peer.Obj(selector) is null)
                continue;
            count++;
            Checks.LabelSelector(errors, peer.Obj(selector), field.Child(selector));
        }
        if (peer.Obj("ipBlock") is { } block)
        {
            count++;
            Block(errors, block, field.Child("ipBlock"), before);
        }
        if (count == 0)
            errors.Required(field, "must specify a peer");
        else if (count > 1 && peer.Has("ipBlock"))
            errors.Forbidden(field, "may not specify both ipBlock and another peer");
    }

    private static void Block(FieldErrors errors, JsonObject block, FieldPath field, JsonObject? before)
    {
        if (!Checks.Required(errors, block, field, "cidr"))
            return;
        var range = block.Str("cidr");
        RangeUnlessKept(errors, range, field.Child("cidr"), before);
        if (!AddressFormats.TryParseRange(range, out var address, out var bits, out _))
            return;
        var index = 0;
        foreach (var except in block.Strings("except"))
        {
            var path = field.Child("except").Index(index++);
            RangeUnlessKept(errors, except, path, before);
            if (!AddressFormats.TryParseRange(except, out var inner, out var innerBits, out _))
                continue;
            if (!AddressFormats.Contains(address, bits, inner) || bits >= innerBits)
                errors.Invalid(path, except, "must be a strict subset of `cidr`");
        }
    }

    /// <summary>What an older server took may stay.</summary>
    private static void RangeUnlessKept(FieldErrors errors, string range, FieldPath field, JsonObject? before)
    {
        if (AddressFormats.Range(range) is { } complaint && !IsKept(before, range))
            errors.Invalid(field, range, complaint);
    }

    private static bool IsKept(JsonObject? before, string range) =>
        before.Items("ingress").SelectMany(r => r.Items("from")).Concat(before.Items("egress").SelectMany(r => r.Items("to")))
            .Select(p => p.Obj("ipBlock")).Any(b => b.Str("cidr") == range || b.Strings("except").Contains(range));
}
