namespace LiteKube.Apis.Schema;

/// <summary>Go's names for the types behind the schema, as they stand in its decoding errors.</summary>
internal static class GoNames
{
    public static string Of(FieldSchema field) => field.Cardinality switch
    {
        Cardinality.List => (field.HasPointerElements ? "[]*" : "[]") + Scalar(field),
        Cardinality.Map => "map[string]" + (field.IsMapOfLists ? "[]" : "") + Scalar(field),
        _ => Scalar(field),
    };

    /// <summary>The type of one element, cut from the whole: "[]v1.Container" gives "v1.Container".</summary>
    public static string OfElement(FieldSchema field)
    {
        var whole = field.GoType;
        if (whole.StartsWith("[]", StringComparison.Ordinal))
            return whole[2..].TrimStart('*');
        var end = whole.StartsWith("map[", StringComparison.Ordinal) ? whole.IndexOf(']', StringComparison.Ordinal) : -1;
        return end < 0 ? Scalar(field) : whole[(end + 1)..].TrimStart('*');
    }

    private static string Scalar(FieldSchema field) => field.Kind switch
    {
        ValueKind.String => "string",
        ValueKind.Boolean => "bool",
        ValueKind.Int32 => "int32",
        ValueKind.Int64 => "int64",
        ValueKind.Double => "float64",
        ValueKind.Bytes => "[]uint8",
        ValueKind.Time => "v1.Time",
        ValueKind.MicroTime => "v1.MicroTime",
        ValueKind.Duration => "v1.Duration",
        ValueKind.Quantity => "resource.Quantity",
        ValueKind.IntOrString => "intstr.IntOrString",
        ValueKind.RawObject => "runtime.RawExtension",
        ValueKind.AnyJson => field.Type is null ? "v1.JSON" : "v1.JSONSchemaProps",
        _ => field.Type!.GoName,
    };
}
