using System.Globalization;
using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>A version as semver.org defines it.</summary>
internal sealed class Semver(ulong major, ulong minor, ulong patch, string[] preRelease, string[] build) : CelObject
{
    public static readonly CelType SemverType = CelType.Struct("kubernetes.Semver");

    public override CelType Type => SemverType;

    public override bool EqualTo(CelObject other) => other is Semver version && CompareTo(version) == 0;

    public override string ToString() => $"{major}.{minor}.{patch}{(preRelease.Length > 0 ? "-" : "")}{string.Join('.', preRelease)}{(build.Length > 0 ? "+" : "")}{string.Join('.', build)}";

    public static CelLibrary Library() => new("kubernetes.semver",
    [
        Function(
            "semver",
            Global("string_to_semver", [CelType.String], SemverType, args => Convert(args[0].AsString, normalize: false)),
            Global("string_bool_to_semver", [CelType.String, CelType.Bool], SemverType, args => Convert(args[0].AsString, args[1].AsBool))),
        Function(
            "isSemver",
            Global("is_semver_string", [CelType.String], CelType.Bool, args => CelValue.Bool(!Convert(args[0].AsString, normalize: false).IsError)),
            Global("is_semver_string_bool", [CelType.String, CelType.Bool], CelType.Bool, args => CelValue.Bool(!Convert(args[0].AsString, args[1].AsBool).IsError))),
        Function("isGreaterThan", Member("semver_is_greater_than", [SemverType, SemverType], CelType.Bool, args => CelValue.Bool(Of(args[0]).CompareTo(Of(args[1])) > 0))),
        Function("isLessThan", Member("semver_is_less_than", [SemverType, SemverType], CelType.Bool, args => CelValue.Bool(Of(args[0]).CompareTo(Of(args[1])) < 0))),
        Function("compareTo", Member("semver_compare_to", [SemverType, SemverType], CelType.Int, args => CelValue.Int(Of(args[0]).CompareTo(Of(args[1]))))),
        Function("major", Member("semver_major", [SemverType], CelType.Int, args => CelValue.Int(unchecked((long)Of(args[0]).Part(0))))),
        Function("minor", Member("semver_minor", [SemverType], CelType.Int, args => CelValue.Int(unchecked((long)Of(args[0]).Part(1))))),
        Function("patch", Member("semver_patch", [SemverType], CelType.Int, args => CelValue.Int(unchecked((long)Of(args[0]).Part(2))))),
    ], types: [SemverType]);

    private static Semver Of(in CelValue value) => (Semver)value.AsObject;

    private ulong Part(int index) => index switch { 0 => major, 1 => minor, _ => patch };

    public int CompareTo(Semver other)
    {
        for (var i = 0; i < 3; i++)
        {
            if (Part(i) != other.Part(i))
                return Part(i) < other.Part(i) ? -1 : 1;
        }
        var theirs = other.PreRelease;
        // A release comes after its pre-releases.
        if (preRelease.Length == 0 || theirs.Length == 0)
            return (preRelease.Length == 0 ? 1 : 0) - (theirs.Length == 0 ? 1 : 0);
        for (var i = 0; i < Math.Min(preRelease.Length, theirs.Length); i++)
        {
            var order = ComparePreRelease(preRelease[i], theirs[i]);
            if (order != 0)
                return order;
        }
        return preRelease.Length.CompareTo(theirs.Length);
    }

    private string[] PreRelease => preRelease;

    private static int ComparePreRelease(string a, string b)
    {
        var (aNumeric, bNumeric) = (a.All(char.IsAsciiDigit), b.All(char.IsAsciiDigit));
        if (aNumeric != bNumeric)
            return aNumeric ? -1 : 1;
        if (!aNumeric)
            return Math.Sign(string.CompareOrdinal(a, b));
        return a.Length != b.Length ? a.Length.CompareTo(b.Length) : Math.Sign(string.CompareOrdinal(a, b));
    }

    private static CelValue Convert(string text, bool normalize)
    {
        if (normalize && Normalize(ref text) is { } refused)
            return CelValue.Error(refused);
        return Parse(text, out var version) is { } error ? CelValue.Error(error) : CelValue.Object(version!);
    }

    /// <summary>Drops a leading v and leading zeros, and fills up to three parts.</summary>
    private static string? Normalize(ref string text)
    {
        if (text.StartsWith('v'))
            text = text[1..];
        var parts = text.Split('.', 3).ToList();
        for (var i = 0; i < parts.Count; i++)
        {
            if (parts[i].Length <= 1)
                continue;
            var trimmed = parts[i].TrimStart('0');
            parts[i] = trimmed.Length == 0 || !char.IsAsciiDigit(trimmed[0]) ? "0" + trimmed : trimmed;
        }
        if (parts.Count < 3 && parts[^1].AsSpan().ContainsAny('+', '-'))
            return "short version cannot contain PreRelease/Build meta data";
        while (parts.Count < 3)
            parts.Add("0");
        text = string.Join('.', parts);
        return null;
    }

    private static string? Parse(string text, out Semver? version)
    {
        version = null;
        if (text.Length == 0)
            return "Version string empty";
        var parts = text.Split('.', 3);
        if (parts.Length != 3)
            return "No Major.Minor.Patch elements found";
        if (Number(parts[0], "Major", out var major) is { } wrongMajor)
            return wrongMajor;
        if (Number(parts[1], "Minor", out var minor) is { } wrongMinor)
            return wrongMinor;
        string[] build = [], preRelease = [];
        var patchText = parts[2];
        if (patchText.IndexOf('+') is var plus and >= 0)
        {
            build = patchText[(plus + 1)..].Split('.');
            patchText = patchText[..plus];
        }
        if (patchText.IndexOf('-') is var dash and >= 0)
        {
            preRelease = patchText[(dash + 1)..].Split('.');
            patchText = patchText[..dash];
        }
        if (Number(patchText, "Patch", out var patch) is { } wrongPatch)
            return wrongPatch;
        foreach (var part in preRelease)
        {
            if (PreReleaseError(part) is { } error)
                return error;
        }
        foreach (var part in build)
        {
            if (part.Length == 0)
                return "Build meta data is empty";
            if (!part.All(IsWordCharacter))
                return $"Invalid character(s) found in build meta data {GoFormat.Quote(part)}";
        }
        version = new(major, minor, patch, preRelease, build);
        return null;
    }

    private static bool IsWordCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c == '-';

    private static string? PreReleaseError(string part)
    {
        if (part.Length == 0)
            return "Prerelease is empty";
        if (part.All(char.IsAsciiDigit))
            return part.Length > 1 && part[0] == '0' ? $"Numeric PreRelease version must not contain leading zeroes {GoFormat.Quote(part)}" : null;
        return part.All(IsWordCharacter) ? null : $"Invalid character(s) found in prerelease {GoFormat.Quote(part)}";
    }

    private static string? Number(string text, string name, out ulong value)
    {
        value = 0;
        if (!text.All(char.IsAsciiDigit))
            return $"Invalid character(s) found in {name.ToLowerInvariant()} number {GoFormat.Quote(text)}";
        if (text.Length > 1 && text[0] == '0')
            return $"{name} number must not contain leading zeroes {GoFormat.Quote(text)}";
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) ? null : $"strconv.ParseUint: parsing {GoFormat.Quote(text)}: {(text.Length == 0 ? "invalid syntax" : "value out of range")}";
    }
}
