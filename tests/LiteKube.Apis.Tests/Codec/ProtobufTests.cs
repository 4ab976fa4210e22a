using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Codec;

public sealed class ProtobufTests
{
    private static TypeSchema SchemaOf(ProtobufEnvelope envelope, string name)
    {
        // A WatchEvent's envelope says neither.
        var (apiVersion, kind) = envelope.Kind.Length > 0 ? (envelope.ApiVersion, envelope.Kind) : ("v1", name.Split('.')[^1]);
        return ApiFixtures.TypeOf(apiVersion, kind);
    }

    [FixtureTheory]
    [MemberData(nameof(ApiFixtures.All), MemberType = typeof(ApiFixtures))]
    public void An_object_survives_the_way_from_protobuf_to_JSON_and_back_byte_for_byte(string name)
    {
        var bytes = ApiFixtures.ReadProtobuf(name);
        var envelope = ProtobufEnvelope.Read(bytes);
        var schema = SchemaOf(envelope, name);

        var json = ObjectWriter.Write(ObjectDecoder.DecodeProtobuf(envelope, schema));
        var written = ProtobufEnvelope.Write(json, schema, envelope.ApiVersion, envelope.Kind).Bytes;

        Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(written));
    }

    [FixtureTheory]
    [MemberData(nameof(ApiFixtures.All), MemberType = typeof(ApiFixtures))]
    public void An_object_survives_the_way_from_JSON_to_protobuf_and_back_byte_for_byte(string name)
    {
        var envelope = ProtobufEnvelope.Read(ApiFixtures.ReadProtobuf(name));
        var schema = SchemaOf(envelope, name);
        var json = ObjectWriter.Write(ObjectDecoder.DecodeJson(ApiFixtures.ReadExpected(name), schema, FieldValidation.Strict).Object);

        var written = ProtobufEnvelope.Write(json, schema, envelope.ApiVersion, envelope.Kind).Bytes;
        var again = ObjectWriter.Write(ObjectDecoder.DecodeProtobuf(ProtobufEnvelope.Read(written), schema));

        Assert.Equal(WithTypeMeta(json, envelope), Encoding.UTF8.GetString(again));
    }

    /// <summary>Some kinds say neither kind nor version of themselves in JSON; the envelope always does.</summary>
    private static string WithTypeMeta(byte[] json, ProtobufEnvelope envelope)
    {
        var value = JsonNode.Parse(json)!.AsObject();
        if (envelope.Kind.Length == 0) return Encoding.UTF8.GetString(json);
        if (!value.ContainsKey("kind")) value.Insert(0, "kind", envelope.Kind);
        if (!value.ContainsKey("apiVersion")) value.Insert(1, "apiVersion", envelope.ApiVersion);
        return Encoding.UTF8.GetString(ObjectWriter.Write(value));
    }

    [Theory]
    [InlineData("v1", "Pod")]
    [InlineData("apps/v1", "Deployment")]
    [InlineData("coordination.k8s.io/v1", "Lease")]
    [InlineData("v1", "Status")]
    public void An_object_with_nothing_set_has_the_zero_values_that_Go_writes(string apiVersion, string kind)
    {
        var schema = ResourceCatalog.BuiltIn.FindType(apiVersion, kind)!;
        var empty = ObjectDecoder.DecodeJson(Encoding.UTF8.GetBytes($$"""{"kind":"{{kind}}","apiVersion":"{{apiVersion}}"}"""), schema, FieldValidation.Strict).Object;

        var written = ProtobufEnvelope.Write("{}"u8, schema, apiVersion, kind);

        Assert.False(written.Message.IsEmpty);
        Assert.Equal(Convert.ToHexString(written.Bytes), Convert.ToHexString(ProtobufEnvelope.Write(ObjectWriter.Write(empty), schema, apiVersion, kind).Bytes));
        Assert.Equal(empty.ToJsonString(), ObjectDecoder.DecodeProtobuf(ProtobufEnvelope.Read(written.Bytes), schema).ToJsonString());
    }

    [Fact]
    public void Texts_times_and_numbers_of_every_form_come_through()
    {
        var schema = ResourceCatalog.BuiltIn.FindType("v1", "Event")!;
        const string Json = """{"kind":"Event","apiVersion":"v1","metadata":{"name":"a\u003cb\n\u20ac\ud83d\ude00","creationTimestamp":"1969-12-31T23:59:59Z"},"involvedObject":{},"source":{},"firstTimestamp":null,"lastTimestamp":"2024-02-29T00:00:00Z","count":-1,"eventTime":"2024-05-01T10:20:30.000001Z","series":{"count":2147483647,"lastObservedTime":null},"reportingComponent":"","reportingInstance":""}""";

        var written = ProtobufEnvelope.Write(Encoding.UTF8.GetBytes(Json), schema, "v1", "Event").Bytes;

        Assert.Equal(
            ObjectDecoder.DecodeJson(Encoding.UTF8.GetBytes(Json), schema, FieldValidation.Strict).Object.ToJsonString(),
            ObjectDecoder.DecodeProtobuf(ProtobufEnvelope.Read(written), schema).ToJsonString());
    }

    [Fact]
    public void What_has_no_protobuf_form_is_known()
    {
        Assert.False(ProtobufEnvelope.Encodes(ResourceCatalog.BuiltIn.FindType("meta.k8s.io/v1", "Table")!));
        Assert.True(ProtobufEnvelope.Encodes(ResourceCatalog.BuiltIn.FindType("meta.k8s.io/v1", "PartialObjectMetadataList")!));
    }

    [Fact]
    public void Every_field_of_every_served_kind_has_its_number()
    {
        var incomplete = ResourceCatalog.BuiltIn.Resources.Where(r => !ProtobufEnvelope.Encodes(r.Schema)).Select(r => r.ToString());
        Assert.Empty(incomplete);
    }
}
