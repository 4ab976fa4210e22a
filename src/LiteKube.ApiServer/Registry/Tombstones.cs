using LiteKube.Apis.Codec;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Registry;

/// <summary>What watchers of a removed object get: its last state, with a place for the revision of the removal.</summary>
internal static class Tombstones
{
    public static ValueTemplate Of(StoredValue value)
    {
        var encoded = ObjectWriter.WriteForStore(ObjectView.Of(value).Decode());
        return new ValueTemplate(encoded.Utf8, encoded.ResourceVersionOffset);
    }
}
