using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Patching;

/// <summary>What the kinds of patches have in common.</summary>
internal static class PatchBytes
{
    public static JsonObject ReadObject(ReadOnlySpan<byte> patch)
    {
        var node = Read(patch);
        return node as JsonObject ?? throw new PatchException($"error decoding patch: json: cannot unmarshal {KindOf(node)} into Go value of type map[string]interface {{}}");
    }

    public static JsonNode? Read(ReadOnlySpan<byte> patch)
    {
        try
        {
            return ObjectDecoder.ParseLenient(patch);
        }
        catch (DecodeException e)
        {
            throw new PatchException("error decoding patch: " + e.Message);
        }
    }

    public static string KindOf(JsonNode? node) => node switch
    {
        null => "null",
        JsonObject => "object",
        JsonArray => "array",
        _ => node.GetValueKind() switch
        {
            System.Text.Json.JsonValueKind.String => "string",
            System.Text.Json.JsonValueKind.Number => "number",
            _ => "bool",
        },
    };

    /// <summary>Takes null fields out of objects, however deep: a value that is new has nothing for them to delete. Changes <paramref name="node"/>.</summary>
    public static JsonNode WithoutNulls(JsonNode node)
    {
        switch (node)
        {
            case JsonObject o:
                foreach (var (name, value) in o.ToArray())
                {
                    if (value is null)
                        o.Remove(name);
                    else
                        WithoutNulls(value);
                }

                break;
            case JsonArray a:
                foreach (var element in a)
                {
                    if (element is not null)
                        WithoutNulls(element);
                }

                break;
        }

        return node;
    }
}
