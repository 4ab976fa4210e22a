using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Requests and limits of containers and pods, and amounts of resources in general.</summary>
internal static class ResourceValidation
{
    public static void Container(FieldErrors errors, JsonObject? resources, FieldPath field, IReadOnlyCollection<string> claims) =>
        Requirements(errors, resources, field, claims, ContainerName);

    /// <summary>Resources of a pod as a whole: not less than its containers ask for together (KEP-2837).</summary>
    public static void Pod(FieldErrors errors, JsonObject spec, FieldPath field, IReadOnlyCollection<string> claims)
    {
        if (spec.Obj("resources") is not { } resources)
            return;
        if (resources.Arr("claims") is not null)
            errors.Forbidden(field.Child("claims"), "claims cannot be set for Resources at pod-level");
        Requirements(errors, resources, field, claims, PodName);
        foreach (var (name, total) in PodRequests.OfContainers(spec))
        {
            var whole = Read(resources.Obj("requests")?[name]);
            if (total > whole)
                errors.Invalid(field.Child("requests").Key(name), whole.ToString(), $"must be greater than or equal to aggregate container requests of {total}");
        }
        var index = 0;
        foreach (var container in spec.Items("containers"))
        {
            foreach (var (name, limit) in container.Obj("resources", "limits") ?? [])
            {
                if (resources.Obj("limits")?[name] is { } most && Read(limit) > Read(most))
                    errors.Invalid(field.Child("containers").Index(index).Key(name).Child("limits"), JsonFields.AsText(limit), $"must be less than or equal to pod limits of {JsonFields.AsText(most)}");
            }
            index++;
        }
    }

    public static void ContainerName(FieldErrors errors, string name, FieldPath field)
    {
        Name(errors, name, field);
        if (!name.Contains('/', StringComparison.Ordinal))
        {
            if (!ResourceNames.IsOfContainers(name))
                errors.Invalid(field, name, "must be a standard resource for containers");
        }
        else if (!ResourceNames.IsNative(name) && !ResourceNames.IsExtended(name))
        {
            errors.Invalid(field, name, "doesn't follow extended resource name standard");
        }
    }

    public static void QuotaName(FieldErrors errors, string name, FieldPath field)
    {
        Name(errors, name, field);
        if (!name.Contains('/', StringComparison.Ordinal) && !ResourceNames.IsOfQuotas(name))
            errors.Invalid(field, name, "must be a standard resource for quota");
    }

    /// <returns>False when the name cannot be a resource's.</returns>
    public static bool Name(FieldErrors errors, string name, FieldPath field)
    {
        var complaints = NameChecks.QualifiedName(name);
        foreach (var complaint in complaints)
            errors.Invalid(field, name, complaint);
        if (complaints.Count > 0)
            return false;
        if (name.Contains('/', StringComparison.Ordinal) || ResourceNames.IsStandard(name))
            return true;
        errors.Invalid(field, name, "must be a standard resource type or fully qualified");
        return false;
    }

    /// <summary>Not negative, and whole where the resource is counted.</summary>
    public static void QuantityValue(FieldErrors errors, string name, JsonNode? value, FieldPath field)
    {
        var quantity = Read(value);
        if (quantity.Sign < 0)
            errors.Invalid(field, JsonFields.AsText(value), Checks.IsNegative);
        if (ResourceNames.IsInteger(name) && quantity.ToMilli() % 1000 != 0)
            errors.Invalid(field, JsonFields.AsText(value), "must be an integer");
    }

    public static bool Positive(FieldErrors errors, JsonNode? value, FieldPath field)
    {
        if (Read(value).Sign > 0)
            return true;
        errors.Invalid(field, JsonFields.AsText(value), "must be greater than zero");
        return false;
    }

    public static Quantity Read(JsonNode? value) => Quantity.TryParse(JsonFields.AsText(value), out var quantity) ? quantity : Quantity.Zero;

    private static void PodName(FieldErrors errors, string name, FieldPath field)
    {
        if (Name(errors, name, field) && !ResourceNames.IsOfPods(name))
            errors.NotSupported(field, name, "cpu", "hugepages-", "memory");
    }

    private static void Requirements(FieldErrors errors, JsonObject? resources, FieldPath field, IReadOnlyCollection<string> claims, Action<FieldErrors, string, FieldPath> nameRule)
    {
        if (resources is null || resources.Count == 0)
            return;
        var (limits, requests) = (resources.Obj("limits"), resources.Obj("requests"));
        var (hasCompute, hasPages) = (false, false);
        foreach (var (name, limit) in limits ?? [])
            Amount(name, limit, field.Child("limits").Key(name));
        foreach (var (name, request) in requests ?? [])
        {
            var path = field.Child("requests");
            Amount(name, request, path.Key(name));
            var canOvercommit = ResourceNames.CanOvercommit(name);
            if (limits.Has(name))
            {
                var (asked, most) = (Read(request), Read(limits![name]));
                if (asked != most && !canOvercommit)
                    errors.Invalid(path, JsonFields.AsText(request), $"must be equal to {name} limit of {JsonFields.AsText(limits[name])}");
                else if (asked > most)
                    errors.Invalid(path, JsonFields.AsText(request), $"must be less than or equal to {name} limit of {JsonFields.AsText(limits[name])}");
            }
            else if (!canOvercommit)
            {
                errors.Required(field.Child("limits"), "Limit must be set for non overcommitable resources");
            }
        }
        if (hasPages && !hasCompute)
            errors.Forbidden(field, "HugePages require cpu or memory");
        if (resources.Arr("claims") is { Count: > 0 })
            Claims(errors, resources, field.Child("claims"), claims);

        void Amount(string name, JsonNode? value, FieldPath path)
        {
            nameRule(errors, name, path);
            QuantityValue(errors, name, value, path);
            hasCompute |= name is "cpu" or "memory";
            if (!ResourceNames.IsHugePages(name))
                return;
            hasPages = true;
            if (!ResourceNames.IsWholePages(name, Read(value)))
                errors.Invalid(path, JsonFields.AsText(value), $"{JsonFields.AsText(value)} is not positive integer multiple of {name}");
        }
    }

    /// <summary>Each claim, or each request of a claim, once; and only claims that the pod has.</summary>
    private static void Claims(FieldErrors errors, JsonObject resources, FieldPath field, IReadOnlyCollection<string> known)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var claim in resources.Items("claims"))
        {
            var path = field.Index(index++);
            var (name, request) = (claim.Str("name"), claim.Str("request"));
            if (name.Length == 0)
            {
                errors.Required(path, "");
                continue;
            }
            if (seen.Contains(name))
            {
                errors.Duplicate(path, name);
            }
            else
            {
                var key = request.Length == 0 ? name : $"{name}/{request}";
                if (request.Length > 0)
                    Checks.Name(errors, path.Child("request"), request, NameChecks.DnsLabel);
                if (seen.Contains(key))
                    errors.Duplicate(path, key);
                else if (request.Length == 0 && seen.Any(s => s.StartsWith(name + "/", StringComparison.Ordinal)))
                    errors.Duplicate(path, name);
                seen.Add(key);
            }
            if (!known.Contains(name))
                errors.NotFound(path, name, known.Count == 0 ? "must be one of the names in pod.spec.resourceClaims which is empty" : $"must be one of the names in pod.spec.resourceClaims: {string.Join(", ", known.Order(StringComparer.Ordinal))}");
        }
    }
}

/// <summary>What a pod's containers ask for: regular ones and sidecars together, or the greatest init container with the sidecars before it.</summary>
internal static class PodRequests
{
    public static Dictionary<string, Quantity> OfContainers(JsonObject spec)
    {
        var totals = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.Items("containers"))
            Add(totals, container);
        var sidecars = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        var peaks = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.Items("initContainers"))
        {
            if (container.Str("restartPolicy") == "Always")
            {
                Add(totals, container);
                Add(sidecars, container);
                Raise(peaks, sidecars);
                continue;
            }
            var during = new Dictionary<string, Quantity>(sidecars, StringComparer.Ordinal);
            Add(during, container);
            Raise(peaks, during);
        }
        Raise(totals, peaks);
        return totals;
    }

    private static void Add(Dictionary<string, Quantity> totals, JsonObject container)
    {
        foreach (var (name, value) in container.Obj("resources", "requests") ?? [])
            totals[name] = totals.GetValueOrDefault(name) + ResourceValidation.Read(value);
    }

    private static void Raise(Dictionary<string, Quantity> totals, Dictionary<string, Quantity> others)
    {
        foreach (var (name, value) in others)
        {
            if (!totals.TryGetValue(name, out var standing) || value > standing)
                totals[name] = value;
        }
    }
}
