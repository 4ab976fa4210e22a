using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Patching;

/// <summary>A patch that cannot be read (400) or applied (422, <see cref="IsUnprocessable"/>); the message in Kubernetes' words.</summary>
public sealed class PatchException(string message, bool isUnprocessable = false) : Exception(message)
{
    public bool IsUnprocessable { get; } = isUnprocessable;
}

public static class JsonPatch
{
    /// <summary>RFC 6902, with the limit of 10,000 operations. The input is not changed.</summary>
    public static JsonNode? Apply(JsonNode original, ReadOnlySpan<byte> patch) => throw new NotImplementedException();
}

public static class MergePatch
{
    /// <summary>RFC 7386. The input is not changed.</summary>
    public static JsonObject Apply(JsonObject original, ReadOnlySpan<byte> patch) => throw new NotImplementedException();
}

public static class StrategicMergePatch
{
    /// <summary>Kubernetes' strategic merge: merge keys, $patch, $deleteFromPrimitiveList, $setElementOrder, $retainKeys. The input is not changed.</summary>
    public static JsonObject Apply(JsonObject original, ReadOnlySpan<byte> patch, TypeSchema schema) => throw new NotImplementedException();
}
