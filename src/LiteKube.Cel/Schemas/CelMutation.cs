using System.Text.Json.Nodes;

namespace LiteKube.Cel;

/// <summary>Joins type providers: the first one that knows a name answers.</summary>
public static class CelTypeProviders
{
    public static ICelTypeProvider Combine(params ICelTypeProvider[] providers) => new Combined(providers);

    /// <summary>The types <c>Object</c>, <c>Object.spec</c>, ... and <c>JSONPatch</c> of mutating policies.</summary>
    public static ICelTypeProvider Mutation { get; } = new MutationTypes();

    private sealed class Combined(ICelTypeProvider[] providers) : ICelTypeProvider
    {
        private ICelTypeProvider? Knowing(string name) => Array.Find(providers, p => p.FindType(name) is not null);

        public CelType? FindType(string name) => Knowing(name)?.FindType(name);

        public CelType? FindField(string typeName, string field) => Knowing(typeName)?.FindField(typeName, field);

        public CelValue Create(string typeName, IReadOnlyList<KeyValuePair<string, CelValue>> fields) => Knowing(typeName)?.Create(typeName, fields) ?? CelValue.Error($"unknown type '{typeName}'");
    }

    private sealed class MutationTypes : ICelTypeProvider
    {
        private static bool IsObject(string name) => name == CelMutationObject.RootName || name.StartsWith(CelMutationObject.RootName + ".", StringComparison.Ordinal);

        public CelType? FindType(string name) => name == CelJsonPatch.TypeName ? CelJsonPatch.PatchType : IsObject(name) ? CelType.Struct(name) : null;

        public CelType? FindField(string typeName, string field)
        {
            if (typeName != CelJsonPatch.TypeName)
                return IsObject(typeName) ? CelType.Dyn : null;
            return field switch
            {
                "op" or "path" or "from" => CelType.String,
                "value" => CelType.Dyn,
                _ => null,
            };
        }

        public CelValue Create(string typeName, IReadOnlyList<KeyValuePair<string, CelValue>> fields) =>
            typeName == CelJsonPatch.TypeName ? CelJsonPatch.Create(fields) : CelValue.Object(new CelMutationObject(typeName, fields));
    }
}

/// <summary>A value of <c>Object{...}</c>: what a mutating policy applies to the object of a request.</summary>
public sealed class CelMutationObject : CelObject
{
    public const string RootName = "Object";

    private readonly Dictionary<string, CelValue> _fields = new(StringComparer.Ordinal);

    internal CelMutationObject(string typeName, IEnumerable<KeyValuePair<string, CelValue>> fields)
    {
        Type = CelType.Struct(typeName);
        foreach (var (name, value) in fields)
            _fields[name] = value;
    }

    public override CelType Type { get; }

    protected internal override bool IsZero => _fields.Count == 0;

    public override bool TryGetField(string name, out CelValue value) => _fields.TryGetValue(name, out value);

    public override bool EqualTo(CelObject other) => other is CelMutationObject obj && obj.Type.Equals(Type) && obj._fields.Count == _fields.Count
        && _fields.All(f => obj._fields.TryGetValue(f.Key, out var value) && ValueEquality.AreEqual(f.Value, value));

    protected internal override JsonNode ToJson()
    {
        var json = new JsonObject();
        foreach (var (name, value) in _fields)
            json[name] = CelJson.ToJson(value);
        return json;
    }

    /// <summary>What is wrong with the names of nested types, which must repeat the path to them; null when nothing is.</summary>
    public string? CheckTypeNames()
    {
        List<string> errors = [];
        Check(CelValue.Object(this), Type.Name, errors);
        return errors.Count == 0 ? null : string.Join("\n", errors);
    }

    private static void Check(in CelValue value, string path, List<string> errors)
    {
        switch (value.Kind)
        {
            case CelKind.Object when value.AsObject is CelMutationObject obj:
                if (obj.Type.Name != path)
                    errors.Add($"unexpected type name {GoFormat.Quote(obj.Type.Name)}, expected {GoFormat.Quote(path)}, which matches field name path from root Object type");
                foreach (var (name, field) in obj._fields)
                    Check(field, $"{path}.{name}", errors);
                break;
            case CelKind.List:
                for (var i = 0; i < value.AsList.Count; i++)
                    Check(value.AsList[i], path, errors);
                break;
            case CelKind.Map:
                foreach (var key in value.AsMap.Keys)
                {
                    if (value.AsMap.TryGet(key, out var item))
                        Check(item, path, errors);
                }
                break;
        }
    }
}

/// <summary>A value of <c>JSONPatch{...}</c>: one operation of a patch.</summary>
public sealed class CelJsonPatch : CelObject
{
    public const string TypeName = "JSONPatch";

    public static readonly CelType PatchType = CelType.Struct(TypeName);

    public override CelType Type => PatchType;

    public string Op { get; private init; } = "";

    public string Path { get; private init; } = "";

    public string From { get; private init; } = "";

    public CelValue? Value { get; private init; }

    internal static CelValue Create(IReadOnlyList<KeyValuePair<string, CelValue>> fields)
    {
        string op = "", path = "", from = "";
        CelValue? value = null;
        foreach (var (name, field) in fields)
        {
            if (name == "value")
                value = field;
            else if (field.Kind != CelKind.String)
                return CelValue.Error($"unexpected type {field.Type} for JSONPatchType '{name}' field");
            else if (name == "op")
                op = field.AsString;
            else if (name == "path")
                path = field.AsString;
            else if (name == "from")
                from = field.AsString;
            else
                return CelValue.Error($"unexpected JSONPatchType field: {name}");
        }
        return CelValue.Object(new CelJsonPatch { Op = op, Path = path, From = from, Value = value });
    }

    public override bool TryGetField(string name, out CelValue value)
    {
        value = name switch
        {
            "op" => CelValue.String(Op),
            "path" => CelValue.String(Path),
            "from" => CelValue.String(From),
            "value" => Value ?? default,
            _ => default,
        };
        return value.Kind != CelKind.None && !(value.Kind == CelKind.String && name != "value" && value.AsString.Length == 0);
    }

    public override bool EqualTo(CelObject other) => other is CelJsonPatch patch && patch.Op == Op && patch.Path == Path && patch.From == From
        && patch.Value.HasValue == Value.HasValue && (Value is null || ValueEquality.AreEqual(Value.Value, patch.Value!.Value));

    protected internal override JsonNode ToJson()
    {
        var json = new JsonObject { ["op"] = Op, ["path"] = Path };
        if (From.Length > 0)
            json["from"] = From;
        if (Value is { } value)
            json["value"] = CelJson.ToJson(value);
        return json;
    }
}
