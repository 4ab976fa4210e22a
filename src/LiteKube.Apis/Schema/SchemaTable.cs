using System.Text;

namespace LiteKube.Apis.Schema;

/// <summary>
/// The compiled-in table of types (kubernetes.types). Opening it only notes where each type's lines start (under a
/// millisecond for 660 types); a type's fields are read when they are first asked for.
/// </summary>
internal sealed class SchemaTable
{
    private static readonly Lazy<SchemaTable> Opened = new(Open);

    private readonly byte[] _text;
    private readonly Dictionary<string, string> _packageOfAlias = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _packagesOfVersion = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TypeSchema> _types = new(700, StringComparer.Ordinal);

    private SchemaTable(byte[] text)
    {
        _text = text;
        Index();
    }

    public static SchemaTable BuiltIn => Opened.Value;

    /// <summary>This table and what stands in <paramref name="text"/>, which may name its types. The types are other objects than this table's.</summary>
    public SchemaTable With(ReadOnlySpan<byte> text) => new([.. _text, .. text]);

    public IEnumerable<TypeSchema> Types => _types.Values;

    /// <summary>By OpenAPI name.</summary>
    public TypeSchema? Find(string name) => _types.GetValueOrDefault(name);

    /// <summary>By apiVersion and short name. Types of meta/v1 (DeleteOptions, Status, List, ...) are registered in every group version.</summary>
    public TypeSchema? Find(string apiVersion, string shortName)
    {
        foreach (var package in _packagesOfVersion.GetValueOrDefault(apiVersion) ?? [])
        {
            if (_types.TryGetValue($"{package}.{shortName}", out var type))
                return type;
        }

        return _types.GetValueOrDefault($"{_packageOfAlias["meta"]}.{shortName}");
    }

    private static SchemaTable Open() => new(EmbeddedText.Read("kubernetes.types"));

    private void Index()
    {
        var package = "";
        for (var start = 0; start < _text.Length;)
        {
            var length = _text.AsSpan(start).IndexOf((byte)'\n');
            var end = length < 0 ? _text.Length : start + length;
            switch (_text[start])
            {
                case (byte)'t':
                    AddType(package, Encoding.UTF8.GetString(_text, start, end - start), end + 1);
                    break;
                case (byte)'p':
                    var words = Encoding.UTF8.GetString(_text, start, end - start).Split(' ');
                    package = words[2];
                    _packageOfAlias[words[1]] = package;
                    if (!_packagesOfVersion.TryGetValue(words[3], out var packages))
                        _packagesOfVersion[words[3]] = packages = [];
                    packages.Add(package);
                    break;
            }

            start = end + 1;
        }
    }

    private void AddType(string package, string line, int bodyStart)
    {
        var words = line.Split(' ');
        var isRoot = words.Contains("root");
        var type = new TypeSchema(self => ReadFields(self, package, bodyStart, isRoot))
        {
            Name = $"{package}.{words[1]}",
            IsAtomic = words.Contains("atomic"),
            IsRoot = isRoot,
        };
        _types.Add(type.Name, type);
    }

    private List<FieldSchema> ReadFields(TypeSchema type, string package, int position, bool isRoot)
    {
        var fields = new List<FieldSchema>();
        if (isRoot)
        {
            fields.Add(new FieldSchema { Name = "kind", Kind = ValueKind.String, OmitEmpty = true });
            fields.Add(new FieldSchema { Name = "apiVersion", Kind = ValueKind.String, OmitEmpty = true });
        }

        while (position < _text.Length && _text[position] == (byte)' ')
        {
            var length = _text.AsSpan(position).IndexOf((byte)'\n');
            var end = length < 0 ? _text.Length : position + length;
            var line = Encoding.UTF8.GetString(_text, position, end - position);
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0] == "...")
                AddInlined(fields, Resolve(package, words[2], type), int.Parse(words[1], provider: null));
            else
                fields.Add(FieldLine.Read(words, name => Resolve(package, name, type)));
            position = end + 1;
        }

        return fields;
    }

    private static void AddInlined(List<FieldSchema> fields, TypeSchema inlined, int number)
    {
        foreach (var field in inlined.Fields)
            fields.Add(FieldLine.Nest(field, number));
    }

    private TypeSchema Resolve(string package, string name, TypeSchema asker)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var full = dot < 0 ? $"{package}.{name}" : _packageOfAlias[name[..dot]] + name[dot..];
        return _types.TryGetValue(full, out var type) ? type : throw new InvalidDataException($"kubernetes.types: {asker.Name} names {name}, which is no type");
    }
}
