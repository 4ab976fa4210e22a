using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>ResourceQuotas and LimitRanges.</summary>
internal static class QuotaValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Quota(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Amounts(errors, spec.Obj("hard"), Spec.Child("hard"));
        Scopes(errors, spec, Spec.Child("scopes"));
        Selector(errors, spec, Spec.Child("scopeSelector", "matchExpressions"));
        if (old is not null && !spec.Strings("scopes").ToHashSet(StringComparer.Ordinal).SetEquals(old.Obj("spec").Strings("scopes")))
            errors.Invalid(Spec.Child("scopes"), spec["scopes"], Checks.FieldImmutable);
    }

    public static void QuotaStatus(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        Amounts(errors, value.Obj("status", "hard"), FieldPath.Of("status").Child("hard"));
        Amounts(errors, value.Obj("status", "used"), FieldPath.Of("status").Child("used"));
    }

    public static void LimitRange(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var types = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var limit in value.Obj("spec").Items("limits"))
        {
            var path = Spec.Child("limits").Index(index++);
            var type = limit.Str("type");
            if (NameChecks.QualifiedName(type) is { Count: > 0 })
                Checks.Name(errors, path.Child("type"), type, NameChecks.QualifiedName);
            else if (!type.Contains('/', StringComparison.Ordinal) && type is not ("Pod" or "Container" or "PersistentVolumeClaim"))
                errors.Invalid(path.Child("type"), type, "must be a standard limit type or fully qualified");
            if (!types.Add(type))
                errors.Duplicate(path.Child("type"), type);
            Limit(errors, limit, type, path);
        }
    }

    private static void Amounts(FieldErrors errors, JsonObject? amounts, FieldPath field)
    {
        foreach (var (name, amount) in amounts ?? [])
        {
            ResourceValidation.QuotaName(errors, name, field.Key(name));
            ResourceValidation.QuantityValue(errors, name, amount, field.Key(name));
        }
    }

    private static void Scopes(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var scopes = spec.Strings("scopes").ToList();
        foreach (var scope in scopes)
        {
            if (!IsScope(scope))
                errors.Invalid(field, spec["scopes"], "unsupported scope");
            CheckResources(errors, spec, scope, field, spec["scopes"]);
        }
        Conflicts(errors, scopes, field, spec["scopes"]);
    }

    private static void Selector(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var scopes = new List<string>();
        foreach (var requirement in spec.Obj("scopeSelector").Items("matchExpressions"))
        {
            var (scope, op) = (requirement.Str("scopeName"), requirement.Str("operator"));
            if (!IsScope(scope))
                errors.Invalid(field.Child("scopeName"), scope, "unsupported scope");
            CheckResources(errors, spec, scope, field, spec["scopeSelector"]);
            if (scope is "BestEffort" or "NotBestEffort" or "Terminating" or "NotTerminating" or "CrossNamespacePodAffinity" && op != "Exists")
                errors.Invalid(field.Child("operator"), op, "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity");
            var hasValues = requirement.Arr("values") is { Count: > 0 };
            switch (op)
            {
                case "In" or "NotIn":
                    if (!hasValues)
                        errors.Required(field.Child("values"), "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
                    break;
                case "Exists" or "DoesNotExist":
                    if (hasValues)
                        errors.Invalid(field.Child("values"), requirement["values"], "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
                    break;
                default:
                    errors.Invalid(field.Child("operator"), op, "not a valid selector operator");
                    break;
            }
            scopes.Add(scope);
        }
        Conflicts(errors, scopes, field, spec["scopes"]);
    }

    private static void Conflicts(FieldErrors errors, List<string> scopes, FieldPath field, JsonNode? shown)
    {
        foreach (var scope in (ReadOnlySpan<string>)["BestEffort", "Terminating"])
        {
            if (scopes.Contains(scope) && scopes.Contains("Not" + scope))
                errors.Invalid(field, shown, "conflicting scopes");
        }
    }

    private static void CheckResources(FieldErrors errors, JsonObject spec, string scope, FieldPath field, JsonNode? shown)
    {
        foreach (var (name, _) in spec.Obj("hard") ?? [])
        {
            if (ResourceNames.IsOfQuotas(name) && !CountsIn(scope, name))
                errors.Invalid(field, shown, "unsupported scope applied to resource");
        }
    }

    private static bool IsScope(string scope) => scope is "Terminating" or "NotTerminating" or "BestEffort" or "NotBestEffort" or "PriorityClass" or "CrossNamespacePodAffinity" or "VolumeAttributesClass";

    private static bool CountsIn(string scope, string resource) => scope switch
    {
        "Terminating" or "NotTerminating" or "NotBestEffort" or "PriorityClass" or "CrossNamespacePodAffinity" =>
            resource is "pods" or "cpu" or "memory" or "limits.cpu" or "limits.memory" or "requests.cpu" or "requests.memory",
        "BestEffort" => resource is "pods",
        "VolumeAttributesClass" => resource is "persistentvolumeclaims" or "requests.storage",
        _ => true,
    };

    private static void Limit(FieldErrors errors, JsonObject limit, string type, FieldPath field)
    {
        var keys = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var list in (ReadOnlySpan<string>)["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"])
        {
            var path = field.Child(list);
            if (type == "Pod" && list.StartsWith("default", StringComparison.Ordinal))
            {
                if (limit.Obj(list) is { Count: > 0 })
                    errors.Forbidden(path, "may not be specified when `type` is 'Pod'");
                continue;
            }
            foreach (var (name, _) in limit.Obj(list) ?? [])
            {
                if (type is "Pod" or "Container")
                    ResourceValidation.ContainerName(errors, name, path.Key(name));
                else
                    ResourceValidation.Name(errors, name, path.Key(name));
                keys.Add(name);
            }
        }
        if (type == "PersistentVolumeClaim" && !limit.Obj("min").Has("storage") && !limit.Obj("max").Has("storage"))
            errors.Required(field.Child("limits"), "either minimum or maximum storage value is required, but neither was provided");
        foreach (var name in keys)
            Compare(errors, limit, type, name, field);
    }

    private static void Compare(FieldErrors errors, JsonObject limit, string type, string name, FieldPath field)
    {
        var (min, max) = (Amount("min"), Amount("max"));
        var (limitDefault, requestDefault) = type == "Pod" ? (null, null) : (Amount("default"), Amount("defaultRequest"));
        Above(min, max, "min", min, "min value {0} is greater than max value {1}");
        Above(min, requestDefault, "defaultRequest", requestDefault, "min value {0} is greater than default request value {1}");
        Above(requestDefault, max, "defaultRequest", requestDefault, "default request value {0} is greater than max value {1}");
        Above(requestDefault, limitDefault, "defaultRequest", requestDefault, "default request value {0} is greater than default limit value {1}");
        Above(min, limitDefault, "default", min, "min value {0} is greater than default value {1}");
        Above(limitDefault, max, "default", max, "default value {0} is greater than max value {1}");
        var path = field.Child("maxLimitRequestRatio").Key(name);
        if (Amount("maxLimitRequestRatio") is { } ratio)
        {
            if (ratio < Quantity.FromLong(1))
                errors.Invalid(path, ratio.ToString(), $"ratio {ratio} is less than 1");
            if (min is { IsZero: false } && max is not null && ratio.ToDouble() > max.Value.ToDouble() / min.Value.ToDouble())
                errors.Invalid(path, ratio.ToString(), string.Create(System.Globalization.CultureInfo.InvariantCulture, $"ratio {ratio} is greater than max/min = {max.Value.ToDouble() / min.Value.ToDouble():F6}"));
        }
        if (!ResourceNames.CanOvercommit(name) && limitDefault is not null && requestDefault is not null && limitDefault != requestDefault)
            errors.Invalid(field.Child("defaultRequest").Key(name), requestDefault.ToString(), $"default value {limitDefault} must equal to defaultRequest value {requestDefault} in {name}");

        Quantity? Amount(string list) => limit.Obj(list)?[name] is { } node && Quantity.TryParse(JsonFields.AsText(node), out var amount) ? amount : null;

        void Above(Quantity? low, Quantity? high, string list, Quantity? shown, string words)
        {
            if (low is not null && high is not null && low > high)
                errors.Invalid(field.Child(list).Key(name), shown.ToString(), string.Format(System.Globalization.CultureInfo.InvariantCulture, words, low, high));
        }
    }
}
