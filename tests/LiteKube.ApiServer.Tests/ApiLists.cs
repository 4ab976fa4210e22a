namespace LiteKube.ApiServer.Tests;

/// <summary>Lists of what Kubernetes' API is, kept outside the repository: in the folder that LITEKUBE_API_FIXTURES names, or in shared/api beside it.</summary>
internal static class ApiLists
{
    /// <summary>The file, or null where it is not.</summary>
    public static string? Find(string name)
    {
        if (Environment.GetEnvironmentVariable("LITEKUBE_API_FIXTURES") is { Length: > 0 } folder) return Existing(folder);
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (Existing(Path.Combine(at.FullName, "shared", "api")) is { } found) return found;
        }
        return null;

        string? Existing(string directory) => Path.Combine(directory, name) is var file && File.Exists(file) ? file : null;
    }
}
