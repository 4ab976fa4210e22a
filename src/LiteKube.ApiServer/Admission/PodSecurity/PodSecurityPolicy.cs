using System.Globalization;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.PodSecurity;

/// <summary>How much a pod may do, from everything to little (https://kubernetes.io/docs/concepts/security/pod-security-standards/).</summary>
internal enum PodSecurityLevel
{
    Privileged,
    Baseline,
    Restricted,
}

/// <summary>A level as it stood in one release.</summary>
/// <param name="Minor">The minor version of Kubernetes; <see cref="Latest"/> for the newest rules.</param>
internal readonly record struct LevelVersion(PodSecurityLevel Level, int Minor)
{
    public const int Latest = int.MaxValue;

    public static readonly LevelVersion Privileged = new(PodSecurityLevel.Privileged, Latest);

    public override string ToString() => $"{NameOf(Level)}:{(Minor == Latest ? "latest" : string.Create(CultureInfo.InvariantCulture, $"v1.{Minor}"))}";

    public static string NameOf(PodSecurityLevel level) => level switch
    {
        PodSecurityLevel.Privileged => "privileged",
        PodSecurityLevel.Baseline => "baseline",
        _ => "restricted",
    };
}

/// <summary>What a namespace's labels ask for (https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces).</summary>
internal sealed record PodSecurityPolicy(LevelVersion Enforce, LevelVersion Audit, LevelVersion Warn)
{
    private const string Prefix = "pod-security.kubernetes.io/";
    private static readonly FieldPath LabelsPath = FieldPath.Of("metadata").Child("labels");

    public static readonly PodSecurityPolicy Privileged = new(LevelVersion.Privileged, LevelVersion.Privileged, LevelVersion.Privileged);

    public bool IsPrivileged => Enforce.Level == PodSecurityLevel.Privileged && Audit.Level == PodSecurityLevel.Privileged && Warn.Level == PodSecurityLevel.Privileged;

    /// <summary>
    /// The policy of a namespace with these labels. A label that cannot be read is an error; it enforces the strictest
    /// level meanwhile, and neither audits nor warns.
    /// </summary>
    public static PodSecurityPolicy Of(Dictionary<string, string> labels, FieldErrors errors)
    {
        if (!labels.Keys.Any(k => k.StartsWith(Prefix, StringComparison.Ordinal)))
            return Privileged;
        var before = errors.Count;
        var enforceLevel = Level("enforce", PodSecurityLevel.Restricted);
        var isEnforceLevelValid = errors.Count == before;
        var enforce = new LevelVersion(enforceLevel, Version("enforce"));
        var audit = new LevelVersion(Level("audit", PodSecurityLevel.Privileged), Version("audit"));
        var warn = new LevelVersion(Level("warn", PodSecurityLevel.Privileged), Version("warn"));
        // Who enforces a level without a word on warnings wants to hear of templates that it would refuse.
        if (!labels.ContainsKey(Prefix + "warn") && isEnforceLevelValid && enforce.Level > warn.Level)
            warn = new LevelVersion(enforce.Level, labels.ContainsKey(Prefix + "warn-version") ? warn.Minor : enforce.Minor);
        return new(enforce, audit, warn);

        PodSecurityLevel Level(string mode, PodSecurityLevel unreadable)
        {
            switch (labels.GetValueOrDefault(Prefix + mode))
            {
                case null or "privileged": return PodSecurityLevel.Privileged;
                case "baseline": return PodSecurityLevel.Baseline;
                case "restricted": return PodSecurityLevel.Restricted;
                case var other:
                    errors.Invalid(LabelsPath.Key(Prefix + mode), other, "must be one of privileged, baseline, restricted");
                    return unreadable;
            }
        }

        int Version(string mode)
        {
            var text = labels.GetValueOrDefault($"{Prefix}{mode}-version");
            if (text is null or "latest")
                return LevelVersion.Latest;
            if (text.StartsWith("v1.", StringComparison.Ordinal) && text.Length > 3 && (text.Length == 4 || text[3] != '0') && int.TryParse(text.AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out var minor))
                return minor;
            errors.Invalid(LabelsPath.Key($"{Prefix}{mode}-version"), text, "must be \"latest\" or \"v1.x\"");
            return LevelVersion.Latest;
        }
    }
}
