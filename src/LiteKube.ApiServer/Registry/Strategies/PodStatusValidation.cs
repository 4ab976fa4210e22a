using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>What a pod's status may say, and what of it may not go back.</summary>
internal static class PodStatusValidation
{
    private static readonly FieldPath Status = FieldPath.Of("status");

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject old)
    {
        var (status, before) = (value.Obj("status"), old.Obj("status"));
        PodAnnotations.ValidateUpdate(errors, value, old, FieldPath.Of("metadata").Child("annotations"));
        Conditions(errors, status);
        if (old.Obj("spec").Str("nodeName") != value.Obj("spec").Str("nodeName"))
            errors.Forbidden(Status.Child("nodeName"), "may not be changed directly");
        if (status.Str("nominatedNodeName") is { Length: > 0 } nominated && nominated != before.Str("nominatedNodeName"))
            Checks.Name(errors, Status.Child("nominatedNodeName"), nominated, NameChecks.DnsSubdomain);
        Checks.Immutable(errors, status?["qosClass"], before?["qosClass"], Status.Child("qosClass"));
        Restarts(errors, status, old, "containerStatuses", "containers");
        Restarts(errors, status, old, "initContainerStatuses", "initContainers");
        Restarts(errors, status, old, "ephemeralContainerStatuses", "ephemeralContainers");
        Claims(errors, value, status);
        Addresses(errors, status, "podIPs", Status.Child("podIPs"));
        if (status.Arr("hostIPs") is not { Count: > 0 })
            return;
        var first = status.Items("hostIPs").First().Str("ip");
        if (first != status.Str("hostIP"))
            errors.Invalid(Status.Child("hostIPs").Index(0).Child("ip"), first, "must be equal to `hostIP`");
        Addresses(errors, status, "hostIPs", Status.Child("hostIPs"));
    }

    private static void Conditions(FieldErrors errors, JsonObject? status)
    {
        var index = 0;
        foreach (var condition in status.Items("conditions"))
        {
            if (condition.Str("type") is { } type and not ("PodScheduled" or "Ready" or "Initialized"))
                Checks.Name(errors, FieldPath.Of("metadata").Child("conditions").Index(index).Child("Type"), type, NameChecks.QualifiedName);
            index++;
        }
    }

    /// <summary>A container that ended stays ended, unless something restarts it.</summary>
    private static void Restarts(FieldErrors errors, JsonObject? status, JsonObject old, string list, string containers)
    {
        var policy = containers == "ephemeralContainers" ? "Never" : old.Obj("spec").Str("restartPolicy");
        if (policy == "Always")
            return;
        var index = -1;
        foreach (var before in old.Obj("status").Items(list))
        {
            index++;
            if (before.Obj("state", "terminated") is not { } end || (policy == "OnFailure" && end.Long("exitCode") != 0))
                continue;
            var container = old.Obj("spec").Items(containers).FirstOrDefault(c => c.Str("name") == before.Str("name"));
            // Its own policy, or rules on exit codes, may restart it.
            if (containers != "ephemeralContainers" && (container.Has("restartPolicy") || container.Has("restartPolicyRules")))
                continue;
            if (status.Items(list).Any(s => s.Str("name") == before.Str("name") && !s.Obj("state").Has("terminated")))
                errors.Forbidden(Status.Child(list).Index(index).Child("state"), "may not be transitioned to non-terminated state");
        }
    }

    private static void Claims(FieldErrors errors, JsonObject value, JsonObject? status)
    {
        if (status.Arr("resourceClaimStatuses") is not { Count: > 0 })
            return;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var claim in status.Items("resourceClaimStatuses"))
        {
            var path = Status.Child("resourceClaimStatuses").Index(index++).Child("name");
            var name = claim.Str("name");
            if (!value.Obj("spec").Items("resourceClaims").Any(c => c.Str("name") == name))
                errors.Invalid(path, name, "must match the name of an entry in `spec.resourceClaims`");
            if (!names.Add(name))
                errors.Duplicate(path, name);
            if (claim.StrOrNull("resourceClaimName") is { } generated)
                Checks.Name(errors, path, generated, NameChecks.DnsSubdomain);
        }
    }

    private static void Addresses(FieldErrors errors, JsonObject? status, string list, FieldPath field)
    {
        var (index, four, six) = (0, 0, 0);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in status.Items(list))
        {
            var path = field.Index(index++);
            var address = item.Str("ip");
            Checks.Address(errors, path, address);
            if (!seen.Add(address))
                errors.Duplicate(path, item);
            _ = AddressFormats.IsIPv6(address) ? six++ : four++;
        }
        if (four > 1 || six > 1)
            errors.Invalid(field, status![list], "may specify no more than one IP for each IP family");
    }
}
