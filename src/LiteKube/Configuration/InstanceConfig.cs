using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace LiteKube.Configuration;

/// <summary>The settings of one instance, complete: given ones, picked ones and defaults.</summary>
internal sealed class InstanceConfig
{
    public const string DefaultDataDir = "/var/lib/litekube";
    public const string DefaultConfigFile = "/etc/litekube/config.yaml";

    private readonly IReadOnlyDictionary<string, string> _values;

    private InstanceConfig(IReadOnlyDictionary<string, string> values) => _values = values;

    public string DataDir => Value(Settings.DataDir) ?? DefaultDataDir;
    public bool IsDefaultInstance => DataDir == DefaultDataDir;

    /// <summary>Distinguishes this instance's kernel objects (nftables table, cgroup, default directories) from another's: empty for the default one.</summary>
    public string Suffix => IsDefaultInstance ? "" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(DataDir)))[..6];
    public string InstanceName => Suffix.Length == 0 ? "litekube" : $"litekube-{Suffix}";

    public string RunDir => Value(Settings.RunDir) ?? $"/run/{InstanceName}";
    public string LogDir => Value(Settings.LogDir) ?? (IsDefaultInstance ? "/var/log/litekube" : Path.Combine(DataDir, "log"));
    public string NodeName => Value(Settings.NodeName) ?? Environment.MachineName.ToLowerInvariant();
    public IPAddress? NodeIp => Value(Settings.NodeIp) is { } text ? IPAddress.Parse(text) : null;
    public int ApiPort => Int(Settings.ApiPort, 16443);
    public int KubeletPort => Int(Settings.KubeletPort, 10250);
    public IPNetwork PodCidr => IPNetwork.Parse(Value(Settings.PodCidr) ?? "10.1.0.0/16");
    public IPNetwork ServiceCidr => IPNetwork.Parse(Value(Settings.ServiceCidr) ?? "10.152.183.0/24");
    public IPAddress ClusterDns => Value(Settings.ClusterDns) is { } text ? IPAddress.Parse(text) : Offset(ServiceCidr, 10);
    public string ClusterDomain => Value(Settings.ClusterDomain) ?? "cluster.local";
    /// <summary>Never the default instance's for another one, even when its own files are lost: a reset takes the bridge down.</summary>
    public string Bridge => Value(Settings.Bridge) ?? (IsDefaultInstance ? "litekube0" : $"lk{Suffix}");
    public string? ContainerdPath => Value(Settings.ContainerdPath);
    public string? RuncPath => Value(Settings.RuncPath);
    public string ContainerdRoot => Value(Settings.ContainerdRoot) ?? Path.Combine(DataDir, "containerd");
    public string ContainerdState => Value(Settings.ContainerdState) ?? Path.Combine(RunDir, "containerd");
    public string LogLevel => Value(Settings.LogLevel) ?? "information";
    public string? AuthenticationConfig => Value(Settings.AuthenticationConfig);
    public bool? AnonymousAuth => Value(Settings.AnonymousAuth) is { } text ? text == "true" : null;
    public string? EncryptionProviderConfig => Value(Settings.EncryptionProviderConfig);
    public bool EncryptionProviderConfigAutomaticReload => Value(Settings.EncryptionProviderConfigAutomaticReload) == "true";
    public string? AuditPolicyFile => Value(Settings.AuditPolicyFile);
    public string AuditLogPath => Value(Settings.AuditLogPath) ?? Path.Combine(LogDir, "audit.log");
    public int AuditLogMaxsize => Int(Settings.AuditLogMaxsize, 100);
    public int AuditLogMaxbackup => Int(Settings.AuditLogMaxbackup, 10);
    public int AuditLogMaxage => Int(Settings.AuditLogMaxage, 0);

    public (int First, int Last) NodePortRange
    {
        get
        {
            var parts = (Value(Settings.NodePortRange) ?? "30000-32767").Split('-');
            return (int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture));
        }
    }

    public string ControlSocket => Path.Combine(RunDir, "litekube.sock");
    public string PidFile => Path.Combine(RunDir, "litekube.pid");
    public string AdminKubeconfig => Path.Combine(DataDir, "admin.kubeconfig");
    public string InstanceFile => Path.Combine(DataDir, "instance.yaml");
    public string LogFile => Path.Combine(LogDir, "litekube.log");

    public string? Value(Setting setting) => _values.GetValueOrDefault(setting.Key);

    /// <summary>The same instance with settings that were picked for it; what was given stays.</summary>
    public InstanceConfig WithPicked(IReadOnlyDictionary<string, string> picked)
    {
        var values = new Dictionary<string, string>(picked, StringComparer.Ordinal);
        foreach (var (key, value) in _values)
            values[key] = value;
        return new InstanceConfig(values);
    }

    /// <summary>Options win over environment, that over the config file, that over what the instance once picked for itself.</summary>
    public static InstanceConfig Load(IReadOnlyDictionary<string, string> options, string? configFile, Func<string, string?> environment)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        configFile ??= environment("LITEKUBE_CONFIG");
        if (configFile is not null)
            Merge(values, ConfigFile.Read(configFile));
        else if (options.GetValueOrDefault(Settings.DataDir.Key) is null && environment(Settings.DataDir.EnvironmentVariable) is null && File.Exists(DefaultConfigFile))
            // /etc's file describes the installed instance; another data directory is another instance.
            Merge(values, ConfigFile.Read(DefaultConfigFile));

        foreach (var setting in Settings.All)
        {
            if (environment(setting.EnvironmentVariable) is { Length: > 0 } text)
                values[setting.Key] = setting.Check(text) is { } wrong ? throw new ConfigurationException($"{setting.EnvironmentVariable}: \"{text}\" {wrong}") : text;
        }
        Merge(values, options);

        var config = new InstanceConfig(values);
        return File.Exists(config.InstanceFile) ? config.WithPicked(ConfigFile.Read(config.InstanceFile)) : config;
    }

    public static IPAddress Offset(IPNetwork network, uint offset)
    {
        var bytes = network.BaseAddress.GetAddressBytes();
        var value = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) + offset;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return new IPAddress(bytes);
    }

    private int Int(Setting setting, int otherwise) => Value(setting) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static void Merge(Dictionary<string, string> into, IReadOnlyDictionary<string, string> from)
    {
        foreach (var (key, value) in from)
            into[key] = value;
    }
}
