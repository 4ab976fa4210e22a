namespace LiteKube.ApiServer.Endpoints;

internal enum Representation
{
    Json,
    Yaml,
    Table,
    PartialMetadata,
}

/// <param name="Version">meta.k8s.io version of a Table or PartialObjectMetadata.</param>
internal readonly record struct AcceptedType(Representation Representation, string Version = "v1")
{
    public static readonly AcceptedType Json = new(Representation.Json);
}

/// <summary>Content negotiation (https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources).</summary>
internal static class MediaTypes
{
    public const string JsonPatch = "application/json-patch+json";
    public const string MergePatch = "application/merge-patch+json";
    public const string StrategicMergePatch = "application/strategic-merge-patch+json";
    public const string ApplyPatch = "application/apply-patch+yaml";

    private const string Supported = "application/json, application/yaml";

    /// <summary>The first clause of an Accept header that can be served.</summary>
    /// <exception cref="ApiException">406: none can.</exception>
    public static AcceptedType Negotiate(string? accept, bool hasTable = true)
    {
        if (string.IsNullOrEmpty(accept) || accept is "application/json" or "*/*" or "application/json, */*") return AcceptedType.Json;
        AcceptedType? best = null;
        var bestQuality = 0.0;
        foreach (var range in accept.AsSpan().Split(','))
        {
            if (Read(accept.AsSpan(range).Trim(), hasTable, out var quality) is not { } type || quality <= bestQuality) continue;
            (best, bestQuality) = (type, quality);
        }
        return best ?? throw new ApiException(406, "NotAcceptable", $"only the following media types are accepted: {Supported}");
    }

    /// <summary>Whether a clause of the header names this type and parameter set: discovery's documents.</summary>
    public static bool Names(string? accept, string mediaType) => accept is not null && accept.Contains(mediaType, StringComparison.OrdinalIgnoreCase);

    /// <summary>A content type without its parameters, in lower case.</summary>
    public static string Bare(string? contentType)
    {
        if (string.IsNullOrEmpty(contentType)) return "";
        var end = contentType.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? contentType : contentType[..end]).Trim().ToLowerInvariant();
    }

    private static AcceptedType? Read(ReadOnlySpan<char> clause, bool hasTable, out double quality)
    {
        quality = 1.0;
        var isFirst = true;
        ReadOnlySpan<char> type = default, shape = default, version = default, group = default;
        foreach (var range in clause.Split(';'))
        {
            var part = clause[range].Trim();
            if (isFirst)
            {
                type = part;
                isFirst = false;
                continue;
            }
            var equals = part.IndexOf('=');
            if (equals < 0) continue;
            var name = part[..equals];
            var value = part[(equals + 1)..].Trim('"');
            if (name is "as") shape = value;
            else if (name is "v") version = value;
            else if (name is "g") group = value;
            else if (name is "q" && !double.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out quality)) quality = 0;
        }
        if (type is "application/yaml") return shape.Length == 0 ? new(Representation.Yaml) : null;
        if (type is not ("application/json" or "*/*" or "application/*")) return null;
        if (shape.Length == 0) return AcceptedType.Json;
        if (group is not "meta.k8s.io" || version is not ("v1" or "v1beta1")) return null;
        if (shape is "Table") return hasTable ? new(Representation.Table, version.ToString()) : null;
        if (shape is "PartialObjectMetadata" or "PartialObjectMetadataList") return new(Representation.PartialMetadata, version.ToString());
        return null;
    }
}
