using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace LiteKube.ApiServer.Discovery;

/// <summary>Where this program comes from, in the form that /version has it.</summary>
internal static class BuildInfo
{
    /// <summary>40 hexadecimal digits, as clients expect of a commit: the one that the build recorded, else a digest of the program's version.</summary>
    public static string Commit { get; } = FindCommit();

    /// <summary>A reproducible build has no date of its own.</summary>
    public const string Date = "1970-01-01T00:00:00Z";

    private static string FindCommit()
    {
        var version = typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        var commit = version.AsSpan(version.IndexOf('+', StringComparison.Ordinal) + 1);
        if (commit.Length == 40 && !commit.ContainsAnyExcept("0123456789abcdef")) return commit.ToString();
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(version)))[..40];
    }
}
