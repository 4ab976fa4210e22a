namespace LiteKube.Integration.Tests.Support;

/// <summary>A test that needs the table of API facts; skipped by name where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ApiFactsFactAttribute : FactAttribute
{
    public ApiFactsFactAttribute() => Skip = ApiFacts.Folder is null ? ApiFacts.Missing : null!;
}

/// <summary>What Kubernetes serves, from a table kept outside the repository: named by LITEKUBE_API_FACTS, or in a folder shared/api above.</summary>
internal static class ApiFacts
{
    public const string Missing = "there is no folder of API facts (LITEKUBE_API_FACTS, or shared/api above the repository)";

    /// <param name="Name">"pods" or "pods/status".</param>
    /// <param name="Kind">The kind alone, also where the table names its group.</param>
    public sealed record Resource(string Group, string Version, string Name, bool Namespaced, string Kind, string[] Verbs, string[] ShortNames, string[] Categories)
    {
        public string GroupPath => Group.Length == 0 ? $"/api/{Version}" : $"/apis/{Group}/{Version}";
    }

    public static string? Folder { get; } = Find();

    /// <summary>The resources of stable versions; none when there is no table.</summary>
    public static IReadOnlyList<Resource> StableResources { get; } = Read();

    private static string? Find()
    {
        if (System.Environment.GetEnvironmentVariable("LITEKUBE_API_FACTS") is { Length: > 0 } named)
            return Directory.Exists(named) ? named : throw new DirectoryNotFoundException($"LITEKUBE_API_FACTS names {named}, which is no folder");
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var folder = Path.Combine(at.FullName, "shared", "api");
            if (File.Exists(Path.Combine(folder, "resources.tsv"))) return folder;
        }
        return null;
    }

    private static List<Resource> Read()
    {
        if (Folder is null) return [];
        var resources = new List<Resource>();
        foreach (var line in File.ReadLines(Path.Combine(Folder, "resources.tsv")).Skip(1))
        {
            var cells = line.Split('\t');
            if (!cells[1].AsSpan().StartsWith("v", StringComparison.Ordinal) || !cells[1].AsSpan(1).ContainsOnlyDigits()) continue;
            resources.Add(new(cells[0], cells[1], cells[2], cells[3] == "ns", cells[4].Split(' ')[^1], Words(cells[5]), Words(cells[6]), Words(cells[7])));
        }
        return resources;
    }

    private static bool ContainsOnlyDigits(this ReadOnlySpan<char> text) => text.Length > 0 && !text.ContainsAnyExceptInRange('0', '9');

    private static string[] Words(string cell) => [.. cell.Split(',', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
}
