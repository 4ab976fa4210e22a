using System.IO.Compression;
using System.Text;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.OpenApi;

/// <summary>
/// What the API reference says of types and fields. It is unpacked while documents are made and forgotten afterwards:
/// nothing of it stays in a cluster whose clients never ask.
/// </summary>
internal sealed class Descriptions
{
    private static readonly WeakReference<Descriptions?> Last = new(null);

    private readonly Dictionary<string, string> _texts;

    private Descriptions(Dictionary<string, string> texts) => _texts = texts;

    public static Descriptions Load()
    {
        if (Last.TryGetTarget(out var known) && known is not null)
            return known;
        var loaded = new Descriptions(Read());
        Last.SetTarget(loaded);
        return loaded;
    }

    /// <summary>Null: there is none.</summary>
    public string? Of(TypeSchema type) => ClassOf(type) is { } name ? Text(name) : null;

    public string? Of(TypeSchema type, FieldSchema field)
    {
        if (ClassOf(type) is not { } name)
            return null;
        var key = new StringBuilder(name).Append('.');
        foreach (var c in field.Name)
        {
            if (char.IsAsciiLetterOrDigit(c))
                key.Append(char.ToLowerInvariant(c));
        }
        // The client library renames what C# has as a word of its own.
        return Text(key.ToString()) ?? Text(key.Append("property").ToString());
    }

    private string? Text(string key) => _texts.TryGetValue(key, out var text) && text.Length > 0 ? text : null;

    /// <summary>The class of "io.k8s.api.core.v1.Pod": V1Pod, or Corev1Pod where several groups have the name.</summary>
    private string? ClassOf(TypeSchema type)
    {
        var words = type.Name.Split('.');
        if (words.Length < 3)
            return null;
        var (package, version, kind) = (words[^3], words[^2], words[^1]);
        var own = $"{char.ToUpperInvariant(package[0])}{package[1..]}{version}{kind}";
        if (_texts.ContainsKey(own))
            return own;
        var common = $"{version.ToUpperInvariant()}{kind}";
        return _texts.ContainsKey(common) ? common : null;
    }

    private static Dictionary<string, string> Read()
    {
        using var packed = new MemoryStream(EmbeddedText.Read("kubernetes.descriptions"));
        using var reader = new StreamReader(new GZipStream(packed, CompressionMode.Decompress), Encoding.UTF8);
        var texts = new Dictionary<string, string>(4096, StringComparer.Ordinal);
        var type = "";
        while (reader.ReadLine() is { } line)
        {
            var tab = line.IndexOf('\t', StringComparison.Ordinal);
            var text = line[(tab + 1)..].Replace('\v', '\n');
            if (line[0] == '#')
                texts[type = line[1..tab]] = text;
            else
                texts[$"{type}.{line[..tab]}"] = text;
        }
        return texts;
    }
}
