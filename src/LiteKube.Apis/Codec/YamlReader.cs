using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LiteKube.Apis.Codec;

/// <summary>
/// One YAML document as a JSON tree, by the rules of the YAML library that Kubernetes uses: YAML 1.1 scalars, merge
/// keys, of a duplicate key the last value. Later documents in the text are not read.
/// </summary>
internal sealed class YamlReader
{
    /// <summary>Aliases may stand for much. Up to so many nodes nearly all may come from them, as in the library that Kubernetes uses;</summary>
    private const int ManyNodes = 400_000;

    /// <summary>from here on a tenth at most.</summary>
    private const int TooManyNodes = 4_000_000;

    private readonly Parser _parser;
    private readonly Dictionary<string, JsonNode?> _anchors = new(StringComparer.Ordinal);
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private readonly List<string> _duplicates = [];
    private int _depth;
    private int _nodes;
    private int _aliasedNodes;

    private YamlReader(string text) => _parser = new Parser(new StringReader(text));

    /// <exception cref="DecodeException">The text is no YAML, or has no form in JSON.</exception>
    /// <param name="duplicates">The library's error on duplicate keys, or null.</param>
    public static JsonNode? Read(ReadOnlySpan<byte> utf8, out string? duplicates)
    {
        var reader = new YamlReader(System.Text.Encoding.UTF8.GetString(utf8));
        try
        {
            var result = reader.ReadDocument();
            duplicates = reader._duplicates.Count == 0 ? null : "yaml: unmarshal errors:\n  " + string.Join("\n  ", reader._duplicates);
            return result;
        }
        catch (YamlException e)
        {
            throw new DecodeException(string.Create(CultureInfo.InvariantCulture, $"yaml: line {e.Start.Line}: {Problem(e.Message)}"));
        }
    }

    private JsonNode? ReadDocument()
    {
        _parser.MoveNext();
        _parser.MoveNext();
        if (_parser.Current is not DocumentStart)
            return null;
        _parser.MoveNext();
        return ReadNode();
    }

    private JsonNode? ReadNode()
    {
        _nodes++;
        switch (_parser.Current)
        {
            case AnchorAlias alias:
                return ReadAlias(alias);
            case Scalar scalar:
                var value = YamlScalar.Resolve(scalar);
                _parser.MoveNext();
                if (!scalar.Anchor.IsEmpty)
                    _anchors[scalar.Anchor.Value] = value;
                return value;
            case NodeEvent node:
                if (++_depth > ObjectDecoder.MaxDepth)
                    throw new DecodeException(string.Create(CultureInfo.InvariantCulture, $"yaml: exceeded max depth of {ObjectDecoder.MaxDepth}"));
                var anchor = node.Anchor.IsEmpty ? null : node.Anchor.Value;
                if (anchor is not null)
                    _open.Add(anchor);
                JsonNode collection = node is MappingStart ? ReadMapping() : ReadSequence();
                _depth--;
                if (anchor is not null)
                {
                    _open.Remove(anchor);
                    _anchors[anchor] = collection;
                }

                return collection;
            default:
                throw new DecodeException("yaml: unexpected end of document");
        }
    }

    private JsonNode? ReadAlias(AnchorAlias alias)
    {
        var name = alias.Value.Value;
        if (_open.Contains(name))
            throw new DecodeException($"yaml: anchor '{name}' value contains itself");
        if (!_anchors.TryGetValue(name, out var value))
            throw new DecodeException($"yaml: unknown anchor '{name}' referenced");
        _parser.MoveNext();
        var count = Count(value);
        _nodes += count;
        _aliasedNodes += count;
        if (_aliasedNodes > 100 && _nodes > 1000 && (double)_aliasedNodes / _nodes > AllowedAliasRatio(_nodes))
            throw new DecodeException("yaml: document contains excessive aliasing");
        return value?.DeepClone();
    }

    private static double AllowedAliasRatio(int nodes) => nodes switch
    {
        <= ManyNodes => 0.99,
        >= TooManyNodes => 0.10,
        _ => 0.99 - (0.89 * (nodes - ManyNodes) / (TooManyNodes - ManyNodes)),
    };

    private JsonArray ReadSequence()
    {
        _parser.MoveNext();
        var list = new JsonArray();
        while (_parser.Current is not SequenceEnd)
            list.Add(ReadNode());
        _parser.MoveNext();
        return list;
    }

    private JsonObject ReadMapping()
    {
        _parser.MoveNext();
        var entries = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        List<JsonNode?>? merged = null;
        while (_parser.Current is not MappingEnd)
        {
            var isMerge = _parser.Current is Scalar { Style: ScalarStyle.Plain, Value: "<<" } merge && merge.Tag.IsEmpty;
            var key = ReadNode();
            var line = _parser.Current!.Start.Line;
            var value = ReadNode();
            if (isMerge)
            {
                (merged ??= []).Add(value);
                continue;
            }

            var name = KeyText(key);
            if (entries.ContainsKey(name))
                _duplicates.Add(string.Create(CultureInfo.InvariantCulture, $"line {line}: key {GoText.Quote(name)} already set in map"));
            entries[name] = value;
        }

        _parser.MoveNext();
        foreach (var source in merged ?? [])
            Merge(entries, source);
        var result = new JsonObject();
        foreach (var (name, value) in entries.OrderBy(e => e.Key, StringComparer.Ordinal))
            result.Add(name, value);
        return result;
    }

    // What the map says itself stands; of several sources the first counts.
    private static void Merge(Dictionary<string, JsonNode?> entries, JsonNode? source)
    {
        switch (source)
        {
            case JsonObject o:
                foreach (var (name, value) in o)
                    entries.TryAdd(name, value?.DeepClone());
                break;
            case JsonArray a:
                foreach (var element in a)
                    Merge(entries, element is JsonObject ? element : null);
                break;
            default:
                throw new DecodeException("yaml: map merge requires map or sequence of maps as the value");
        }
    }

    private static string KeyText(JsonNode? key) => key is JsonValue value
        ? value.TryGetValue(out string? text) ? text : System.Text.Encoding.UTF8.GetString(ObjectWriter.Write(value))
        : throw new DecodeException($"yaml: unsupported map key of type: {(key is null ? "%!s(<nil>)" : "map[interface {}]interface {}")}");

    private static int Count(JsonNode? node) => node switch
    {
        JsonObject o => 1 + o.Sum(p => Count(p.Value)),
        JsonArray a => 1 + a.Sum(Count),
        _ => 1,
    };

    // "While scanning a simple key, could not find expected ':'." in libyaml's own, shorter words.
    private static string Problem(string message)
    {
        var comma = message.StartsWith("While ", StringComparison.Ordinal) ? message.IndexOf(", ", StringComparison.Ordinal) : -1;
        var problem = (comma < 0 ? message : message[(comma + 2)..]).TrimEnd('.');
        return problem.Length == 0 ? "invalid document" : char.ToLowerInvariant(problem[0]) + problem[1..];
    }
}
