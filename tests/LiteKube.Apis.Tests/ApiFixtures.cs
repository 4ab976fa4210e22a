namespace LiteKube.Apis.Tests;

/// <summary>One object of every kind with every field filled, as Kubernetes' own round-trip tests have them: files GROUP.VERSION.KIND.json.</summary>
internal static class ApiFixtures
{
    public static string? Folder { get; } = Find();

    public static IEnumerable<string> Names => Folder is null
        ? []
        : Directory.GetFiles(Folder, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)).Where(n => !n.Contains("after_roundtrip", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    /// <summary>Groups whose kinds no server serves by default, or that are no kinds of the API: the table does not hold them.</summary>
    private static readonly string[] NotHeld =
    [
        "imagepolicy.k8s.io.v1alpha1.", "internal.apiserver.k8s.io.v1alpha1.", "extensions.v1beta1.", "apps.v1beta1.", "apps.v1beta2.",
    ];

    /// <summary>The objects of stable versions, which the table must hold each of; "none" where there are no files.</summary>
    public static TheoryData<string> Held()
    {
        var data = new TheoryData<string>();
        foreach (var name in Names)
        {
            if (!IsAlphaOrBeta(name) && !NotHeld.Any(n => name.StartsWith(n, StringComparison.Ordinal)))
                data.Add(name);
        }

        if (data.Count == 0)
            data.Add("none");
        return data;
    }

    /// <summary>Such an object in protobuf, with its envelope; as a current server writes it.</summary>
    public static byte[] ReadProtobuf(string name)
    {
        var after = Path.Combine(Folder!, name + ".after_roundtrip.pb");
        return File.ReadAllBytes(File.Exists(after) ? after : Path.Combine(Folder!, name + ".pb"));
    }

    private static bool IsAlphaOrBeta(string name) => name.Split('.').Any(part => part.StartsWith('v') && (part.Contains("alpha", StringComparison.Ordinal) || part.Contains("beta", StringComparison.Ordinal)));

    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(Folder!, name + ".json"));

    /// <summary>What a current server makes of a file that an older one wrote.</summary>
    public static byte[] ReadExpected(string name)
    {
        var after = Path.Combine(Folder!, name + ".after_roundtrip.json");
        return File.Exists(after) ? File.ReadAllBytes(after) : Read(name);
    }

    public static bool HasExpected(string name) => File.Exists(Path.Combine(Folder!, name + ".after_roundtrip.json"));

    private static string? Find()
    {
        var folder = Environment.GetEnvironmentVariable("LITEKUBE_API_FIXTURES");
        if (string.IsNullOrEmpty(folder))
        {
            var root = AppContext.BaseDirectory;
            while (root is not null && !File.Exists(Path.Combine(root, "LiteKube.sln")))
                root = Path.GetDirectoryName(root);
            folder = root is null ? "" : Path.Combine(root, "..", "shared", "api");
        }

        var roundtrip = Path.Combine(folder, "roundtrip");
        return Directory.Exists(roundtrip) ? roundtrip : null;
    }
}

public sealed class FixtureTheoryAttribute : TheoryAttribute
{
    public FixtureTheoryAttribute()
    {
        if (ApiFixtures.Folder is null)
            Skip = "no API fixtures: set LITEKUBE_API_FIXTURES to the folder that holds roundtrip/";
    }
}
