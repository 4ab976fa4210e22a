using LiteKube.Apis.Schema;
using LiteKube.Apis.Schema.Structural;

namespace LiteKube.Apis.Apply;

/// <summary>
/// A CRD's schema as apply sees it: declared fields and list types count, a place without a type takes any form, and what
/// is below x-kubernetes-preserve-unknown-fields merges by the values' own shape.
/// </summary>
internal sealed class StructuralMergeSchema : IMergeSchema, IMapMerge, IListMerge
{
    private static readonly TypeSchema ObjectMeta = SchemaTable.BuiltIn.Find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")!;
    private static readonly IMergeSchema Text = new StructuralMergeSchema(new() { Type = "string" }, isResource: false, keepsUnknown: false);

    private readonly StructuralSchema _schema;
    private readonly bool _keepsUnknown;
    private readonly Dictionary<string, MergeField> _fields = new(StringComparer.Ordinal);

    private StructuralMergeSchema(StructuralSchema schema, bool isResource, bool keepsUnknown)
    {
        _schema = schema;
        // Whatever is below a place that keeps unknown fields keeps them too.
        _keepsUnknown = keepsUnknown || schema.PreserveUnknownFields;
        foreach (var (name, property) in schema.Properties)
            _fields[name] = new(name, () => Below(property), property.Default);
        if (isResource || schema.EmbeddedResource)
        {
            _fields["apiVersion"] = new("apiVersion", () => Text);
            _fields["kind"] = new("kind", () => Text);
            _fields["metadata"] = new("metadata", () => TypeMergeSchema.Of(ObjectMeta));
        }

        Values = schema switch
        {
            { AdditionalProperties: { } values } => Below(values),
            { AllowsAdditionalProperties: { } allows } => allows ? MergeSchemas.Deduced : null,
            // An object of which nothing is said is a free one.
            _ => _keepsUnknown || schema.Properties.Count == 0 && _fields.Count == 0 ? MergeSchemas.Deduced : null,
        };
        Elements = schema.Items is { } items ? Below(items) : MergeSchemas.Untyped;
    }

    public static IMergeSchema Resource(StructuralSchema schema) => new StructuralMergeSchema(schema, isResource: true, keepsUnknown: false);

    public ScalarForm Scalar => _schema.Type switch
    {
        "" => ScalarForm.Any,
        "boolean" => ScalarForm.Boolean,
        "integer" or "number" => ScalarForm.Number,
        "string" => _schema.Format is "" or "byte" ? ScalarForm.String : ScalarForm.Any,
        _ => ScalarForm.None,
    };

    public IMapMerge? Map => _schema.Type is "" or "object" ? this : null;
    public IListMerge? List => _schema.Type is "" or "array" ? this : null;

    public bool IsAtomic => _schema.MapType == "atomic";
    public IMergeSchema? Values { get; }
    public MergeField? Find(string name) => _fields.GetValueOrDefault(name);

    public ListType Type => _schema.ListType switch { "set" => ListType.Set, "map" => ListType.Map, _ => ListType.Atomic };
    public IReadOnlyList<string> Keys => _schema.ListType == "map" ? _schema.ListMapKeys : [];
    public IMergeSchema Elements { get; }

    private StructuralMergeSchema Below(StructuralSchema schema) => new(schema, isResource: false, _keepsUnknown);
}
