using LiteKube.Configuration;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LiteKube.Configuration;

/// <summary>config.yaml: a flat mapping of setting names to values. Anything unknown, doubled or malformed is refused by name and line.</summary>
internal static class ConfigFile
{
    public static Dictionary<string, string> Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"cannot read the config file {path}: {e.Message}");
        }
        return Parse(text, path);
    }

    internal static Dictionary<string, string> Parse(string text, string path)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            var parser = new Parser(new StringReader(text));
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _))
                return values;
            parser.Consume<DocumentStart>();
            if (parser.TryConsume<Scalar>(out var empty) && empty.Value.Length == 0)
                return values;
            if (!parser.TryConsume<MappingStart>(out _))
                throw new ConfigurationException($"{path}:{parser.Current?.Start.Line ?? 1}: the file must be a mapping of setting: value");
            while (!parser.TryConsume<MappingEnd>(out _))
                ReadEntry(parser, path, values);
            parser.Consume<DocumentEnd>();
            if (!parser.Accept<StreamEnd>(out _))
                throw new ConfigurationException($"{path}:{parser.Current?.Start.Line}: the file must hold one document");
        }
        catch (YamlException e)
        {
            throw new ConfigurationException($"{path}:{e.Start.Line}: {e.Message}");
        }
        return values;
    }

    private static void ReadEntry(Parser parser, string path, Dictionary<string, string> values)
    {
        var line = parser.Current!.Start.Line;
        if (!parser.TryConsume<Scalar>(out var key))
            throw new ConfigurationException($"{path}:{line}: a setting's name must be plain text");
        var setting = Settings.All.FirstOrDefault(s => s.Key == key.Value)
            ?? throw new ConfigurationException($"{path}:{line}: unknown setting \"{key.Value}\"{Suggest(key.Value)}");
        if (!parser.TryConsume<Scalar>(out var value))
            throw new ConfigurationException($"{path}:{line}: {setting.Key} takes a single value");
        if (setting.Check(value.Value) is { } wrong)
            throw new ConfigurationException($"{path}:{line}: {setting.Key}: \"{value.Value}\" {wrong}");
        if (!values.TryAdd(setting.Key, value.Value))
            throw new ConfigurationException($"{path}:{line}: {setting.Key} is set twice");
    }

    private static string Suggest(string key)
    {
        var near = Settings.All.FirstOrDefault(s => string.Equals(s.Key, key.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase));
        return near is not null ? $"; did you mean \"{near.Key}\"?" : $"; known are {string.Join(", ", Settings.All.Select(s => s.Key))}";
    }
}
