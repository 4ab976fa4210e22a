using System.Collections.Immutable;

namespace LiteKube.Cel.Checking;

/// <summary>What type parameters stand for, found by unification; a failed attempt leaves no trace.</summary>
internal sealed class TypeMapping
{
    private Dictionary<string, CelType> _bindings = new(StringComparer.Ordinal);
    private int _fresh;

    public CelType NewVariable() => CelType.Param($"_var{_fresh++}");

    /// <summary>Whether a value of the second type may stand where the first is wanted.</summary>
    public bool IsAssignable(CelType wanted, CelType given) => Try(() => Assign(wanted, given));

    public bool AreAssignable(IReadOnlyList<CelType> wanted, IReadOnlyList<CelType> given) => Try(() => AssignAll(wanted, given));

    private bool Try(Func<bool> attempt)
    {
        var before = new Dictionary<string, CelType>(_bindings, StringComparer.Ordinal);
        if (attempt())
            return true;
        _bindings = before;
        return false;
    }

    private CelType? Find(CelType type) => type.Kind == CelTypeKind.TypeParam && _bindings.TryGetValue(type.Name, out var bound) ? bound : null;

    private bool AssignAll(IReadOnlyList<CelType> a, IReadOnlyList<CelType> b)
    {
        if (a.Count != b.Count)
            return false;
        for (var i = 0; i < a.Count; i++)
        {
            if (!Assign(a[i], b[i]))
                return false;
        }
        return true;
    }

    private bool Assign(CelType a, CelType b)
    {
        if (b.Kind == CelTypeKind.TypeParam)
        {
            var (valid, bound) = Substitution(a, b);
            if (valid || bound)
                return valid;
        }
        if (a.Kind == CelTypeKind.TypeParam)
            return Substitution(b, a).Valid;
        if (a.IsDynOrError || b.IsDynOrError)
            return true;
        if (a.Kind == CelTypeKind.Null)
            return IsNullable(b);
        if (b.Kind == CelTypeKind.Null)
            return IsNullable(a);
        return a.Kind switch
        {
            CelTypeKind.Type => b.Kind == CelTypeKind.Type,
            CelTypeKind.Opaque or CelTypeKind.List or CelTypeKind.Map => a.Kind == b.Kind && a.Name == b.Name && AssignAll(a.Parameters, b.Parameters),
            _ => a.Equals(b),
        };
    }

    private static bool IsNullable(CelType type) => type.Kind is CelTypeKind.Null or CelTypeKind.Opaque or CelTypeKind.Struct or CelTypeKind.Duration or CelTypeKind.Timestamp;

    private (bool Valid, bool Bound) Substitution(CelType type, CelType param)
    {
        if (type.Equals(param))
            return (true, true);
        if (Find(param) is { } bound)
        {
            if (type.Equals(bound))
                return (true, true);
            if (!Assign(type, bound))
                return (false, true);
            var general = MostGeneral(type, bound);
            if (NotReferenced(param, general))
                _bindings[param.Name] = general;
            return (true, true);
        }
        if (!NotReferenced(param, type))
            return (false, false);
        _bindings[param.Name] = type;
        return (true, false);
    }

    /// <summary>A parameter must not stand for a type that holds it: that type would have no end.</summary>
    private bool NotReferenced(CelType param, CelType within)
    {
        if (param.Equals(within))
            return false;
        if (within.Kind == CelTypeKind.TypeParam)
            return Find(within) is not { } bound || NotReferenced(param, bound);
        foreach (var parameter in within.Parameters)
        {
            if (!NotReferenced(param, parameter))
                return false;
        }
        return true;
    }

    public static CelType MostGeneral(CelType a, CelType b) => IsEqualOrLessSpecific(a, b) ? a : b;

    private static bool IsEqualOrLessSpecific(CelType a, CelType b)
    {
        if (a.Kind is CelTypeKind.Dyn or CelTypeKind.TypeParam)
            return true;
        if (b.Kind is CelTypeKind.Dyn or CelTypeKind.TypeParam || a.Kind != b.Kind)
            return false;
        if (a.Kind == CelTypeKind.Type)
            return true;
        if (a.Kind is not (CelTypeKind.Opaque or CelTypeKind.List or CelTypeKind.Map))
            return a.Equals(b);
        if (a.Name != b.Name || a.Parameters.Length != b.Parameters.Length)
            return false;
        for (var i = 0; i < a.Parameters.Length; i++)
        {
            if (!IsEqualOrLessSpecific(a.Parameters[i], b.Parameters[i]))
                return false;
        }
        return true;
    }

    /// <summary>Replaces parameters by what they stand for; those that stand for nothing may become dyn.</summary>
    public CelType Substitute(CelType type, bool freeToDyn)
    {
        if (Find(type) is { } bound)
            return Substitute(bound, freeToDyn);
        if (type.Kind == CelTypeKind.TypeParam)
            return freeToDyn ? CelType.Dyn : type;
        if (type.Parameters.Length == 0)
            return type;
        var parameters = ImmutableArray.CreateBuilder<CelType>(type.Parameters.Length);
        foreach (var parameter in type.Parameters)
            parameters.Add(Substitute(parameter, freeToDyn));
        return type.WithParameters(parameters.MoveToImmutable());
    }

    /// <summary>An overload's types with fresh parameters, so that two calls do not bind each other's.</summary>
    public (CelType[] Parameters, CelType Result) Instantiate(CelOverload overload)
    {
        if (overload.TypeParams.Count == 0)
            return ([.. overload.Parameters], overload.Result);
        var fresh = overload.TypeParams.ToDictionary(p => p, _ => NewVariable(), StringComparer.Ordinal);
        return ([.. overload.Parameters.Select(p => Rename(p, fresh))], Rename(overload.Result, fresh));
    }

    private static CelType Rename(CelType type, Dictionary<string, CelType> fresh)
    {
        if (type.Kind == CelTypeKind.TypeParam)
            return fresh[type.Name];
        return type.Parameters.Length == 0 ? type : type.WithParameters([.. type.Parameters.Select(p => Rename(p, fresh))]);
    }
}
