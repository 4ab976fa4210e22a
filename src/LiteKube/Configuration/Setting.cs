namespace LiteKube.Configuration;

/// <summary>
/// One value that an instance can be given: by option (<c>--api-port</c>), environment (<c>LITEKUBE_API_PORT</c>) or
/// config file (<c>apiPort</c>). All three come from this one table, so that none can lack what another has.
/// </summary>
/// <param name="Key">As the config file spells it.</param>
/// <param name="Check">Null when the text is acceptable, else what is wrong with it.</param>
internal sealed record Setting(string Key, string ValueName, string Description, Func<string, string?> Check)
{
    public string Option => "--" + Separate('-');
    public string EnvironmentVariable => "LITEKUBE_" + Separate('_').ToUpperInvariant();

    private string Separate(char separator) =>
        string.Concat(Key.Select((c, i) => char.IsUpper(c) ? (i == 0 ? "" : separator.ToString()) + char.ToLowerInvariant(c) : c.ToString()));
}
