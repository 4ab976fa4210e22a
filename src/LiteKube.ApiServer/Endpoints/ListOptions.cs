using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>meta.k8s.io/v1 ListOptions with the rules between its fields checked.</summary>
internal sealed class ListOptions
{
    private const string ContinueVersion = "meta.k8s.io/v1";

    public required Selection Selection { get; init; }

    /// <summary>Keys start with it.</summary>
    public required string Prefix { get; init; }

    /// <summary>The only key, when a field selector demands a name.</summary>
    public string? ExactKey { get; init; }

    /// <summary>0: none was given, or "0".</summary>
    public long ResourceVersion { get; init; }

    /// <summary>The state of exactly <see cref="ResourceVersion"/>.</summary>
    public bool IsExact { get; init; }

    public int Limit { get; init; }
    public string? StartAfter { get; init; }
    public bool AllowWatchBookmarks { get; init; }
    public bool? SendInitialEvents { get; init; }
    public long? TimeoutSeconds { get; init; }

    public static ListOptions Parse(ApiRequest request, ServedResource resource)
    {
        var query = request.Query;
        var selection = Selection.Parse(resource, query.Get("labelSelector"), query.Get("fieldSelector"));
        var ns = request.Info.Namespace;
        if (ns.Length == 0 && resource.Info.Namespaced) ns = selection.Namespace ?? "";
        // A name in the path (the old form of watching one object) narrows as a selector does.
        var name = selection.Name ?? (request.Info.Name.Length > 0 ? request.Info.Name : null);
        var exactKey = name is not null && (ns.Length > 0 || !resource.Info.Namespaced) ? resource.Key(ns, name) : null;
        var version = ParseVersion(query.Get("resourceVersion"));
        var isWatch = request.Info.Verb == "watch";
        var match = query.Get("resourceVersionMatch") ?? "";
        var initial = query.Get("sendInitialEvents") is null ? (bool?)null : query.Flag("sendInitialEvents");
        var token = query.Get("continue");
        Check(isWatch, match, initial, token, query.Get("resourceVersion"));

        string? startAfter = null;
        var isExact = match == "Exact";
        if (!string.IsNullOrEmpty(token))
        {
            (version, var start) = DecodeContinue(token);
            startAfter = resource.KeyRoot + start;
            isExact = version > 0;
        }
        return new ListOptions
        {
            Selection = selection,
            Prefix = exactKey ?? resource.Prefix(ns),
            ExactKey = exactKey,
            ResourceVersion = version,
            IsExact = isExact,
            Limit = (int)Math.Clamp(query.Number("limit") ?? 0, 0, int.MaxValue),
            StartAfter = startAfter,
            AllowWatchBookmarks = query.Flag("allowWatchBookmarks"),
            SendInitialEvents = initial,
            TimeoutSeconds = query.Number("timeoutSeconds"),
        };
    }

    /// <summary>Opaque to clients: the revision of the first page and where the next one starts.</summary>
    public static string EncodeContinue(long revision, string key, ServedResource resource)
    {
        var token = $"{{\"v\":\"{ContinueVersion}\",\"rv\":{revision.ToString(CultureInfo.InvariantCulture)},\"start\":\"{JsonEncodedText.Encode(key[resource.KeyRoot.Length..] + "\0")}\"}}";
        return Base64Url.EncodeToString(Encoding.UTF8.GetBytes(token));
    }

    private static (long Revision, string Start) DecodeContinue(string token)
    {
        JsonNode? decoded;
        try
        {
            decoded = ObjectDecoder.ParseLenient(Base64Url.DecodeFromChars(token));
        }
        catch (Exception exception) when (exception is FormatException or DecodeException)
        {
            throw InvalidContinue(exception.Message);
        }
        if (decoded is not JsonObject fields) throw InvalidContinue("json: cannot unmarshal its value into Go value of type storage.continueToken");
        if (fields.Text("v") is var version and not ContinueVersion) throw InvalidContinue($"server does not recognize this encoded version \"{version}\"");
        if (fields["rv"] is not JsonValue number || !number.TryGetValue<long>(out var revision) || revision == 0) throw InvalidContinue($"incorrect encoded start resourceVersion (version {ContinueVersion})");
        var start = fields.Text("start");
        if (start.Length == 0) throw InvalidContinue($"encoded start key empty (version {ContinueVersion})");
        // A token is made by the server, but comes from anywhere: it must not lead out of the resource.
        foreach (var segment in start.TrimStart('/').Split('/'))
        {
            if (segment is "" or "." or "..") throw InvalidContinue(start);
        }
        return (Math.Max(0, revision), start.TrimStart('/').TrimEnd('\0'));
    }

    private static ApiException InvalidContinue(string why) => ApiException.BadRequest($"continue key is not valid: {why}");

    private static long ParseVersion(string? text)
    {
        if (string.IsNullOrEmpty(text)) return 0;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version)) return version;
        throw new ApiException(400, "BadRequest", $"Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax");
    }

    private static void Check(bool isWatch, string match, bool? initial, string? token, string? version)
    {
        var errors = new FieldErrors();
        var field = FieldPath.Of("resourceVersionMatch");
        if (initial is not null && !isWatch) errors.Forbidden(FieldPath.Of("sendInitialEvents"), "sendInitialEvents is forbidden for list");
        if (isWatch && initial is null && match.Length > 0) errors.Forbidden(field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        if (isWatch && initial is not null && match != "NotOlderThan") errors.Forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        if (!isWatch && match.Length > 0)
        {
            if (match is not ("Exact" or "NotOlderThan")) errors.NotSupported(field, match, "Exact", "NotOlderThan", "");
            if (string.IsNullOrEmpty(version)) errors.Forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided");
            if (match == "Exact" && version == "0") errors.Forbidden(field, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
            if (!string.IsNullOrEmpty(token)) errors.Forbidden(field, "resourceVersionMatch is forbidden when continue is provided");
        }
        if (!string.IsNullOrEmpty(token) && !string.IsNullOrEmpty(version) && version != "0")
            throw ApiException.BadRequest("specifying resource version is not allowed when using continue");
        if (errors.Count > 0) throw ApiException.Invalid(new("meta.k8s.io", "v1", "ListOptions"), "", errors);
    }
}
