using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Codec;

public sealed class ProtobufReaderTests
{
    public static TheoryData<string> Kinds()
    {
        var kinds = new TheoryData<string>();
        foreach (var name in ApiFixtures.Names)
        {
            if (File.Exists(Path.Combine(ApiFixtures.Folder!, name + ".pb"))) kinds.Add(name);
        }
        return kinds;
    }

    [FixtureTheory]
    [MemberData(nameof(Kinds))]
    public void An_object_says_the_same_in_protobuf_and_in_JSON(string name)
    {
        var bytes = File.ReadAllBytes(Path.Combine(ApiFixtures.Folder!, name + ".pb"));
        var envelope = ProtobufEnvelope.Read(bytes);
        // Kinds that are not served have no schema.
        if (ResourceCatalog.BuiltIn.FindType(envelope.ApiVersion, envelope.Kind) is not { } schema) return;

        var value = ObjectDecoder.DecodeProtobuf(envelope, schema);

        var expected = ObjectDecoder.DecodeJson(ApiFixtures.Read(name), schema, FieldValidation.Ignore).Object;
        Assert.Equal(expected.ToJsonString(), value.ToJsonString());
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3, 4 })]
    [InlineData(new byte[] { 0x6b, 0x38, 0x73, 0, 0x0a, 0x7f })]
    [InlineData(new byte[] { 0x6b, 0x38, 0x73, 0, 0x0b })]
    public void Damaged_bytes_are_refused(byte[] bytes) => Assert.Throws<DecodeException>(() => { _ = ProtobufEnvelope.Read(bytes).Kind; });
}
