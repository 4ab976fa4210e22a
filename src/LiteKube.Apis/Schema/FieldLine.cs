using System.Globalization;

namespace LiteKube.Apis.Schema;

/// <summary>One field's line of kubernetes.types.</summary>
internal static class FieldLine
{
    public static FieldSchema Read(string[] words, Func<string, TypeSchema> resolve)
    {
        var text = words[2];
        var cardinality = Cardinality.One;
        var isPointer = false;
        var isMapOfLists = false;
        if (text.StartsWith("[]", StringComparison.Ordinal))
            (cardinality, text) = (Cardinality.List, text[2..]);
        else if (text.StartsWith("{}", StringComparison.Ordinal))
            (cardinality, text) = (Cardinality.Map, text[2..]);
        if (cardinality == Cardinality.Map && text.StartsWith("[]", StringComparison.Ordinal))
            (isMapOfLists, text) = (true, text[2..]);
        if (text.StartsWith('*'))
            (isPointer, text) = (true, text[1..]);

        var (kind, union, typeName) = ReadKind(text);
        var options = new Options(words.AsSpan(3));
        return new FieldSchema
        {
            Name = words[0],
            ProtoNumber = int.Parse(words[1], CultureInfo.InvariantCulture),
            Kind = kind,
            Union = union,
            Cardinality = cardinality,
            Type = typeName is null ? null : resolve(typeName),
            IsPointer = isPointer && cardinality == Cardinality.One,
            HasPointerElements = isPointer && cardinality != Cardinality.One,
            IsMapOfLists = isMapOfLists,
            OmitEmpty = options.Flags.Contains('?', StringComparison.Ordinal),
            OmitZero = options.Flags.Contains('0', StringComparison.Ordinal),
            IsRequired = options.Flags.Contains('!', StringComparison.Ordinal),
            PatchStrategy = options.PatchStrategy,
            PatchMergeKey = options.PatchMergeKey,
            ListType = options.ListType,
            ListMapKeys = options.ListMapKeys,
            IsAtomicMap = options.IsAtomicMap,
            Enum = options.Enum,
            Default = options.Default,
            GoType = options.GoType!,
        };
    }

    /// <summary>The field as it stands in a type that inlines its own type.</summary>
    public static FieldSchema Nest(FieldSchema field, int number) => new()
    {
        Name = field.Name,
        ProtoNumber = field.ProtoNumber,
        ProtoPath = number == 0 ? field.ProtoPath : [number, .. field.ProtoPath],
        Kind = field.Kind,
        Union = field.Union,
        Cardinality = field.Cardinality,
        Type = field.Type,
        IsPointer = field.IsPointer,
        HasPointerElements = field.HasPointerElements,
        IsMapOfLists = field.IsMapOfLists,
        OmitEmpty = field.OmitEmpty,
        OmitZero = field.OmitZero,
        IsRequired = field.IsRequired,
        PatchStrategy = field.PatchStrategy,
        PatchMergeKey = field.PatchMergeKey,
        ListType = field.ListType,
        ListMapKeys = field.ListMapKeys,
        IsAtomicMap = field.IsAtomicMap,
        Enum = field.Enum,
        Default = field.Default,
        GoType = field.GoType,
    };

    private static (ValueKind Kind, JsonUnion Union, string? TypeName) ReadKind(string text) => text switch
    {
        "string" => (ValueKind.String, JsonUnion.None, null),
        "bool" => (ValueKind.Boolean, JsonUnion.None, null),
        "int32" => (ValueKind.Int32, JsonUnion.None, null),
        "int64" => (ValueKind.Int64, JsonUnion.None, null),
        "double" => (ValueKind.Double, JsonUnion.None, null),
        "bytes" => (ValueKind.Bytes, JsonUnion.None, null),
        "time" => (ValueKind.Time, JsonUnion.None, null),
        "microtime" => (ValueKind.MicroTime, JsonUnion.None, null),
        "duration" => (ValueKind.Duration, JsonUnion.None, null),
        "quantity" => (ValueKind.Quantity, JsonUnion.None, null),
        "intorstring" => (ValueKind.IntOrString, JsonUnion.None, null),
        "raw" => (ValueKind.RawObject, JsonUnion.None, null),
        "any" => (ValueKind.AnyJson, JsonUnion.None, null),
        _ when text.EndsWith("|array", StringComparison.Ordinal) => (ValueKind.AnyJson, JsonUnion.ObjectOrArray, text[..^6]),
        _ when text.EndsWith("|bool", StringComparison.Ordinal) => (ValueKind.AnyJson, JsonUnion.ObjectOrBool, text[..^5]),
        _ when text.EndsWith("|strings", StringComparison.Ordinal) => (ValueKind.AnyJson, JsonUnion.ObjectOrStrings, text[..^8]),
        _ => (ValueKind.Object, JsonUnion.None, text),
    };

    private sealed class Options
    {
        public Options(ReadOnlySpan<string> words)
        {
            foreach (var word in words)
            {
                var equals = word.IndexOf('=', StringComparison.Ordinal);
                if (equals < 0)
                    Flags = word;
                else
                    Set(word[..equals], word[(equals + 1)..]);
            }
        }

        public string Flags { get; } = "";
        public string? PatchStrategy { get; private set; }
        public string? PatchMergeKey { get; private set; }
        public ListType ListType { get; private set; }
        public string[] ListMapKeys { get; private set; } = [];
        public bool IsAtomicMap { get; private set; }
        public string[]? Enum { get; private set; }
        public string? Default { get; private set; }
        public string? GoType { get; private set; }

        private void Set(string option, string value)
        {
            var (head, tail) = value.Split(':', 2) is [var h, var t] ? (h, t) : (value, null);
            switch (option)
            {
                case "patch":
                    (PatchStrategy, PatchMergeKey) = (head, tail);
                    break;
                case "list":
                    ListType = head switch { "atomic" => ListType.Atomic, "set" => ListType.Set, "map" => ListType.Map, _ => throw new InvalidDataException($"list={value}") };
                    ListMapKeys = tail?.Split(',') ?? [];
                    break;
                case "map":
                    IsAtomicMap = value == "atomic";
                    break;
                case "enum":
                    Enum = value.Split('|');
                    break;
                case "default":
                    Default = value;
                    break;
                case "go":
                    GoType = value;
                    break;
                default:
                    throw new InvalidDataException($"kubernetes.types: unknown option {option}");
            }
        }
    }
}
