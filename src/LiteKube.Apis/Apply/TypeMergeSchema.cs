using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Apply;

/// <summary>The schema table's types as apply sees them: what upstream derives from the x-kubernetes-* extensions of its OpenAPI document.</summary>
internal sealed class TypeMergeSchema : IMergeSchema, IMapMerge
{
    // Types that a CRD brought go when the CRD goes.
    private static readonly ConditionalWeakTable<TypeSchema, TypeMergeSchema> Known = [];

    private readonly TypeSchema _type;
    private FrozenDictionary<string, MergeField>? _fields;

    private TypeMergeSchema(TypeSchema type) => _type = type;

    public ScalarForm Scalar => ScalarForm.None;
    public IMapMerge Map => this;
    public IListMerge? List => null;
    public bool IsAtomic => _type.IsAtomic;
    public IMergeSchema? Values => null;

    public static TypeMergeSchema Of(TypeSchema type) => Known.GetValue(type, static t => new(t));

    public MergeField? Find(string name) => (_fields ??= Load()).GetValueOrDefault(name);

    // managedFields say who owns what and are owned by nobody: to comparisons they are not there.
    private FrozenDictionary<string, MergeField> Load() =>
        _type.Fields.Where(f => f.Name != "managedFields" || f.Type?.ShortName != "ManagedFieldsEntry").ToFrozenDictionary(f => f.Name, f => new MergeField(f.Name, () => FieldMergeSchema.Of(f), f.Default is null ? null : JsonNode.Parse(f.Default)), StringComparer.Ordinal);
}

/// <summary>One field, or the elements of a field that is a list or map.</summary>
internal sealed class FieldMergeSchema : IMergeSchema, IMapMerge, IListMerge
{
    private static readonly IMergeSchema Text = new FieldMergeSchema { Scalar = ScalarForm.String };
    private static readonly IMergeSchema Number = new FieldMergeSchema { Scalar = ScalarForm.Number };
    private static readonly IMergeSchema Truth = new FieldMergeSchema { Scalar = ScalarForm.Boolean };
    private static readonly IMergeSchema AnyScalar = new FieldMergeSchema { Scalar = ScalarForm.Any };
    private static readonly IMergeSchema Strings = new FieldMergeSchema { _listType = ListType.Atomic, _elements = Text };

    private ListType _listType;
    private IReadOnlyList<string> _keys = [];
    private IMergeSchema? _elements;
    private IMergeSchema? _values;
    private bool _isAtomic;

    public ScalarForm Scalar { get; private init; }
    public IMapMerge? Map => _values is null ? null : this;
    public IListMerge? List => _elements is null ? null : this;
    bool IMapMerge.IsAtomic => _isAtomic;
    IMergeSchema? IMapMerge.Values => _values;
    ListType IListMerge.Type => _listType;
    IReadOnlyList<string> IListMerge.Keys => _keys;
    IMergeSchema IListMerge.Elements => _elements!;

    MergeField? IMapMerge.Find(string name) => null;

    public static IMergeSchema Of(FieldSchema field)
    {
        switch (field.Cardinality)
        {
            case Cardinality.Map:
                return new FieldMergeSchema { _isAtomic = field.IsAtomicMap, _values = field.IsMapOfLists ? Strings : Element(field) };
            case Cardinality.List:
                var (type, keys) = ListTypeOf(field);
                return new FieldMergeSchema { _listType = type, _keys = keys, _elements = Element(field) };
            default:
                var element = Element(field);
                return field.IsAtomicMap && element is TypeMergeSchema ? new AtomicStruct(element) : element;
        }
    }

    private static IMergeSchema Element(FieldSchema field) => field.Kind switch
    {
        ValueKind.Object => TypeMergeSchema.Of(field.Type!),
        ValueKind.Boolean => Truth,
        ValueKind.Int32 or ValueKind.Int64 or ValueKind.Double => Number,
        ValueKind.Quantity or ValueKind.IntOrString => AnyScalar,
        ValueKind.RawObject or ValueKind.AnyJson => MergeSchemas.Untyped,
        _ => Text,
    };

    /// <summary>Without a list type the strategic merge's markers count, and without these a list is atomic.</summary>
    private static (ListType Type, IReadOnlyList<string> Keys) ListTypeOf(FieldSchema field) => field switch
    {
        { ListType: not ListType.Unspecified } => (field.ListType, field.ListMapKeys),
        { PatchStrategy: "merge" or "merge,retainKeys", PatchMergeKey: { } key } => (ListType.Map, [key]),
        { PatchStrategy: "merge" or "merge,retainKeys" } => (ListType.Set, []),
        _ => (ListType.Atomic, []),
    };

    private sealed class AtomicStruct(IMergeSchema inner) : IMergeSchema, IMapMerge
    {
        public ScalarForm Scalar => ScalarForm.None;
        public IMapMerge Map => this;
        public IListMerge? List => null;
        public bool IsAtomic => true;
        public IMergeSchema? Values => inner.Map!.Values;
        public MergeField? Find(string name) => inner.Map!.Find(name);
    }
}
