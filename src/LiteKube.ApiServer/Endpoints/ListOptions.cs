using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>meta.k8s.io/v1 ListOptions with the rules between its fields checked.</summary>
internal sealed class ListOptions
{
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
        if (request.Info.Name.Length > 0 && selection.HasFields && selection.Name != request.Info.Name) throw ApiException.BadRequest("fieldSelector metadata.name doesn't match requested name");
        var isWatch = request.Info.Verb == "watch";
        var match = query.Get("resourceVersionMatch") ?? "";
        var initial = query.Get("sendInitialEvents") is null ? (bool?)null : query.Flag("sendInitialEvents");
        var token = query.Get("continue");
        Check(isWatch, match, initial, token, query.Get("resourceVersion"));
        var version = ParseVersion(resource, !isWatch, query.Get("resourceVersion"));
        var limit = (int)Math.Clamp(query.Number("limit") ?? 0, 0, int.MaxValue);
        // A watch from nothing begins with what is there, and says where that ends (KEP-3157).
        if (isWatch && initial is null && match.Length == 0 && version == 0) initial = true;

        string? startAfter = null;
        // Without a match, a limit asks for the very version: its pages belong together.
        var isExact = match == "Exact" || (match.Length == 0 && limit > 0 && version > 0 && exactKey is null);
        if (!string.IsNullOrEmpty(token))
        {
            (version, var start) = ContinueToken.Decode(token);
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
            Limit = limit,
            StartAfter = startAfter,
            AllowWatchBookmarks = query.Flag("allowWatchBookmarks"),
            SendInitialEvents = initial,
            TimeoutSeconds = query.Number("timeoutSeconds"),
        };
    }

    /// <exception cref="ApiException">Of a list 400, else 422: it is no number.</exception>
    public static long ParseVersion(ServedResource resource, bool isList, string? text)
    {
        if (string.IsNullOrEmpty(text)) return 0;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version)) return version;
        var why = $"strconv.ParseUint: parsing \"{text}\": {(text.All(char.IsAsciiDigit) ? "value out of range" : "invalid syntax")}";
        var errors = new FieldErrors();
        errors.Invalid(FieldPath.Of("resourceVersion"), text, why);
        throw !isList
            ? ApiException.Invalid(resource.Info.GroupVersionKind with { Kind = resource.Info.Resource.Resource }, "", errors)
            : ApiException.BadRequest($"invalid resource version: {errors}");
    }

    /// <summary>The rules between the parameters, in the order in which Kubernetes tells of them.</summary>
    private static void Check(bool isWatch, string match, bool? initial, string? token, string? version)
    {
        var errors = new FieldErrors();
        var field = FieldPath.Of("resourceVersionMatch");
        if (isWatch && initial is not null && match != "NotOlderThan") errors.Forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        if (isWatch && match.Length > 0)
        {
            if (initial is null) errors.Forbidden(field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
            if (match != "NotOlderThan") errors.NotSupported(field, match, "NotOlderThan");
            if (!string.IsNullOrEmpty(token)) errors.Forbidden(field, "resourceVersionMatch is forbidden when continue is provided");
        }
        if (!isWatch && match.Length > 0)
        {
            if (string.IsNullOrEmpty(version)) errors.Forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided");
            if (!string.IsNullOrEmpty(token)) errors.Forbidden(field, "resourceVersionMatch is forbidden when continue is provided");
            if (match is not ("Exact" or "NotOlderThan")) errors.Unsupported(field, match, ["Exact", "NotOlderThan", ""]);
            if (match == "Exact" && version == "0") errors.Forbidden(field, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
        }
        if (!isWatch && initial is not null) errors.Forbidden(FieldPath.Of("sendInitialEvents"), "sendInitialEvents is forbidden for list");
        if (errors.Count > 0) throw ApiException.Invalid(new("meta.k8s.io", "v1", "ListOptions"), "", errors);
        if (!isWatch && !string.IsNullOrEmpty(token) && !string.IsNullOrEmpty(version) && version != "0")
            throw ApiException.BadRequest("specifying resource version is not allowed when using continue");
    }
}
