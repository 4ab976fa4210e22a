using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Tests.Codec;

public sealed class ProtobufReaderTests
{
    [Theory]
    [InlineData(new byte[] { 1, 2, 3, 4 })]
    [InlineData(new byte[] { 0x6b, 0x38, 0x73, 0, 0x0a, 0x7f })]
    [InlineData(new byte[] { 0x6b, 0x38, 0x73, 0, 0x0b })]
    public void Damaged_bytes_are_refused(byte[] bytes) => Assert.Throws<DecodeException>(() => { _ = ProtobufEnvelope.Read(bytes).Kind; });
}
