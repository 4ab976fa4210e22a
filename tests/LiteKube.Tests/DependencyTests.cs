using System.Xml.Linq;

namespace LiteKube.Tests;

/// <summary>The dependency table of docs/architecture.md, enforced on the project files.</summary>
public sealed class DependencyTests
{
    private static readonly Dictionary<string, string[]> AllowedProjects = new()
    {
        ["LiteKube.Apis"] = [],
        ["LiteKube.Storage"] = [],
        ["LiteKube.Cri"] = [],
        ["LiteKube.Cel"] = [],
        ["LiteKube.ApiServer"] = ["Apis", "Storage", "Cel"],
        ["LiteKube.Client"] = ["Apis"],
        ["LiteKube.Scheduler"] = ["Client", "Apis"],
        ["LiteKube.Controllers"] = ["Client", "Apis"],
        ["LiteKube.Kubelet"] = ["Client", "Apis", "Cri"],
        ["LiteKube.Network"] = ["Client", "Apis"],
        ["LiteKube"] = ["Apis", "Storage", "Cel", "ApiServer", "Client", "Scheduler", "Controllers", "Cri", "Kubelet", "Network"],
    };

    /// <summary>Every package that the product may use, and where.</summary>
    private static readonly Dictionary<string, string[]> AllowedPackages = new()
    {
        ["KubernetesClient.Aot"] = ["LiteKube.Apis"],
        ["YamlDotNet"] = ["LiteKube.Apis", "LiteKube"],
        ["Microsoft.Data.Sqlite"] = ["LiteKube.Storage"],
        ["Google.Protobuf"] = ["LiteKube.Cri"],
        ["Grpc.Net.Client"] = ["LiteKube.Cri"],
        ["Grpc.Tools"] = ["LiteKube.Cri"],
        ["Tmds.LibC"] = ["LiteKube.Kubelet", "LiteKube.Network", "LiteKube"],
        ["CliWrap"] = ["LiteKube.Network", "LiteKube.Kubelet", "LiteKube"],
        ["Serilog"] = ["LiteKube"],
        ["Serilog.Extensions.Logging"] = ["LiteKube"],
        ["Serilog.Sinks.Console"] = ["LiteKube"],
        ["Serilog.Sinks.File"] = ["LiteKube"],
        ["System.CommandLine"] = ["LiteKube"],
    };

    public static TheoryData<string> Projects => new(Directory.GetDirectories(Path.Combine(RepositoryRoot.Path, "src")).Select(d => Path.GetFileName(d)).Where(n => n.StartsWith("LiteKube", StringComparison.Ordinal)));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_what_the_dependency_table_allows(string project)
    {
        Assert.True(AllowedProjects.ContainsKey(project), $"{project} is not in the dependency table");
        var references = Load(project).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value));
        var forbidden = references.Except(AllowedProjects[project].Select(p => "LiteKube." + p)).ToList();
        Assert.True(forbidden.Count == 0, $"{project} may not reference {string.Join(", ", forbidden)}");
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_uses_only_the_packages_it_is_allowed(string project)
    {
        var packages = Load(project).Descendants("PackageReference").Select(r => r.Attribute("Include")!.Value);
        var forbidden = packages.Where(p => !AllowedPackages.TryGetValue(p, out var users) || !users.Contains(project)).ToList();
        Assert.True(forbidden.Count == 0, $"{project} may not use {string.Join(", ", forbidden)}");
    }

    [Fact]
    public void No_project_names_a_version_of_its_own()
    {
        var offenders = Directory.GetFiles(Path.Combine(RepositoryRoot.Path, "src"), "*.csproj", SearchOption.AllDirectories)
            .Concat(Directory.GetFiles(Path.Combine(RepositoryRoot.Path, "tests"), "*.csproj", SearchOption.AllDirectories))
            .Where(f => XDocument.Load(f).Descendants("PackageReference").Any(r => r.Attribute("Version") is not null));
        Assert.Empty(offenders);
    }

    private static XDocument Load(string project) => XDocument.Load(Path.Combine(RepositoryRoot.Path, "src", project, project + ".csproj"));
}
