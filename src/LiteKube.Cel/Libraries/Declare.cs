namespace LiteKube.Cel.Libraries;

/// <summary>Short forms to declare functions with.</summary>
internal static class Declare
{
    public static readonly CelType A = CelType.Param("A");
    public static readonly CelType B = CelType.Param("B");
    public static readonly CelType ListOfA = CelType.List(A);
    public static readonly CelType MapOfAB = CelType.Map(A, B);
    public static readonly CelType StringList = CelType.List(CelType.String);

    /// <summary>The types with an order, which overloads of sort(), min() and the like are made for.</summary>
    public static readonly (string Name, CelType Type)[] Comparable =
    [
        ("int", CelType.Int),
        ("uint", CelType.Uint),
        ("double", CelType.Double),
        ("bool", CelType.Bool),
        ("duration", CelType.Duration),
        ("timestamp", CelType.Timestamp),
        ("string", CelType.String),
        ("bytes", CelType.Bytes),
    ];

    public static CelFunction Function(string name, params CelOverload[] overloads) => new(name, overloads);

    public static CelOverload Global(string id, CelType[] parameters, CelType result, CelFunctionBody? body = null) => new(id, false, parameters, result, body);

    public static CelOverload Member(string id, CelType[] parameters, CelType result, CelFunctionBody? body = null) => new(id, true, parameters, result, body);
}
