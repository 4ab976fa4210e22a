using System.Globalization;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Schema;

/// <summary>The tables against the list of every field of the v1.37 API, fields.tsv beside the round-trip objects.</summary>
public sealed class FieldFactsTests
{
    /// <summary>Kinds of other servers: metrics are theirs to decode.</summary>
    private static readonly string[] OfOtherServers = ["metrics.k8s.io/v1beta1", "custom.metrics.k8s.io/v1beta2"];

    /// <summary>What has a JSON form of its own is a kind of value here, what is a list of texts is one; TypeMeta is what a root has.</summary>
    private static readonly string[] NoTypesHere = ["Duration", "FieldsV1", "MicroTime", "Time", "Timestamp", "TypeMeta", "Verbs", "ExtraValue", "AttestationValue", "JSON", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray"];

    private static string? ListFile => ApiFixtures.Folder is { } folder && Path.Combine(folder, "..", "fields.tsv") is var file && File.Exists(file) ? file : null;

    public static TheoryData<string> Versions()
    {
        var data = new TheoryData<string>();
        data.AddRange([.. Rows().Select(r => r.Version).Distinct()]);
        if (data.Count == 0)
            data.Add("none");
        return data;
    }

    [FieldListTheory]
    [MemberData(nameof(Versions))]
    public void Every_field_of_the_API_is_in_the_tables_with_its_number(string version)
    {
        var wrong = new List<string>();
        foreach (var row in Rows().Where(r => r.Version == version && !NoTypesHere.Contains(r.Type)))
        {
            if (ApiFixtures.Types.Find(version == "meta/v1" ? "meta.k8s.io/v1" : version, row.Type) is not { } type)
                wrong.Add($"{row.Type}: no such type");
            else if (row.Field == "(inline)")
                continue;
            else if (type.Find(row.Field) is not { } field)
                wrong.Add($"{row.Type}.{row.Field}: no such field");
            else if (row.Number != 0 && field.ProtoNumber != row.Number)
                wrong.Add($"{row.Type}.{row.Field} has number {field.ProtoNumber}, not {row.Number}");
            else if (row.Cardinality != Of(field) && row != ("meta/v1", "APIResource", "verbs", 4, "one"))
                wrong.Add($"{row.Type}.{row.Field} is {Of(field)}, not {row.Cardinality}");
        }

        Assert.Empty(wrong.Distinct());
    }

    private static string Of(FieldSchema field) => field.Cardinality switch { Cardinality.List => "list", Cardinality.Map => "map", _ => "one" };

    private static IEnumerable<(string Version, string Type, string Field, int Number, string Cardinality)> Rows() =>
        ListFile is not { } file ? [] : File.ReadLines(file).Skip(1).Select(l => l.Split('\t'))
            .Where(c => !OfOtherServers.Contains(c[0]))
            .Select(c => (c[0], c[1], c[2], int.TryParse(c[3], CultureInfo.InvariantCulture, out var number) ? number : 0, c[4]));

    private sealed class FieldListTheoryAttribute : TheoryAttribute
    {
        public FieldListTheoryAttribute()
        {
            if (ListFile is null)
                Skip = "no list of fields: set LITEKUBE_API_FIXTURES to the folder that holds fields.tsv";
        }
    }
}
