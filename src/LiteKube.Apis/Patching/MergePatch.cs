using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Patching;

public static class MergePatch
{
    /// <summary>RFC 7386. The input is not changed.</summary>
    /// <exception cref="PatchException">The patch is no JSON object.</exception>
    public static JsonObject Apply(JsonObject original, ReadOnlySpan<byte> patch)
    {
        var result = original.DeepClone().AsObject();
        Merge(result, PatchBytes.ReadObject(patch));
        return result;
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch.ToArray())
        {
            if (value is null)
                target.Remove(name);
            else if (value is JsonObject change && target[name] is JsonObject child)
                Merge(child, change);
            else
                target[name] = PatchBytes.WithoutNulls(value).DeepClone();
        }
    }
}
