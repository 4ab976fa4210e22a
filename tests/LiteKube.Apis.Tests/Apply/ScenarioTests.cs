using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Tests.Apply;

/// <summary>
/// Scenarios/*.yaml: a kind, what writers do one after the other, and the object and its owners in the end. A step that
/// fails says with which words. Defaults are filled in on both sides.
/// </summary>
public sealed class ScenarioTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Apply", "Scenarios");

    public static TheoryData<string> Names => [.. Directory.GetFiles(Folder, "*.yaml").Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_scenario_ends_as_it_says(string name)
    {
        var scenario = ObjectDecoder.ParseYaml(File.ReadAllBytes(Path.Combine(Folder, name + ".yaml")))!.AsObject();
        var words = Text(scenario, "kind").Split(' ');
        var target = new ApplyTarget(words[0], words[1]);
        foreach (var step in scenario["steps"]!.AsArray()) Run(target, step!.AsObject());

        if (scenario["object"] is JsonObject expected) Assert.Equal(Print(target.Canonical(expected)), Print(target.Object!));
        if (scenario["owners"] is JsonObject owners) Assert.Equal(Print(owners), Print(Owners(target.Managed)));
    }

    private static void Run(ApplyTarget target, JsonObject step)
    {
        var (failure, manager, subresource) = (Text(step, "fails"), Text(step, "manager"), Text(step, "subresource"));
        try
        {
            if (step["apply"] is JsonObject config) target.Apply(manager, config, step["force"]?.GetValue<bool>() == true, subresource);
            else if (step["update"] is JsonObject value) target.Update(manager, value, subresource);
            else target.ForgetOwners();
        }
        catch (Exception exception) when (exception is FieldConflictException or MergeException && failure.Length > 0)
        {
            Assert.Equal(failure.TrimEnd('\n'), exception.Message);
            return;
        }

        Assert.Equal("", failure);
    }

    private static JsonObject Owners(ManagedFieldsList managed)
    {
        var owners = new JsonObject();
        foreach (var entry in managed.Entries.OrderBy(e => e.Key))
        {
            var name = $"{entry.Key.Manager} {(entry.Key.IsApply ? "Apply" : "Update")}{(entry.Key.Subresource.Length > 0 ? " " : "")}{entry.Key.Subresource}";
            owners[name] = new JsonArray([.. entry.Fields.Paths().Order(StringComparer.Ordinal).Select(p => (JsonNode)p)]);
        }

        return owners;
    }

    private static string Text(JsonObject value, string field) => value[field]?.GetValue<string>() ?? "";

    private static string Print(JsonNode value) => ObjectWriter.WriteYaml(value);
}
