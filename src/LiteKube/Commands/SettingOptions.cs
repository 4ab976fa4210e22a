using System.CommandLine;
using LiteKube.Configuration;

namespace LiteKube.Commands;

/// <summary>The options that every command takes: one per <see cref="Setting"/>, and the config file.</summary>
internal sealed class SettingOptions
{
    private readonly Dictionary<Setting, Option<string>> _options = [];

    private readonly Option<string> _configFile = new("--config")
    {
        Description = "Config file (default /etc/litekube/config.yaml for the default instance).",
        HelpName = "FILE",
        Recursive = true,
    };

    public SettingOptions(RootCommand root)
    {
        root.Options.Add(_configFile);
        foreach (var setting in Settings.All)
        {
            var option = new Option<string>(setting.Option) { Description = setting.Description, HelpName = setting.ValueName, Recursive = true };
            option.Validators.Add(result =>
            {
                var text = result.Tokens.Count > 0 ? result.Tokens[^1].Value : "";
                if (setting.Check(text) is { } wrong)
                    result.AddError($"{setting.Option}: \"{text}\" {wrong}");
            });
            // All but the data directory concern starting and would drown the help of the other commands.
            option.Hidden = setting != Settings.DataDir;
            root.Options.Add(option);
            _options[setting] = option;
        }
    }

    public IEnumerable<Option> All => _options.Values.Append<Option>(_configFile);

    /// <summary>For the help of the commands that start a cluster.</summary>
    public void ShowAll()
    {
        foreach (var option in _options.Values)
            option.Hidden = false;
    }

    public InstanceConfig Load(ParseResult parse)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (setting, option) in _options)
        {
            if (parse.GetValue(option) is { } text)
                given[setting.Key] = text;
        }
        return InstanceConfig.Load(given, parse.GetValue(_configFile), Environment.GetEnvironmentVariable);
    }

    /// <summary>The same options for a child process, so that it reaches the same instance.</summary>
    public IReadOnlyList<string> Forward(ParseResult parse)
    {
        var arguments = new List<string>();
        if (parse.GetValue(_configFile) is { } file)
            arguments.AddRange(["--config", Path.GetFullPath(file)]);
        foreach (var (setting, option) in _options)
        {
            if (parse.GetValue(option) is { } text)
                arguments.AddRange([setting.Option, text]);
        }
        return arguments;
    }
}
