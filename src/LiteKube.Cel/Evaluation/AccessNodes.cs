namespace LiteKube.Cel.Evaluation;

/// <summary>Reading members of maps, objects, lists and optionals.</summary>
internal static class Access
{
    public static bool TryMember(in CelValue target, in CelValue key, out CelValue value)
    {
        value = default;
        switch (target.Kind)
        {
            case CelKind.Map:
                return target.AsMap.TryGet(key, out value);
            case CelKind.Object:
                return key.Kind == CelKind.String && target.AsObject.TryGetField(key.AsString, out value);
            case CelKind.List:
                if (!TryIndex(key, out var index) || index < 0 || index >= target.AsList.Count)
                    return false;
                value = target.AsList[(int)index];
                return true;
            default:
                return false;
        }
    }

    private static bool TryIndex(in CelValue key, out long index)
    {
        index = 0;
        switch (key.Kind)
        {
            case CelKind.Int:
                index = key.AsInt;
                return true;
            case CelKind.Uint when key.AsUint <= long.MaxValue:
                index = (long)key.AsUint;
                return true;
            case CelKind.Double when key.AsDouble == Math.Truncate(key.AsDouble) && Math.Abs(key.AsDouble) < int.MaxValue:
                index = (long)key.AsDouble;
                return true;
            default:
                return false;
        }
    }

    public static CelValue Missing(in CelValue target, in CelValue key)
    {
        if (target.Kind != CelKind.List)
            return CelValue.Error($"no such key: {ValueText.Describe(key)}");
        return CelValue.Error(TryIndex(key, out _) ? $"index out of bounds: {ValueText.Describe(key)}" : $"unsupported index type '{key.Type.Name}' in list");
    }

    /// <summary>a.b or a[b]; on an optional the result is an optional.</summary>
    public static CelValue Member(in CelValue target, in CelValue key)
    {
        if (target.Kind == CelKind.Optional)
            return OptionalMember(target, key);
        return TryMember(target, key, out var value) ? value : Missing(target, key);
    }

    /// <summary>a.?b or a[?b]</summary>
    public static CelValue OptionalMember(in CelValue target, in CelValue key)
    {
        var inner = target;
        if (target.Kind == CelKind.Optional)
        {
            if (!target.HasValue)
                return target;
            inner = target.OptionalValue;
        }
        if (!TryMember(inner, key, out var value))
            return CelValue.OptionalNone;
        return value.IsError ? value : CelValue.OptionalOf(value);
    }
}

internal sealed class SelectNode(Node operand, string field, ulong cost, bool optional) : Node
{
    private readonly CelValue _key = CelValue.String(field);

    public override CelValue Eval(EvalFrame frame)
    {
        var target = operand.Eval(frame);
        if (target.IsError)
            return target;
        frame.Charge(cost);
        return optional ? Access.OptionalMember(target, _key) : Access.Member(target, _key);
    }
}

internal sealed class HasNode(Node operand, string field) : Node
{
    private readonly CelValue _key = CelValue.String(field);

    public override CelValue Eval(EvalFrame frame)
    {
        var target = operand.Eval(frame);
        if (target.IsError)
            return target;
        if (target.Kind == CelKind.Optional)
            return CelValue.Bool(target.HasValue && Access.TryMember(target.OptionalValue, _key, out _));
        if (!Access.TryMember(target, _key, out var value))
            return CelValue.False;
        return value.IsError ? value : CelValue.True;
    }
}

internal sealed class IndexNode(Node operand, Node index, ulong cost, bool optional) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var target = operand.Eval(frame);
        if (target.IsError)
            return target;
        var key = index.Eval(frame);
        if (key.IsError)
            return key;
        frame.Charge(cost);
        return optional ? Access.OptionalMember(target, key) : Access.Member(target, key);
    }
}

/// <summary>or() and orValue(): the alternative is evaluated only when it is needed.</summary>
internal sealed class OptionalOrNode(Node left, Node right, bool unwrap) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var value = left.Eval(frame);
        if (value.IsError)
            return value;
        if (value.Kind != CelKind.Optional)
            return CelError.NoSuchOverload;
        if (!value.HasValue)
            return right.Eval(frame);
        return unwrap ? value.OptionalValue : value;
    }
}

internal sealed class ListNode(Node[] elements, bool[] optional) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var values = new List<CelValue>(elements.Length);
        for (var i = 0; i < elements.Length; i++)
        {
            var value = elements[i].Eval(frame);
            if (value.IsError)
                return value;
            if (!optional[i])
                values.Add(value);
            else if (value.Kind != CelKind.Optional)
                return CelValue.Error($"cannot initialize optional list element from non-optional value {ValueText.Describe(value)}");
            else if (value.HasValue)
                values.Add(value.OptionalValue);
        }
        frame.Charge(Cost.RuntimeCost.ListCreation);
        return CelValue.List(new ArrayCelList([.. values]));
    }
}

internal sealed class MapNode((Node Key, Node Value, bool Optional)[] entries) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var map = new CelValueMap();
        foreach (var entry in entries)
        {
            var key = entry.Key.Eval(frame);
            if (key.IsError)
                return key;
            var value = entry.Value.Eval(frame);
            if (value.IsError)
                return value;
            if (!CelValueMap.IsKey(key))
                return CelValue.Error($"unsupported key type: {key.Type.Name}");
            if (entry.Optional)
            {
                if (value.Kind != CelKind.Optional)
                    return CelValue.Error($"cannot initialize optional entry '{ValueText.Describe(key)}' from non-optional value {ValueText.Describe(value)}");
                if (!value.HasValue)
                    continue;
                value = value.OptionalValue;
            }
            if (!map.TryAdd(key, value))
                return CelValue.Error($"Failed with repeated key: {ValueText.Describe(key)}");
        }
        frame.Charge(Cost.RuntimeCost.MapCreation);
        return CelValue.Map(map);
    }
}

internal sealed class StructNode(ICelTypeProvider provider, string typeName, (string Name, Node Value, bool Optional)[] fields) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var values = new List<KeyValuePair<string, CelValue>>(fields.Length);
        foreach (var field in fields)
        {
            var value = field.Value.Eval(frame);
            if (value.IsError)
                return value;
            if (field.Optional)
            {
                if (value.Kind != CelKind.Optional)
                    return CelValue.Error($"cannot initialize optional entry '{field.Name}' from non-optional value {ValueText.Describe(value)}");
                if (!value.HasValue)
                    continue;
                value = value.OptionalValue;
            }
            values.Add(new(field.Name, value));
        }
        frame.Charge(Cost.RuntimeCost.StructCreation);
        return provider.Create(typeName, values);
    }
}
