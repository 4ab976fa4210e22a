namespace LiteKube.Cel.Checking;

/// <summary>Gives each node its type and each call the overloads that may apply.</summary>
internal sealed partial class Checker(CelEnvironment environment, IssueList issues)
{
    private readonly TypeMapping _mapping = new();
    private readonly List<VariableDeclaration> _locals = [];
    private readonly List<Expr> _visited = [];

    /// <summary>Checks an expression; its type, with what remained open as dyn.</summary>
    public CelType Check(Expr root)
    {
        Visit(root);
        foreach (var expr in _visited)
            expr.Type = _mapping.Substitute(expr.Type!, freeToDyn: true);
        return root.Type!;
    }

    private CelType Visit(Expr expr)
    {
        var type = expr switch
        {
            LiteralExpr literal => literal.Value.Type,
            IdentExpr ident => VisitIdent(ident),
            SelectExpr select => VisitSelect(select),
            CallExpr call => VisitCall(call),
            ListExpr list => VisitList(list),
            MapExpr map => VisitMap(map),
            StructExpr message => VisitStruct(message),
            ComprehensionExpr comprehension => VisitComprehension(comprehension),
            _ => throw new InvalidOperationException($"no rule for {expr.GetType().Name}"),
        };
        expr.Type = type;
        _visited.Add(expr);
        return type;
    }

    private CelType Undeclared(Expr expr, string name)
    {
        issues.Report(expr.Offset, $"undeclared reference to '{name}' (in container '')");
        return CelType.Error;
    }

    private CelType Mismatch(Expr expr, CelType expected, CelType actual)
    {
        issues.Report(expr.Offset, $"expected type '{_mapping.Substitute(expected, false)}' but found '{_mapping.Substitute(actual, false)}'");
        return CelType.Error;
    }

    private CelType VisitIdent(IdentExpr ident)
    {
        ident.Variable = Resolve(ident.Name);
        return ident.Variable?.Type ?? Undeclared(ident, ident.Name);
    }

    private VariableDeclaration? Resolve(string name)
    {
        if (name.StartsWith('.'))
            return environment.FindIdentifier(name[1..]);
        for (var i = _locals.Count - 1; i >= 0; i--)
        {
            if (_locals[i].Name == name)
                return _locals[i];
        }
        return environment.FindIdentifier(name);
    }

    private CelType VisitSelect(SelectExpr select)
    {
        if (!select.TestOnly && QualifiedName(select) is { } name && Root(select) is var root && !IsLocal(root) && environment.FindIdentifier(name.TrimStart('.')) is { } variable)
        {
            select.Variable = variable;
            return variable.Type;
        }
        var type = SelectField(select, select.Operand, select.Field, optional: false);
        return select.TestOnly ? CelType.Bool : _mapping.Substitute(type, false);
    }

    private bool IsLocal(string name) => _locals.Exists(l => l.Name == name);

    private static string Root(Expr expr) => expr switch
    {
        SelectExpr select => Root(select.Operand),
        IdentExpr ident => ident.Name,
        _ => "",
    };

    private static string? QualifiedName(Expr expr) => expr switch
    {
        IdentExpr ident => ident.Name,
        SelectExpr { TestOnly: false } select => QualifiedName(select.Operand) is { } prefix ? $"{prefix}.{select.Field}" : null,
        _ => null,
    };

    private CelType SelectField(Expr expr, Expr operand, string field, bool optional)
    {
        var operandType = _mapping.Substitute(Visit(operand), false);
        var (target, wasOptional) = Unwrap(operandType);
        var result = CelType.Error;
        switch (target.Kind)
        {
            case CelTypeKind.Map:
                result = target.Parameters[1];
                break;
            case CelTypeKind.Struct:
                result = FieldType(expr.Offset, target.Name, field) ?? CelType.Error;
                break;
            case CelTypeKind.TypeParam:
                _mapping.IsAssignable(CelType.Dyn, target);
                result = CelType.Dyn;
                break;
            default:
                if (!target.IsDynOrError)
                    issues.Report(expr.Offset, $"type '{target}' does not support field selection");
                result = CelType.Dyn;
                break;
        }
        return wasOptional || optional ? CelType.Optional(result) : result;
    }

    private CelType? FieldType(int offset, string typeName, string field)
    {
        if (environment.FindStruct(typeName) is null)
        {
            issues.Report(offset, $"unexpected failed resolution of '{typeName}'");
            return null;
        }
        var type = environment.FindField(typeName, field);
        if (type is null)
            issues.Report(offset, $"undefined field '{field}'");
        return type;
    }

    private static (CelType Type, bool Optional) Unwrap(CelType type) => type.IsOptional ? (type.Parameters[0], true) : (type, false);

    private CelType VisitCall(CallExpr call)
    {
        if (call.Function == Operators.OptionalSelect)
        {
            call.Overloads = environment.FindFunction(Operators.OptionalSelect)?.Overloads ?? [];
            var field = (LiteralExpr)call.Args[1];
            var type = SelectField(call, call.Args[0], field.Value.AsString, optional: true);
            Visit(field);
            return _mapping.Substitute(type, false);
        }
        foreach (var arg in call.Args)
            Visit(arg);
        if (call.Target is null)
        {
            var name = call.Function.TrimStart('.');
            return environment.FindFunction(name) is { } global ? ResolveOverload(call, global) : Undeclared(call, call.Function);
        }
        // A target that is a name may be the first part of a function's name, as in optional.of(x).
        if (QualifiedName(call.Target) is { } prefix && environment.FindFunction($"{prefix.TrimStart('.')}.{call.Function}") is { } qualified)
        {
            call.Function = qualified.Name;
            call.Target = null;
            return ResolveOverload(call, qualified);
        }
        Visit(call.Target);
        return environment.FindFunction(call.Function) is { } member ? ResolveOverload(call, member) : Undeclared(call, call.Function);
    }

    private CelType ResolveOverload(CallExpr call, CelFunction function)
    {
        CelType[] argTypes = [.. (call.Target is null ? call.Args : call.Args.Prepend(call.Target)).Select(a => a.Type!)];
        if (function.Name is Operators.And or Operators.Or)
            return CheckLogic(call, function, argTypes);
        CelType? result = null;
        List<CelOverload> candidates = [];
        foreach (var overload in function.Overloads)
        {
            if (overload.IsMember != call.Target is not null)
                continue;
            var (parameters, overloadResult) = _mapping.Instantiate(overload);
            if (!_mapping.AreAssignable(argTypes, parameters))
                continue;
            candidates.Add(overload);
            var type = _mapping.Substitute(overloadResult, false);
            if (result is null)
                result = type;
            else if (result.Kind != CelTypeKind.Dyn && !type.Equals(result))
                result = CelType.Dyn;
        }
        call.Overloads = candidates;
        return result ?? NoMatch(call, function, argTypes);
    }

    private CelType NoMatch(CallExpr call, CelFunction function, CelType[] argTypes)
    {
        var shown = argTypes.Select(t => _mapping.Substitute(t, true).ToString()).ToList();
        var signature = call.Target is null ? $"({string.Join(", ", shown)})" : $"{shown[0]}.({string.Join(", ", shown.Skip(1))})";
        issues.Report(call.Offset, $"found no matching overload for '{function.Name}' applied to '{signature}'");
        return CelType.Error;
    }

    private CelType CheckLogic(CallExpr call, CelFunction function, CelType[] argTypes)
    {
        call.Overloads = function.Overloads;
        var ok = true;
        for (var i = 0; i < argTypes.Length; i++)
        {
            if (_mapping.IsAssignable(argTypes[i], CelType.Bool))
                continue;
            Mismatch(call.Args[i], CelType.Bool, argTypes[i]);
            ok = false;
        }
        return ok ? CelType.Bool : CelType.Error;
    }
}
