using System.Text;
using CsCheck;
using LiteKube.Apis.Apply;

namespace LiteKube.Apis.Tests.Apply;

public sealed class FieldSetTests
{
    private static readonly Gen<PathElement> Elements = Gen.OneOf(
        Generate.OneOf("a", "b", "spec", "x/y.z", "q\"uote", "<é>").Select(PathElement.Field),
        Generate.OneOf<System.Text.Json.Nodes.JsonNode>(1, 80, 443, "80", "a", true, 1.5).Select(PathElement.OfValue),
        Gen.Select(Generate.OneOf("a", "a!", "ab"), Generate.OneOf(9, 80, 443)).Select((n, p) => PathElement.OfKeys([("name", KeyValue.Of(n)), ("containerPort", KeyValue.Of(p))])),
        Gen.Int[0, 12].Select(PathElement.At));

    private static readonly Gen<PathElement[]> Path = Elements.Array[1, 4];
    private static readonly Gen<PathElement[][]> Sets = Path.Array[0, 12];

    [Fact]
    public void Union_intersection_and_difference_are_those_of_sets_of_paths() => Gen.Select(Sets, Sets).Sample((left, right) =>
    {
        var (a, b) = (FieldSet.Of(left), FieldSet.Of(right));
        var (x, y) = (Model(left), Model(right));
        Assert.Equal(x.Union(y).Order(), Model(a.Union(b)));
        Assert.Equal(x.Intersect(y).Order(), Model(a.Intersect(b)));
        Assert.Equal(x.Except(y).Order(), Model(a.Except(b)));
        Assert.Equal(x.Where(p => !y.Any(q => p == q || p.StartsWith(q + "\n", StringComparison.Ordinal))).Order(), Model(a.ExceptBelow(b)));
        Assert.Equal(x.SetEquals(y), a.SetEquals(b));
        Assert.Equal(x.Count, a.Count);
        Assert.All(left, path => Assert.True(a.Contains(path)));
    });

    [Fact]
    public void An_operation_that_changes_nothing_gives_back_its_operand() => Sets.Sample(paths =>
    {
        var set = FieldSet.Of(paths);
        Assert.Same(set, set.Union(FieldSet.Of(paths[..(paths.Length / 2)])));
        Assert.Same(set, set.Except(FieldSet.OfFields("not.there")));
    });

    [Fact]
    public void FieldsV1_reads_what_it_wrote_and_writes_what_it_read() => Sets.Sample(paths =>
    {
        var set = FieldSet.Of(paths);
        var encoded = FieldsV1.Encode(set);
        var decoded = FieldsV1.Decode(encoded);
        Assert.True(set.SetEquals(decoded), Encoding.UTF8.GetString(encoded));
        Assert.Equal(encoded, FieldsV1.Encode(decoded));
    });

    [Theory]
    // As a cluster of Kubernetes v1.32 shows them: names before keys before values, keys by number and text.
    [InlineData("""{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"nginx\"}":{".":{},"f:image":{},"f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:protocol":{}},"k:{\"containerPort\":443,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}}}}""")]
    [InlineData("""{"f:metadata":{"f:finalizers":{".":{},"v:\"foregroundDeletion\"":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"9c1\"}":{}}}}""")]
    [InlineData("""{}""")]
    public void Sets_that_Kubernetes_wrote_stay_byte_for_byte(string json) =>
        Assert.Equal(json, Encoding.UTF8.GetString(FieldsV1.Encode(FieldsV1.Decode(Encoding.UTF8.GetBytes(json)))));

    [Fact]
    public void Unordered_names_are_ordered_and_unknown_kinds_of_elements_are_left_out() => Assert.Equal(
        """{"f:a":{},"f:b":{".":{},"f:c":{}}}""",
        Encoding.UTF8.GetString(FieldsV1.Encode(FieldsV1.Decode("""{"f:b":{"f:c":{},".":{},"z:new":{}},"f:a":{}}"""u8))));

    [Theory]
    [InlineData("[]")]
    [InlineData("""{"f:a":1}""")]
    [InlineData("""{"a":{}}""")]
    [InlineData("""{"k:nothing":{}}""")]
    [InlineData("""{"i:x":{}}""")]
    public void What_is_no_field_set_is_refused(string json) => Assert.Throws<FormatException>(() => FieldsV1.Decode(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void Reset_fields_take_out_what_they_exclude_or_all_but_what_they_include()
    {
        var set = FieldsV1.Decode("""{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{},"f:resources":{"f:limits":{"f:cpu":{}}}}}},"f:status":{"f:phase":{}}}"""u8);

        Assert.Equal([".spec.containers[name=\"a\"]", ".spec.containers[name=\"a\"].image", ".spec.containers[name=\"a\"].resources.limits.cpu"], ResetFields.Excluding("status").Filter(set).Paths());
        Assert.Equal([".spec.containers[name=\"a\"]", ".spec.containers[name=\"a\"].resources.limits.cpu"], ResetFields.AllBut("spec.containers.*.resources").Filter(set).Paths());
    }

    private static HashSet<string> Model(PathElement[][] paths) => [.. paths.Select(p => string.Join('\n', p.Select(e => Encoding.UTF8.GetString(e.Encoded))))];

    private static IEnumerable<string> Model(FieldSet set) => Walk(set, "").Order();

    private static IEnumerable<string> Walk(FieldSet set, string prefix)
    {
        foreach (var entry in set.Entries)
        {
            var path = prefix + Encoding.UTF8.GetString(entry.Element.Encoded);
            if (entry.IsMember) yield return path;
            foreach (var below in entry.Children is null ? [] : Walk(entry.Children, path + "\n")) yield return below;
        }
    }
}
