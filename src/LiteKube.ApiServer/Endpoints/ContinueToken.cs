using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>Where the next page of a list begins. Opaque to clients; what is wrong with one is told in upstream's words.</summary>
internal static class ContinueToken
{
    private const string Version = "meta.k8s.io/v1";

    /// <param name="revision">Of the first page; -1: the newest there is.</param>
    /// <param name="key">The last one given.</param>
    public static string Encode(long revision, string key, ServedResource resource)
    {
        var token = $"{{\"v\":\"{Version}\",\"rv\":{revision.ToString(CultureInfo.InvariantCulture)},\"start\":\"{JsonEncodedText.Encode(key[resource.KeyRoot.Length..] + "\0")}\"}}";
        return Base64Url.EncodeToString(Encoding.UTF8.GetBytes(token));
    }

    /// <returns>The revision of the first page, 0 for the newest, and the place behind which to go on, below the resource's root.</returns>
    /// <exception cref="ApiException">400.</exception>
    public static (long Revision, string Start) Decode(string token)
    {
        if (CorruptAt(token) is { } at) throw Invalid($"illegal base64 data at input byte {at.ToString(CultureInfo.InvariantCulture)}");
        var json = new byte[Base64Url.GetMaxDecodedLength(token.Length)];
        var fields = Read(json.AsSpan(0, Base64Url.DecodeFromChars(WithoutSpareBits(token), json)));
        if (fields.Version is not Version) throw Invalid($"server does not recognize this encoded version {fields.Version}");
        if (fields.Revision == 0) throw Invalid($"incorrect encoded start resourceVersion (version {Version})");
        if (fields.Start.Length == 0) throw Invalid($"encoded start key empty (version {Version})");
        // A token is made by the server, but comes from anywhere: it must not lead out of the resource.
        var start = fields.Start.StartsWith('/') ? fields.Start[1..] : fields.Start;
        if (start.Split('/').Any(segment => segment is "" or "." or "..")) throw Invalid(fields.Start);
        return (Math.Max(0, fields.Revision), start.TrimEnd('\0'));
    }

    private static (string Version, long Revision, string Start) Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var value = ObjectDecoder.ParseLenient(json);
            if (value is not (JsonObject or null)) throw Invalid($"json: cannot unmarshal {KindOf(value)} into Go value of type storage.continueToken");
            var fields = value as JsonObject;
            foreach (var (name, wanted, type) in (ReadOnlySpan<(string, string, string)>)[("v", "string", "string"), ("rv", "number", "int64"), ("start", "string", "string")])
            {
                if (fields?[name] is { } field && KindOf(field) != wanted) throw Invalid($"json: cannot unmarshal {KindOf(field)} into Go struct field continueToken.{name} of type {type}");
            }
            return (fields.Str("v"), fields.Long("rv"), fields.Str("start"));
        }
        catch (DecodeException exception)
        {
            throw Invalid(exception.Message);
        }
    }

    /// <summary>As encoding/json names it.</summary>
    private static string KindOf(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => "number",
        _ => "bool",
    };

    /// <summary>The first character that is none of base64's, or the last one when it stands alone; null when all is well.</summary>
    private static int? CorruptAt(string token)
    {
        for (var i = 0; i < token.Length; i++)
        {
            if (!char.IsAsciiLetterOrDigit(token[i]) && token[i] is not ('-' or '_')) return i;
        }
        return token.Length % 4 == 1 ? token.Length - 1 : null;
    }

    /// <summary>The last character of an incomplete group has bits that belong to no byte; Go does not look at them, .NET refuses any that is set.</summary>
    private static string WithoutSpareBits(string token)
    {
        const string Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var spare = (token.Length % 4) switch { 2 => 4, 3 => 2, _ => 0 };
        return spare == 0 ? token : token[..^1] + Digits[Digits.IndexOf(token[^1], StringComparison.Ordinal) >> spare << spare];
    }

    private static ApiException Invalid(string why) => ApiException.BadRequest($"invalid continue token: continue key is not valid: {why}");
}
