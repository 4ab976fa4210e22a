using LiteKube.Cel.Cost;

namespace LiteKube.Cel;

/// <summary>The code of a function. None of the arguments is an error; the result may be one.</summary>
public delegate CelValue CelFunctionBody(ReadOnlySpan<CelValue> args);

/// <summary>One form of a function: its types, its code and what it costs.</summary>
public sealed class CelOverload
{
    public CelOverload(string id, bool isMember, CelType[] parameters, CelType result, CelFunctionBody? body)
    {
        Id = id;
        IsMember = isMember;
        Parameters = parameters;
        Result = result;
        Body = body;
        TypeParams = [.. parameters.Append(result).SelectMany(Params).Distinct(StringComparer.Ordinal)];
    }

    public string Id { get; }

    /// <summary>Whether it is called on its first argument, as in <c>x.f()</c>.</summary>
    public bool IsMember { get; }

    public IReadOnlyList<CelType> Parameters { get; }

    public CelType Result { get; }

    /// <summary>Null for what the evaluator itself knows how to do.</summary>
    public CelFunctionBody? Body { get; }

    internal IReadOnlyList<string> TypeParams { get; }

    /// <summary>Overrides the estimate by function name.</summary>
    internal EstimateRule? Estimate { get; init; }

    /// <summary>Overrides the cost at run time by function name.</summary>
    internal TrackRule? Track { get; init; }

    internal string Function { get; set; } = "";

    private static IEnumerable<string> Params(CelType type) => type.Kind == CelTypeKind.TypeParam ? [type.Name] : type.Parameters.SelectMany(Params);

    /// <summary>Whether arguments fit at run time, where dyn lets any type pass the checker.</summary>
    internal bool Accepts(ReadOnlySpan<CelValue> args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            if (!Accepts(Parameters[i], args[i]))
                return false;
        }
        return true;
    }

    private static bool Accepts(CelType type, in CelValue value) => type.Kind switch
    {
        CelTypeKind.Dyn or CelTypeKind.TypeParam => true,
        CelTypeKind.Null => value.Kind == CelKind.Null,
        CelTypeKind.Bool => value.Kind == CelKind.Bool,
        CelTypeKind.Int => value.Kind == CelKind.Int,
        CelTypeKind.Uint => value.Kind == CelKind.Uint,
        CelTypeKind.Double => value.Kind == CelKind.Double,
        CelTypeKind.String => value.Kind == CelKind.String,
        CelTypeKind.Bytes => value.Kind == CelKind.Bytes,
        CelTypeKind.Duration => value.Kind == CelKind.Duration,
        CelTypeKind.Timestamp => value.Kind == CelKind.Timestamp,
        CelTypeKind.List => value.Kind == CelKind.List && AcceptsElements(type.Parameters[0], value.AsList),
        CelTypeKind.Map => value.Kind == CelKind.Map,
        CelTypeKind.Type => value.Kind == CelKind.Type,
        CelTypeKind.Opaque when type.IsOptional => value.Kind == CelKind.Optional,
        CelTypeKind.Opaque or CelTypeKind.Struct => value.Kind == CelKind.Object && value.AsObject.Type.Name == type.Name,
        _ => false,
    };

    /// <summary>Only the first element is looked at, which is enough to tell overloads over lists of scalars apart.</summary>
    private static bool AcceptsElements(CelType element, CelList list) => list.Count == 0 || element.Kind is CelTypeKind.List or CelTypeKind.Map || Accepts(element, list[0]);
}

/// <summary>A function with its overloads.</summary>
public sealed record CelFunction(string Name, IReadOnlyList<CelOverload> Overloads);

/// <summary>A name that expressions may use; a constant one has its value already.</summary>
internal sealed record VariableDeclaration(string Name, CelType Type, CelValue? Constant = null, bool IsLocal = false);
