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

    /// <summary>The stable kinds of the newer table, with their subresources, that <see cref="StableResources"/> does not have.</summary>
    public static IReadOnlyList<Resource> NewerResources { get; } = ReadKinds();

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

    private static List<Resource> ReadKinds()
    {
        if (Folder is null || !File.Exists(Path.Combine(Folder, "kinds.tsv"))) return [];
        var known = StableResources.Select(r => (r.GroupPath, r.Name)).ToHashSet();
        var resources = new List<Resource>();
        foreach (var line in File.ReadLines(Path.Combine(Folder, "kinds.tsv")).Skip(1))
        {
            var cells = line.Split('\t');
            var version = cells[0][(cells[0].IndexOf('/', StringComparison.Ordinal) + 1)..];
            // An Eviction is what is posted to a pod's eviction, no resource.
            if (!version.AsSpan(1).ContainsOnlyDigits() || cells[2] is "evictions" or "componentstatuses") continue;
            var isReview = cells[6] == "create";
            Add(cells[2], isReview ? "create" : "create,delete,deletecollection,get,list,patch,update,watch");
            if (isReview) continue;
            if (cells[4] == "status") Add(cells[2] + "/status", "get,patch,update");
            foreach (var subresource in cells[5].Split(',', StringSplitOptions.RemoveEmptyEntries))
                Add($"{cells[2]}/{subresource}", subresource == "token" ? "create" : "get,patch,update");

            void Add(string name, string verbs)
            {
                var group = cells[0].Contains('/', StringComparison.Ordinal) ? cells[0][..cells[0].IndexOf('/', StringComparison.Ordinal)] : "";
                var resource = new Resource(group, version, name, cells[3] == "namespaced", cells[1], Words(verbs), [], []);
                if (known.Add((resource.GroupPath, name))) resources.Add(resource);
            }
        }
        return resources;
    }

    private static bool ContainsOnlyDigits(this ReadOnlySpan<char> text) => text.Length > 0 && !text.ContainsAnyExceptInRange('0', '9');

    private static string[] Words(string cell) => [.. cell.Split(',', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
}
