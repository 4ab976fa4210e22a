using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests;

/// <summary>One object of every kind with every field filled, as Kubernetes' own round-trip tests have them: files GROUP.VERSION.KIND.json.</summary>
internal static class ApiFixtures
{
    public static string? Folder { get; } = Find();

    public static IEnumerable<string> Names => Folder is null
        ? []
        : Directory.GetFiles(Folder, "*.json").Select(f => Path.GetFileNameWithoutExtension(f)).Where(n => !n.Contains("after_roundtrip", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static readonly Lazy<SchemaTable> AllTypes = new(ReadTypes);

    /// <summary>The table with the versions that are not served by default: as many as Kubernetes' own round-trip objects have.</summary>
    public static SchemaTable Types => AllTypes.Value;

    /// <summary>Every object; "none" where there are no files.</summary>
    public static TheoryData<string> All()
    {
        var data = new TheoryData<string>();
        data.AddRange([.. Names]);
        if (data.Count == 0)
            data.Add("none");
        return data;
    }

    /// <summary>The type of an object, by what it says of itself.</summary>
    public static TypeSchema TypeOf(string apiVersion, string kind)
    {
        var type = Types.Find(apiVersion, kind);
        Assert.True(type is not null, $"neither kubernetes.types nor unserved.types has a type for {apiVersion} {kind}");
        return type;
    }

    /// <summary>Such an object in protobuf, with its envelope; as a current server writes it.</summary>
    public static byte[] ReadProtobuf(string name)
    {
        var after = Path.Combine(Folder!, name + ".after_roundtrip.pb");
        return File.ReadAllBytes(File.Exists(after) ? after : Path.Combine(Folder!, name + ".pb"));
    }

    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(Folder!, name + ".json"));

    /// <summary>What a current server makes of a file that an older one wrote.</summary>
    public static byte[] ReadExpected(string name)
    {
        var after = Path.Combine(Folder!, name + ".after_roundtrip.json");
        return File.Exists(after) ? File.ReadAllBytes(after) : Read(name);
    }

    public static bool HasExpected(string name) => File.Exists(Path.Combine(Folder!, name + ".after_roundtrip.json"));

    private static SchemaTable ReadTypes()
    {
        using var stream = typeof(ApiFixtures).Assembly.GetManifestResourceStream("unserved.types")!;
        var text = new byte[stream.Length];
        stream.ReadExactly(text);
        return SchemaTable.BuiltIn.With(text);
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("LITEKUBE_API_FIXTURES") is { Length: > 0 } folder) return Existing(folder);
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (Existing(Path.Combine(at.FullName, "shared", "api")) is { } found) return found;
        }
        return null;

        static string? Existing(string directory) => Path.Combine(directory, "roundtrip") is var roundtrip && Directory.Exists(roundtrip) ? roundtrip : null;
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
