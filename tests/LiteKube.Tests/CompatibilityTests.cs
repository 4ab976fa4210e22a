using LiteKube.Apis.Schema;

namespace LiteKube.Tests;

/// <summary>docs/compatibility.md names what is served.</summary>
public sealed class CompatibilityTests
{
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(RepositoryRoot.Path, "docs", "compatibility.md"));

    public static TheoryData<string> GroupVersions => new(ResourceCatalog.BuiltIn.Resources.Select(r => r.Resource.GroupVersion.ToString()).Distinct());

    [Theory]
    [MemberData(nameof(GroupVersions))]
    public void Each_served_group_and_version_is_named_with_its_kinds_and_subresources(string groupVersion)
    {
        var row = Lines.SingleOrDefault(l => l.StartsWith("| ", StringComparison.Ordinal) && l.Split('|')[1].Split(',').Any(g => g.Trim() == groupVersion));
        Assert.True(row is not null, $"docs/compatibility.md has no row for {groupVersion}");
        foreach (var resource in ResourceCatalog.BuiltIn.Resources.Where(r => r.Resource.GroupVersion.ToString() == groupVersion))
        {
            if (!resource.Kind.EndsWith("PolicyBinding", StringComparison.Ordinal)) Assert.Contains(resource.Kind, row, StringComparison.Ordinal);
            Assert.All(resource.Subresources, s => Assert.Contains(s.Name, row.Split('|')[3], StringComparison.Ordinal));
        }
    }
}
