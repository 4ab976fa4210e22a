using LiteKube.Apis.Schema;
using LiteKube.Apis.Schema.Structural;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>
/// The types of a policy's objects and parameters, built-in or of a CRD, as far as expressions ask for them. What has no type
/// that the language could tell (quantities, int-or-string, any JSON) is dyn.
/// </summary>
internal sealed class PolicyObjectTypes : ICelTypeProvider
{
    private readonly Dictionary<string, TypeSchema> _types = new(StringComparer.Ordinal);

    /// <param name="parameter">Null: it is not known.</param>
    public PolicyObjectTypes(TypeSchema value, TypeSchema? parameter)
    {
        Object = Struct(value);
        Parameter = parameter is null ? CelType.Dyn : Struct(parameter);
    }

    public CelType Object { get; }
    public CelType Parameter { get; }

    public CelType? FindType(string name) => _types.TryGetValue(name, out var type) ? CelType.Struct(type.Name) : null;

    public CelType? FindField(string typeName, string field)
    {
        if (!_types.TryGetValue(typeName, out var type) || CelIdentifiers.Unescape(field) is not { } name) return null;
        if (type.Find(name) is { } found) return TypeOf(found, type.Structural?.Properties.GetValueOrDefault(name));
        return type.IsRoot && name is "kind" or "apiVersion" ? CelType.String : null;
    }

    private CelType Struct(TypeSchema type)
    {
        _types[type.Name] = type;
        return CelType.Struct(type.Name);
    }

    /// <param name="schema">What a CRD says of the field.</param>
    private CelType TypeOf(FieldSchema field, StructuralSchema? schema)
    {
        var element = ElementOf(field, field.Cardinality switch { Cardinality.List => schema?.Items, Cardinality.Map => schema?.AdditionalProperties, _ => schema });
        if (field.IsMapOfLists) element = CelType.List(element);
        return field.Cardinality switch
        {
            Cardinality.List => CelType.List(element),
            Cardinality.Map => CelType.Map(CelType.String, element),
            _ => element,
        };
    }

    private CelType ElementOf(FieldSchema field, StructuralSchema? schema) => field.Kind switch
    {
        ValueKind.String => schema?.Format switch { "date" or "date-time" => CelType.Timestamp, "duration" => CelType.Duration, "byte" => CelType.Bytes, _ => CelType.String },
        ValueKind.Duration => CelType.String,
        ValueKind.Boolean => CelType.Bool,
        ValueKind.Int32 or ValueKind.Int64 => CelType.Int,
        ValueKind.Double => CelType.Double,
        ValueKind.Bytes => CelType.Bytes,
        ValueKind.Time or ValueKind.MicroTime => CelType.Timestamp,
        ValueKind.Object when field is { Type: { } type, Union: JsonUnion.None } => Struct(type),
        _ => CelType.Dyn,
    };
}
