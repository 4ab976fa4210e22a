using System.Text.Json.Nodes;
using CsCheck;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Tests.Apply;

/// <summary>What holds of every history of applies and updates.</summary>
public sealed class ApplyPropertyTests
{
    private sealed record Step(string Manager, bool IsApply, JsonObject Value);

    private static readonly Gen<JsonArray> Env = List(Generate.OneOf("A", "B", "C"), Generate.OneOf("1", "2"), (name, value) => new JsonObject { ["name"] = name, ["value"] = value });

    private static readonly Gen<JsonArray> Ports = List(Generate.OneOf(80, 443), Generate.OneOf("", "UDP"), (port, protocol) =>
    {
        var result = new JsonObject { ["containerPort"] = port };
        if (protocol.Length > 0) result["protocol"] = protocol;
        return result;
    });

    private static readonly Gen<JsonArray> Containers = Gen.Select(Generate.OneOf("x", "y", "z"), Generate.OneOf("i:1", "i:2"), Env, Ports)
        .Select((name, image, env, ports) => new JsonObject { ["name"] = name, ["image"] = image, ["env"] = env, ["ports"] = ports, ["args"] = new JsonArray(image) })
        .Array[1, 3].Select(all => new JsonArray([.. all.DistinctBy(c => c["name"]!.GetValue<string>())]));

    private static readonly Gen<JsonObject> Pods = Gen.Select(Generate.OneOf("a", "b", "c").Array[0, 3], Generate.OneOf("f/1", "f/2").Array[0, 2], Containers).Select((labels, finalizers, containers) => new JsonObject
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = "p",
            // An empty map that is applied is owned although no object keeps it; that is upstream's way as well.
            ["labels"] = new JsonObject(labels.Append("all").Distinct().Select(l => KeyValuePair.Create(l, (JsonNode?)JsonValue.Create("v")))),
            ["finalizers"] = new JsonArray([.. finalizers.Distinct().Select(f => (JsonNode)f)]),
        },
        ["spec"] = new JsonObject { ["containers"] = containers },
    });

    private static readonly Gen<Step[]> Histories = Gen.Select(Generate.OneOf("m1", "m2", "m3"), Gen.Bool, Pods).Select((m, a, v) => new Step(m, a, v)).Array[1, 6];

    private static readonly string[] EmptiedLists = [".ports", ".env", ".containers", ".finalizers"];

    [Fact]
    public void Owners_own_only_what_is_there() => Histories.Sample(history =>
    {
        var target = Replay(history);
        var fields = target.Fields();
        Assert.All(target.Managed.Entries, entry => Assert.True(Missing(entry.Fields.Except(fields)).Count == 0, $"{entry.Key} owns what is not there:\n{entry.Fields.Except(fields)}"));

        // A list that an apply empties becomes null, as upstream leaves it: who owned the list itself, and not its elements, still does.
        static List<string> Missing(FieldSet fields) => [.. fields.ToString().Split('\n').Where(p => p.Length > 0 && !EmptiedLists.Any(l => p.EndsWith(l, StringComparison.Ordinal)))];
    });

    [Fact]
    public void An_applied_object_holds_all_that_was_applied() => Gen.Select(Histories, Pods).Sample((history, config) =>
    {
        var target = Replay(history);
        target.Apply("last", config, isForced: true);
        var difference = FieldComparison.Of(WithKind(config), target.Object!, target.Schema);
        Assert.True(difference.Modified.IsEmpty && difference.Removed.IsEmpty, $"modified:\n{difference.Modified}\nremoved:\n{difference.Removed}");
    });

    [Fact]
    public void Applying_the_same_again_changes_nothing() => Gen.Select(Histories, Pods).Sample((history, config) =>
    {
        var target = Replay(history);
        target.Apply("last", config, isForced: true);
        var (value, managed) = (ObjectWriter.Write(target.Object!), target.Managed);
        target.Apply("last", config);
        Assert.Equal(value, ObjectWriter.Write(target.Object!));
        Assert.True(managed.SaysTheSameAs(target.Managed));
        target.Update("idle", target.Object!);
        Assert.True(managed.SaysTheSameAs(target.Managed));
    });

    [Fact]
    public void A_manager_that_applies_nothing_more_leaves_what_others_own() => Gen.Select(Pods, Pods).Sample((first, second) =>
    {
        var target = new ApplyTarget("v1", "Pod");
        target.Apply("one", first, isForced: true);
        target.Apply("two", second, isForced: true);
        target.Apply("one", new JsonObject { ["metadata"] = new JsonObject { ["name"] = "p" } });
        var alone = new ApplyTarget("v1", "Pod");
        alone.Apply("two", second);
        // Lists keep an order that both have had a word in.
        Assert.True(FieldComparison.Of(alone.Object!, target.Object!, target.Schema) is { Removed.IsEmpty: true, Modified.IsEmpty: true });
    });

    [Fact]
    public void Managed_fields_read_back_from_an_object_are_those_that_were_written() => Histories.Sample(history =>
    {
        var target = Replay(history);
        var stored = ObjectWriter.WriteForStore(target.Object!, target.Managed.Encoded.Span);
        var read = ManagedFieldsList.FromObject(stored.Utf8);
        Assert.True(read.SaysTheSameAs(target.Managed));
        Assert.Equal(target.Managed.Entries.Select(e => e.Time), read.Entries.Select(e => e.Time));
        var node = JsonNode.Parse(stored.Utf8.Span)!["metadata"]!["managedFields"];
        Assert.True(node is null ? read.IsEmpty : ManagedFieldsList.FromNode(node.AsArray()).SaysTheSameAs(read));
    });

    private static ApplyTarget Replay(IEnumerable<Step> history)
    {
        var target = new ApplyTarget("v1", "Pod");
        foreach (var step in history)
        {
            if (step.IsApply) target.Apply(step.Manager, step.Value, isForced: true);
            else target.Update(step.Manager, step.Value);
        }

        return target;
    }

    private static JsonObject WithKind(JsonObject config)
    {
        var copy = (JsonObject)config.DeepClone();
        copy["apiVersion"] = "v1";
        copy["kind"] = "Pod";
        // Empty lists are not written.
        if (copy["metadata"]!["finalizers"] is JsonArray { Count: 0 }) copy["metadata"]!.AsObject().Remove("finalizers");
        foreach (var container in copy["spec"]!["containers"]!.AsArray())
        {
            foreach (var list in (string[])["env", "ports"])
            {
                if (container![list] is JsonArray { Count: 0 }) container.AsObject().Remove(list);
            }
        }

        return copy;
    }

    private static Gen<JsonArray> List<TKey, TValue>(Gen<TKey> keys, Gen<TValue> values, Func<TKey, TValue, JsonObject> make) =>
        Gen.Select(keys, values).Array[0, 3].Select(all => new JsonArray([.. all.DistinctBy(p => p).DistinctBy(p => typeof(TKey) == typeof(string) ? (object)p.Item1! : p).Select(p => (JsonNode)make(p.Item1, p.Item2))]));
}
