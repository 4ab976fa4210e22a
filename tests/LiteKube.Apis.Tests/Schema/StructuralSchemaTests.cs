using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Schema.Structural;

namespace LiteKube.Apis.Tests.Schema;

public class StructuralSchemaTests
{
    private const string Widget = """
        {"type":"object","properties":{
          "spec":{"type":"object","required":["name"],"properties":{
            "name":{"type":"string"},
            "size":{"type":"integer","default":3},
            "note":{"type":"string","nullable":true},
            "tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
            "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port"],"items":{"type":"object","properties":{"port":{"type":"integer"},"protocol":{"type":"string","default":"TCP"}}}},
            "labels":{"type":"object","additionalProperties":{"type":"string"}},
            "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"known":{"type":"object","properties":{"a":{"type":"string"}}}}},
            "limit":{"x-kubernetes-int-or-string":true},
            "template":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true},
            "nested":{"type":"object","default":{},"properties":{"mode":{"type":"string","default":"auto"}}}}}}}
        """;

    private static readonly TypeSchema Type = StructuralTypes.Resource("com.example.v1.Widget", StructuralSchema.Read(JsonNode.Parse(Widget)!.AsObject()));

    private static DecodedObject Decode(string json, FieldValidation validation = FieldValidation.Warn) => ObjectDecoder.DecodeJson(Encoding.UTF8.GetBytes(json), Type, validation);

    private static string Text(JsonNode value) => Encoding.UTF8.GetString(ObjectWriter.Write(value));

    [Theory]
    [InlineData("""{"spec":{"name":"a","other":1}}""", """{"spec":{"name":"a"}}""", "unknown field \"spec.other\"")]
    [InlineData("""{"extra":{},"spec":{"ports":[{"port":1},{"port":2,"x":{}}]}}""", """{"spec":{"ports":[{"port":1},{"port":2}]}}""", "unknown field \"extra\", unknown field \"spec.ports[1].x\"")]
    [InlineData("""{"spec":{"labels":{"z":"1","a":"2"}}}""", """{"spec":{"labels":{"a":"2","z":"1"}}}""", "")]
    [InlineData("""{"spec":{"free":{"b":{"c":[1.0,1.5]},"known":{"a":"x","b":"y"}}}}""", """{"spec":{"free":{"b":{"c":[1,1.5]},"known":{"a":"x"}}}}""", "unknown field \"spec.free.known.b\"")]
    [InlineData("""{"spec":{"note":null,"name":null,"size":null}}""", """{"spec":{"note":null,"size":null}}""", "")]
    [InlineData("""{"metadata":{"name":"a","creationTimestamp":null,"foo":1,"labels":{}}}""", """{"metadata":{"name":"a"}}""", "unknown field \"metadata.foo\"")]
    [InlineData("""{"spec":{"name":"a","name":"b"}}""", """{"spec":{"name":"b"}}""", "duplicate field \"spec.name\"")]
    [InlineData("""{"spec":{"template":{"apiVersion":"v1","kind":"X","metadata":{"name":"n","bar":2},"data":{"k":1}}}}""", """{"spec":{"template":{"apiVersion":"v1","data":{"k":1},"kind":"X","metadata":{"name":"n"}}}}""", "unknown field \"spec.template.metadata.bar\"")]
    public void What_the_schema_does_not_know_is_taken_out_and_told(string json, string canonical, string warnings)
    {
        var decoded = Decode(json);
        Assert.Equal(canonical, Text(decoded.Object));
        Assert.Equal(warnings, string.Join(", ", decoded.Warnings));
        if (warnings.Length > 0) Assert.Equal("strict decoding error: " + warnings, Assert.Throws<DecodeException>(() => Decode(json, FieldValidation.Strict)).Message);
        Assert.Empty(Decode(json, FieldValidation.Ignore).Warnings);
    }

    [Theory]
    [InlineData("""{"metadata":{"labels":{"a":1}}}""", "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string")]
    [InlineData("""{"kind":5}""", ".kind accessor error: 5 is of the type int64, expected string")]
    [InlineData("""[]""", "json: cannot unmarshal array into Go value of type map[string]interface {}")]
    [InlineData("""{"spec":{"template":{"apiVersion":5}}}""", "spec.template.apiVersion: Invalid value: 5: must be a string")]
    public void Metadata_of_the_wrong_form_is_refused(string json, string message) => Assert.Equal(message, Assert.Throws<DecodeException>(() => Decode(json)).Message);

    [Theory]
    [InlineData("""{}""", """{}""")]
    [InlineData("""{"spec":{}}""", """{"spec":{"nested":{"mode":"auto"},"size":3}}""")]
    [InlineData("""{"spec":{"nested":null,"size":null}}""", """{"spec":{"nested":{"mode":"auto"},"size":3}}""")]
    [InlineData("""{"spec":{"nested":{"mode":"x"},"ports":[{"port":1},{"port":2,"protocol":"UDP"}],"size":0}}""", """{"spec":{"nested":{"mode":"x"},"ports":[{"port":1,"protocol":"TCP"},{"port":2,"protocol":"UDP"}],"size":0}}""")]
    public void Defaults_fill_what_is_missing_at_its_sorted_place(string json, string completed)
    {
        var value = JsonNode.Parse(json)!;
        Assert.Equal(json != completed, StructuralDefaulter.Apply(value, Type.Structural));
        Assert.Equal(completed, Text(value));
        Assert.False(StructuralDefaulter.Apply(value, Type.Structural));
    }

    [Fact]
    public void A_schema_is_rows_of_the_same_table_as_built_in_types()
    {
        var spec = Type.Find("spec")!.Type!;
        Assert.Equal(["apiVersion", "kind", "metadata", "spec"], Type.Fields.Select(f => f.Name));
        Assert.Equal("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", Type.Find("metadata")!.Type!.Name);
        var ports = spec.Find("ports")!;
        Assert.Equal((Cardinality.List, ListType.Map, ValueKind.Object), (ports.Cardinality, ports.ListType, ports.Kind));
        Assert.Equal(["port"], ports.ListMapKeys);
        Assert.Equal((Cardinality.Map, ValueKind.String), (spec.Find("labels")!.Cardinality, spec.Find("labels")!.Kind));
        Assert.Equal(ValueKind.IntOrString, spec.Find("limit")!.Kind);
        Assert.Equal(ListType.Set, spec.Find("tags")!.ListType);
        Assert.True(spec.Find("name")!.IsRequired);
    }

    [Fact]
    public void The_stored_form_has_the_revision_at_its_sorted_place()
    {
        var encoded = ObjectWriter.WriteForStore(Decode("""{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"uid":"u","name":"n","generation":1,"annotations":{"a":"b"}}}""").Object, """[{"manager":"m"}]"""u8, isSorted: true);
        var text = Encoding.UTF8.GetString(encoded.Utf8.Span);
        Assert.Equal("""{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"annotations":{"a":"b"},"generation":1,"managedFields":[{"manager":"m"}],"name":"n","resourceVersion":"","uid":"u"}}""", text);
        Assert.Equal("\",\"uid\"", text.Substring(encoded.ResourceVersionOffset, 7));
    }

    [Fact]
    public void An_object_from_the_store_gets_defaults_that_came_later_and_loses_fields_that_went()
    {
        var value = JsonNode.Parse("""{"metadata":{"name":"n"},"spec":{"gone":1,"name":"a","nested":{"mode":"auto"},"size":3}}""")!.AsObject();
        Assert.True(CustomObjects.Refresh(value, Type.Structural!));
        Assert.Equal("""{"metadata":{"name":"n"},"spec":{"name":"a","nested":{"mode":"auto"},"size":3}}""", Text(value));
        Assert.False(CustomObjects.Refresh(value, Type.Structural!));
    }
}
