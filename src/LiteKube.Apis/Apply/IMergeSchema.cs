using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Apply;

/// <summary>The scalars that a place takes.</summary>
public enum ScalarForm : byte
{
    None,
    String,
    Number,
    Boolean,
    Any,
}

/// <summary>
/// What server-side apply knows of one place in an object: which of JSON's forms it may have, and how each merges. A
/// declared type has one form; a place without a schema has all three.
/// </summary>
public interface IMergeSchema
{
    ScalarForm Scalar { get; }

    /// <summary>How objects merge here; null: there are none.</summary>
    IMapMerge? Map { get; }

    /// <summary>How lists merge here; null: there are none.</summary>
    IListMerge? List { get; }
}

/// <summary>Objects: structs with declared fields, maps with free keys, or both.</summary>
public interface IMapMerge
{
    /// <summary>Owned and replaced as one (x-kubernetes-map-type: atomic).</summary>
    bool IsAtomic { get; }

    /// <summary>A declared field; null: the name is not declared.</summary>
    MergeField? Find(string name);

    /// <summary>What values of names that are not declared hold; null: such names are errors.</summary>
    IMergeSchema? Values { get; }
}

/// <summary>Lists.</summary>
public interface IListMerge
{
    /// <summary>Never Unspecified.</summary>
    ListType Type { get; }

    /// <summary>The fields that tell the elements of a Map list apart; empty for the others.</summary>
    IReadOnlyList<string> Keys { get; }

    IMergeSchema Elements { get; }
}

/// <summary>A declared field of an object.</summary>
/// <param name="default">What a list's key field counts as where it is absent; null: as absent.</param>
public sealed class MergeField(string name, Func<IMergeSchema> schema, JsonNode? @default = null)
{
    private IMergeSchema? _schema;

    public PathElement Element { get; } = PathElement.Field(name);

    // Types may hold themselves, so their fields are looked at when they are first met.
    public IMergeSchema Schema => _schema ??= schema();

    public JsonNode? Default { get; } = @default;
}

/// <summary>Schemas of places that no type describes, and what all schemas have in common.</summary>
public static class MergeSchemas
{
    /// <summary>Any value, owned as one: RawExtension and the like.</summary>
    public static IMergeSchema Untyped { get; } = new AnySchema(isAtomic: true);

    /// <summary>Any value; objects merge by their keys: x-kubernetes-preserve-unknown-fields.</summary>
    public static IMergeSchema Deduced { get; } = new AnySchema(isAtomic: false);

    /// <summary>A built-in kind's, or a custom one's.</summary>
    public static IMergeSchema Of(TypeSchema type) => type.Structural is { } schema ? StructuralMergeSchema.Resource(schema) : TypeMergeSchema.Of(type);

    /// <summary>The schema below one step; null: the schema does not say.</summary>
    internal static IMergeSchema? Below(this IMergeSchema? schema, PathElement element, out bool isDeclared)
    {
        isDeclared = false;
        if (element.FieldName is not { } name) return schema?.List?.Elements;
        if (schema?.Map is not { } map) return null;
        if (map.Find(name) is not { } field) return map.Values;
        isDeclared = true;
        return field.Schema;
    }

    /// <summary>The form of a value where the schema leaves a choice; None for null and for a value that the schema does not take.</summary>
    internal static MergeForm FormOf(this IMergeSchema schema, JsonNode? value) => value switch
    {
        JsonObject when schema.Map is not null => MergeForm.Map,
        JsonArray when schema.List is not null => MergeForm.List,
        JsonValue when schema.Scalar != ScalarForm.None => MergeForm.Scalar,
        _ => MergeForm.None,
    };

    /// <summary>The form of a place whose value does not tell.</summary>
    internal static MergeForm FirstForm(this IMergeSchema schema) =>
        schema.Map is not null ? MergeForm.Map : schema.Scalar != ScalarForm.None ? MergeForm.Scalar : MergeForm.List;

    internal static bool Takes(this ScalarForm form, JsonNode? value) => value switch
    {
        null => true,
        JsonValue scalar => (form, scalar.GetValueKind()) switch
        {
            (_, JsonValueKind.Null) => true,
            (ScalarForm.Any, _) => true,
            (ScalarForm.String, JsonValueKind.String) => true,
            (ScalarForm.Number, JsonValueKind.Number) => true,
            (ScalarForm.Boolean, JsonValueKind.True or JsonValueKind.False) => true,
            _ => false,
        },
        _ => false,
    };

    private sealed class AnySchema(bool isAtomic) : IMergeSchema, IMapMerge, IListMerge
    {
        public ScalarForm Scalar => ScalarForm.Any;
        public IMapMerge Map => this;
        public IListMerge List => this;
        bool IMapMerge.IsAtomic => isAtomic;
        MergeField? IMapMerge.Find(string name) => null;
        IMergeSchema IMapMerge.Values => this;
        ListType IListMerge.Type => ListType.Atomic;
        IReadOnlyList<string> IListMerge.Keys => [];
        IMergeSchema IListMerge.Elements => Untyped;
    }
}

internal enum MergeForm : byte
{
    None,
    Scalar,
    Map,
    List,
}
