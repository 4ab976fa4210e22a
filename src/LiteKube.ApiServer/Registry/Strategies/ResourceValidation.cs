using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Requests and limits of a container.</summary>
internal static class ResourceValidation
{
    private static readonly string[] Native = ["cpu", "memory", "ephemeral-storage"];

    public static void Validate(FieldErrors errors, JsonObject? resources, FieldPath field)
    {
        var limits = ValidateList(errors, resources.Obj("limits"), field.Child("limits"));
        var requests = ValidateList(errors, resources.Obj("requests"), field.Child("requests"));
        foreach (var (name, request) in requests)
        {
            if (limits.TryGetValue(name, out var limit))
            {
                if (!CanOvercommit(name) && request != limit)
                    errors.Invalid(field.Child("requests"), request.ToString(), $"must be equal to {name} limit of {limit}");
                else if (request > limit)
                    errors.Invalid(field.Child("requests"), request.ToString(), $"must be less than or equal to {name} limit of {limit}");
            }
            else if (!CanOvercommit(name))
            {
                errors.Required(field.Child("limits"), "Limit must be set for non overcommitable resources");
            }
        }
    }

    /// <summary>hugepages and extended resources are given whole: what is asked for is what is held.</summary>
    public static bool CanOvercommit(string name) => Native.Contains(name);

    private static Dictionary<string, Quantity> ValidateList(FieldErrors errors, JsonObject? list, FieldPath field)
    {
        var values = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var (name, value) in list ?? [])
        {
            var path = field.Key(name);
            if (NameChecks.QualifiedName(name) is { } complaint)
                errors.Invalid(path, name, complaint);
            else if (!name.Contains('/', StringComparison.Ordinal) && !Native.Contains(name) && !name.StartsWith("hugepages-", StringComparison.Ordinal))
                errors.Invalid(path, name, "must be a standard resource for containers");
            Checks.Quantity(errors, path, value, out var quantity);
            if (name.Contains('/', StringComparison.Ordinal) && quantity.ToMilli() % 1000 != 0)
                errors.Invalid(path, quantity.ToString(), "must be an integer");
            values[name] = quantity;
        }
        return values;
    }
}
