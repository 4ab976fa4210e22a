using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>resource.k8s.io: how much of a device's capacity one request may take (KEP-5075), and what devices take of their node.</summary>
internal static class DeviceCapacityValidation
{
    private const int MaxValues = 10;

    /// <param name="isShared">Several requests may get the device.</param>
    public static void Capacity(FieldErrors errors, JsonObject capacity, bool isShared, FieldPath field)
    {
        if (capacity.Obj("requestPolicy") is not { } policy)
            return;
        var path = field.Child("requestPolicy");
        var (values, range) = (policy.Arr("validValues") is { Count: > 0 }, policy.Obj("validRange"));
        if (!isShared)
            errors.Forbidden(path, "allowMultipleAllocations must be true");
        else if (values && range is not null)
            errors.Forbidden(path, "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the same time");
        else if (values && !policy.Has("default"))
            errors.Required(path.Child("default"), "required when validValues is defined");
        else if (values)
            Values(errors, policy, Read(policy["default"]), Read(capacity["value"]), path.Child("validValues"));
        else if (range is not null && !policy.Has("default"))
            errors.Required(path.Child("default"), "required when validRange is defined");
        else if (range is not null)
            Range(errors, range, Read(policy["default"]), Read(capacity["value"]), path.Child("validRange"));
    }

    private static void Values(FieldErrors errors, JsonObject policy, Quantity standard, Quantity capacity, FieldPath field)
    {
        var values = (policy.Arr("validValues") ?? []).Select(Read).ToList();
        for (var i = 1; i < values.Count; i++)
        {
            if (values[i - 1] > values[i])
                errors.Invalid(field.Index(i), values[i].ToString(), "values must be sorted in ascending order");
        }
        if (!Checks.TooMany(errors, policy, "validValues", field, MaxValues))
        {
            for (var i = 0; i < values.Count; i++)
            {
                if (values[i] > capacity)
                    errors.Invalid(field.Index(i), values[i].ToString(), $"option is larger than capacity value: {capacity}");
            }
            for (var i = 1; i < values.Count; i++)
            {
                if (values.IndexOf(values[i]) < i)
                    errors.Duplicate(field.Index(i), values[i].ToLong().ToString(System.Globalization.CultureInfo.InvariantCulture));
            }
        }
        if (!values.Contains(standard))
            errors.Invalid(field, standard.ToString(), "default value is not valid according to the requestPolicy");
    }

    private static void Range(FieldErrors errors, JsonObject range, Quantity standard, Quantity capacity, FieldPath field)
    {
        if (!range.Has("min"))
        {
            errors.Required(field.Child("min"), "required when validRange is defined");
            return;
        }
        var min = Read(range["min"]);
        if (min > capacity)
            errors.Invalid(field.Child("min"), min.ToString(), $"min is larger than capacity value: {capacity}");
        if (standard < min)
            errors.Invalid(field.Child("default"), standard.ToString(), $"default is less than min: {min}");
        if (range.Has("max"))
        {
            var max = Read(range["max"]);
            if (min > max)
                errors.Invalid(field.Child("max"), min.ToString(), $"min is larger than max: {max}");
            if (max > capacity)
                errors.Invalid(field.Child("max"), max.ToString(), $"max is larger than capacity value: {capacity}");
            if (standard > max)
                errors.Invalid(field.Child("default"), standard.ToString(), $"default is more than max: {max}");
        }
        if (range.Has("step"))
            Step(errors, range, min, Read(range["step"]), standard, capacity, field.Child("step"));
    }

    private static void Step(FieldErrors errors, JsonObject range, Quantity min, Quantity step, Quantity standard, Quantity capacity, FieldPath field)
    {
        if (step.Sign <= 0)
        {
            errors.Invalid(field, step.ToString(), "must be greater than zero");
            return;
        }
        if (min + step > capacity)
            errors.Invalid(field, step.ToString(), $"one step {min + step} is larger than capacity value: {capacity}");
        foreach (var value in range.Has("max") ? (Quantity[])[standard, Read(range["max"])] : [standard])
        {
            if ((value.ToLong() - min.ToLong()) % Math.Max(1, step.ToLong()) != 0)
                errors.Invalid(field, value.ToString(), $"value is not a multiple of a given step ({step}) from ({min})");
        }
    }

    private static Quantity Read(JsonNode? value) => Quantity.TryParse(JsonFields.AsText(value), out var quantity) ? quantity : default;
}
