namespace LiteKube.Cel;

/// <summary>Tells the checker of types with fields, such as those of a schema, and makes values of them.</summary>
public interface ICelTypeProvider
{
    /// <summary>Finds a type by its full name.</summary>
    CelType? FindType(string name);

    /// <summary>The type of a field, or null when the type has no such field.</summary>
    CelType? FindField(string typeName, string field);

    /// <summary>Makes a value for <c>TypeName{field: value}</c>, or gives an error value.</summary>
    CelValue Create(string typeName, IReadOnlyList<KeyValuePair<string, CelValue>> fields) => CelValue.Error($"unknown type '{typeName}'");
}
