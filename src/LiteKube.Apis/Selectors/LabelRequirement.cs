using System.Globalization;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Selectors;

public enum LabelOperator
{
    In,
    NotIn,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

/// <summary>One condition on the label <paramref name="Key"/>. <c>a=b</c> is In with one value, <c>a!=b</c> NotIn.</summary>
/// <param name="Values">Sorted, each once; empty for Exists and DoesNotExist.</param>
public sealed record LabelRequirement(string Key, LabelOperator Operator, IReadOnlyList<string> Values)
{
    /// <param name="value">The label's value; null: the object has no such label.</param>
    public bool Matches(string? value) => Operator switch
    {
        LabelOperator.In => value is not null && Holds(value),
        LabelOperator.NotIn => value is null || !Holds(value),
        LabelOperator.Exists => value is not null,
        LabelOperator.DoesNotExist => value is null,
        LabelOperator.GreaterThan => Number(value) is { } n && n > Number(Values[0]),
        _ => Number(value) is { } n && n < Number(Values[0]),
    };

    /// <summary>Checked as Kubernetes' NewRequirement checks.</summary>
    /// <exception cref="FormatException">In Kubernetes' words.</exception>
    internal static LabelRequirement Create(string key, LabelOperator @operator, IEnumerable<string> values)
    {
        var sorted = values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        var errors = new List<string>();
        if (NameFormats.LabelKey(key) is { Count: > 0 } keyErrors)
            errors.Add($"key: Invalid value: {GoText.Quote(key)}: {string.Join("; ", keyErrors)}");
        if (@operator is LabelOperator.In or LabelOperator.NotIn && sorted.Length == 0)
            errors.Add("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
        if (@operator is LabelOperator.Exists or LabelOperator.DoesNotExist && sorted.Length > 0)
            errors.Add($"values: Invalid value: [{string.Join(' ', sorted)}]: values set must be empty for exists and does not exist");
        for (var i = 0; i < sorted.Length; i++)
        {
            if (@operator is LabelOperator.GreaterThan or LabelOperator.LessThan && Number(sorted[i]) is null)
                errors.Add($"values[{i}]: Invalid value: {GoText.Quote(sorted[i])}: for 'Gt', 'Lt' operators, the value must be an integer");
            if (NameFormats.LabelValue(sorted[i]) is { Count: > 0 } valueErrors)
                errors.Add($"values[{i}][{key}]: Invalid value: {GoText.Quote(sorted[i])}: {string.Join("; ", valueErrors)}");
        }

        return errors.Count switch
        {
            0 => new(key, @operator, sorted),
            1 => throw new FormatException(errors[0]),
            _ => throw new FormatException($"[{string.Join(", ", errors)}]"),
        };
    }

    public override string ToString() => Operator switch
    {
        LabelOperator.In when Values.Count == 1 => $"{Key}={Values[0]}",
        LabelOperator.NotIn when Values.Count == 1 => $"{Key}!={Values[0]}",
        LabelOperator.In => $"{Key} in ({string.Join(',', Values)})",
        LabelOperator.NotIn => $"{Key} notin ({string.Join(',', Values)})",
        LabelOperator.Exists => Key,
        LabelOperator.DoesNotExist => "!" + Key,
        LabelOperator.GreaterThan => $"{Key}>{Values[0]}",
        _ => $"{Key}<{Values[0]}",
    };

    private bool Holds(string value)
    {
        for (var i = 0; i < Values.Count; i++)
        {
            if (string.Equals(Values[i], value, StringComparison.Ordinal))
                return true;
        }

        return false;
    }

    private static long? Number(string? text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
