namespace LiteKube.Cri.Tests;

internal static class Fixtures
{
    /// <summary>The folder of API facts beside the repository, or where LITEKUBE_API_FIXTURES points; null without one.</summary>
    public static string? ApiFolder
    {
        get
        {
            if (Environment.GetEnvironmentVariable("LITEKUBE_API_FIXTURES") is { Length: > 0 } configured)
                return configured;
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (!File.Exists(Path.Combine(folder.FullName, "LiteKube.sln")))
                    continue;
                var beside = Path.Combine(folder.FullName, "..", "shared", "api");
                return Directory.Exists(beside) ? beside : null;
            }
            return null;
        }
    }
}

[AttributeUsage(AttributeTargets.Method)]
public sealed class ApiFixtureFactAttribute : FactAttribute
{
    public ApiFixtureFactAttribute()
    {
        if (Fixtures.ApiFolder is null)
            Skip = "the API fixtures are not beside this repository; set LITEKUBE_API_FIXTURES to their folder";
    }
}
