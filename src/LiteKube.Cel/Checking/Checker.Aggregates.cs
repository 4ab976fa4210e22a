namespace LiteKube.Cel.Checking;

internal sealed partial class Checker
{
    private CelType Join(Expr at, CelType? previous, CelType current)
    {
        if (previous is null)
            return current;
        return _mapping.IsAssignable(previous, current) ? TypeMapping.MostGeneral(previous, current) : Mismatch(at, previous, current);
    }

    private CelType UnwrapEntry(Expr value, CelType type, bool optional)
    {
        if (!optional)
            return type;
        var (inner, wasOptional) = Unwrap(type);
        if (!wasOptional && !inner.IsDynOrError)
            Mismatch(value, CelType.Optional(inner), inner);
        return inner;
    }

    private CelType VisitList(ListExpr list)
    {
        CelType? element = null;
        for (var i = 0; i < list.Elements.Length; i++)
        {
            var type = UnwrapEntry(list.Elements[i], Visit(list.Elements[i]), list.Optional[i]);
            element = Join(list.Elements[i], element, type);
        }
        return CelType.List(element ?? _mapping.NewVariable());
    }

    private CelType VisitMap(MapExpr map)
    {
        CelType? key = null, value = null;
        foreach (var entry in map.Entries)
        {
            key = Join(entry.Key, key, Visit(entry.Key));
            value = Join(entry.Value, value, UnwrapEntry(entry.Value, Visit(entry.Value), entry.Optional));
        }
        return CelType.Map(key ?? _mapping.NewVariable(), value ?? _mapping.NewVariable());
    }

    private CelType VisitStruct(StructExpr message)
    {
        var name = message.TypeName.TrimStart('.');
        message.TypeName = name;
        if (environment.FindStruct(name) is not { } type)
        {
            if (environment.FindIdentifier(name) is not { } other)
                return Undeclared(message, name);
            var isType = other.Type.Kind == CelTypeKind.Type;
            issues.Report(message.Offset, isType ? $"'{name}' is not a message type" : $"'{name}' is not a type");
            return CelType.Error;
        }
        foreach (var field in message.Fields)
        {
            var value = UnwrapEntry(field.Value, Visit(field.Value), field.Optional);
            var wanted = FieldType(field.Offset, name, field.Name) ?? CelType.Error;
            if (!_mapping.IsAssignable(wanted, value))
                issues.Report(field.Offset, $"expected type of field '{field.Name}' is '{wanted}' but provided type is '{_mapping.Substitute(value, false)}'");
        }
        return type;
    }

    private CelType VisitComprehension(ComprehensionExpr fold)
    {
        var range = _mapping.Substitute(Visit(fold.Range), false);
        var accumulator = Visit(fold.Initial);
        var depth = _locals.Count;
        _locals.Add(Local(fold.Accumulator, accumulator));
        var (first, second) = IterationTypes(fold, range);
        _locals.Add(Local(fold.Variable, first));
        if (fold.Variable2 is { } variable2)
            _locals.Add(Local(variable2, second));
        AssertType(fold.Condition, CelType.Bool);
        AssertType(fold.Step, accumulator);
        _locals.RemoveRange(depth + 1, _locals.Count - depth - 1);
        var result = Visit(fold.Result);
        _locals.RemoveRange(depth, _locals.Count - depth);
        return _mapping.Substitute(result, false);
    }

    private static VariableDeclaration Local(string name, CelType type) => new(name, type, IsLocal: true);

    private void AssertType(Expr expr, CelType wanted)
    {
        var type = Visit(expr);
        if (!_mapping.IsAssignable(wanted, type))
            Mismatch(expr, wanted, type);
    }

    private (CelType First, CelType Second) IterationTypes(ComprehensionExpr fold, CelType range)
    {
        switch (range.Kind)
        {
            case CelTypeKind.List:
                return fold.Variable2 is null ? (range.Parameters[0], CelType.Dyn) : (CelType.Int, range.Parameters[0]);
            case CelTypeKind.Map:
                return (range.Parameters[0], range.Parameters[1]);
            case CelTypeKind.Dyn or CelTypeKind.Error or CelTypeKind.TypeParam:
                _mapping.IsAssignable(CelType.Dyn, range);
                return (CelType.Dyn, CelType.Dyn);
            default:
                issues.Report(fold.Range.Offset, $"expression of type '{range}' cannot be range of a comprehension (must be list, map, or dynamic)");
                return (CelType.Error, CelType.Error);
        }
    }
}
