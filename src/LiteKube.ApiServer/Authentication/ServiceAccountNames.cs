using System.Diagnostics.CodeAnalysis;

namespace LiteKube.ApiServer.Authentication;

/// <summary>User and group names of service accounts.</summary>
public static class ServiceAccountNames
{
    public const string UserPrefix = "system:serviceaccount:";
    public const string AllGroup = "system:serviceaccounts";

    public static string User(string ns, string name) => $"{UserPrefix}{ns}:{name}";

    public static string[] Groups(string ns) => [AllGroup, $"{AllGroup}:{ns}"];

    public static bool TryParse(string user, [NotNullWhen(true)] out string? ns, [NotNullWhen(true)] out string? name)
    {
        (ns, name) = (null, null);
        if (!user.StartsWith(UserPrefix, StringComparison.Ordinal))
            return false;
        var parts = user[UserPrefix.Length..].Split(':');
        if (parts.Length != 2 || parts[0].Length == 0 || parts[1].Length == 0)
            return false;
        (ns, name) = (parts[0], parts[1]);
        return true;
    }
}
