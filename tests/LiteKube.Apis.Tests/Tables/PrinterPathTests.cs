using System.Text.Json.Nodes;
using LiteKube.Apis.Tables;

namespace LiteKube.Apis.Tests.Tables;

public class PrinterPathTests
{
    private static readonly JsonObject Value = JsonNode.Parse("""
        {"metadata":{"name":"n","creationTimestamp":"2024-01-01T00:00:00Z","labels":{"a.b/c":"x"}},
         "spec":{"replicas":3,"ratio":1.5,"on":true,"list":[{"name":"p","v":1},{"name":"q","v":2},{"name":"r","v":3}],"map":{"k":"v"}},
         "status":{"conditions":[{"type":"Ready","status":"True"},{"type":"Other","status":"False"}]}}
        """)!.AsObject();

    [Theory]
    [InlineData(".metadata.name", "n")]
    [InlineData(".spec.replicas", "3")]
    [InlineData(".spec.list[0].name", "p")]
    [InlineData(".spec.list[-1].name", "r")]
    [InlineData(".spec.list[1:].name", "q|r")]
    [InlineData(".spec.list[:2].v", "1|2")]
    [InlineData(".spec.list[*].name", "p|q|r")]
    [InlineData(".spec.list[0,2].name", "p|r")]
    [InlineData(".spec.list[::2].name", "p|r")]
    [InlineData(".status.conditions[?(@.type==\"Ready\")].status", "True")]
    [InlineData(".status.conditions[?(@.type!='Ready')].status", "False")]
    [InlineData(".spec.list[?(@.v > 1)].name", "q|r")]
    [InlineData(".spec.list[?(@.v)].name", "p|q|r")]
    [InlineData(".metadata.labels['a.b/c']", "x")]
    [InlineData(".metadata.labels.a\\.b/c", "x")]
    [InlineData("..name", "n|p|q|r")]
    [InlineData(".spec.missing.deeper", "")]
    [InlineData(".spec.map.*", "v")]
    public void A_path_leads_to_values(string path, string found) => Assert.Equal(found, string.Join('|', PrinterPath.Parse(path).Find(Value)));

    [Theory]
    [InlineData(".spec.list[")]
    [InlineData(".spec.list[x]")]
    [InlineData(".a[?(@.b==1)")]
    [InlineData(".a]")]
    public void Text_that_is_no_path_is_refused(string path) => Assert.Throws<FormatException>(() => PrinterPath.Parse(path));

    [Theory]
    [InlineData("string", ".metadata.name", "\"n\"")]
    [InlineData("string", ".spec.replicas", "\"3\"")]
    [InlineData("string", ".spec.map", "\"{\\u0022k\\u0022:\\u0022v\\u0022}\"")]
    [InlineData("integer", ".spec.replicas", "3")]
    [InlineData("integer", ".spec.ratio", "1")]
    [InlineData("integer", ".metadata.name", "null")]
    [InlineData("number", ".spec.ratio", "1.5")]
    [InlineData("boolean", ".spec.on", "true")]
    [InlineData("boolean", ".spec.ratio", "null")]
    [InlineData("date", ".metadata.creationTimestamp", "\"5m\"")]
    [InlineData("date", ".metadata.name", "\"\\u003Cinvalid\\u003E\"")]
    [InlineData("string", ".missing", "null")]
    public void A_cell_shows_values_of_the_column_s_type(string type, string path, string cell)
    {
        var column = new PrinterColumn("c", type, "", "", 0, PrinterPath.Parse(path));
        Assert.Equal(cell, column.Cell(Value, new DateTimeOffset(2024, 1, 1, 0, 5, 0, TimeSpan.Zero))?.ToJsonString() ?? "null");
    }
}
