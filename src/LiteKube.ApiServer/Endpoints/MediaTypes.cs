using System.Globalization;
using LiteKube.Apis.Codec;

namespace LiteKube.ApiServer.Endpoints;

internal enum BodyFormat
{
    Json,
    Yaml,
    Protobuf,
}

internal enum BodyShape
{
    Whole,
    Table,
    PartialMetadata,
    PartialMetadataList,
    AggregatedDiscovery,
}

/// <summary>What an endpoint can make of its answer besides JSON and YAML.</summary>
[Flags]
internal enum Offers
{
    None = 0,
    Protobuf = 1,
    Table = 2,
    PartialMetadata = 4,
    AggregatedDiscovery = 8,
    Resource = Protobuf | Table | PartialMetadata,
    /// <summary>No schema gives a custom resource protobuf numbers; its metadata has them.</summary>
    CustomResource = Table | PartialMetadata,
}

/// <param name="Version">meta.k8s.io version of a Table or PartialObjectMetadata.</param>
/// <param name="IsPretty">Indented JSON; no other format has such a form.</param>
internal readonly record struct AcceptedType(BodyFormat Format, BodyShape Shape = BodyShape.Whole, string Version = "v1", bool IsPretty = false)
{
    public static readonly AcceptedType Json = new(BodyFormat.Json);

    /// <summary>The stored bytes are the answer.</summary>
    public bool IsPlainJson => Format == BodyFormat.Json && Shape == BodyShape.Whole && !IsPretty;

    public string ContentType => Format switch { BodyFormat.Yaml => MediaTypes.Yaml, BodyFormat.Protobuf => ProtobufEnvelope.ContentType, _ => ApiResult.Json };
}

/// <summary>Content negotiation (https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources).</summary>
internal static class MediaTypes
{
    public const string Yaml = "application/yaml";
    public const string JsonPatch = "application/json-patch+json";
    public const string MergePatch = "application/merge-patch+json";
    public const string StrategicMergePatch = "application/strategic-merge-patch+json";
    public const string ApplyPatch = "application/apply-patch+yaml";

    private const string Supported = $"{ApiResult.Json}, {Yaml}, {ProtobufEnvelope.ContentType}";
    private const string SupportedStreams = $"{ApiResult.Json};stream=watch, {ProtobufEnvelope.ContentType};stream=watch";

    private static readonly (string SubType, BodyFormat Format)[] Formats = [("json", BodyFormat.Json), ("yaml", BodyFormat.Yaml), ("vnd.kubernetes.protobuf", BodyFormat.Protobuf)];

    /// <summary>The first clause of the request's Accept header that can be served.</summary>
    /// <exception cref="ApiException">406: none can.</exception>
    public static AcceptedType Negotiate(ApiRequest request, Offers offers = Offers.Resource)
    {
        if (!TryNegotiate(request.Accept, offers, out var accepted)) throw NotAcceptable($"only the following media types are accepted: {Supported}");
        return !accepted.IsPretty && accepted.Format == BodyFormat.Json && WantsPretty(request) ? accepted with { IsPretty = true } : accepted;
    }

    /// <summary>As above for a watch, which has no YAML form and is never indented.</summary>
    public static AcceptedType NegotiateWatch(ApiRequest request, Offers offers)
    {
        if (!TryNegotiate(request.Accept, offers, out var accepted)) throw NotAcceptable($"only the following media types are accepted: {Supported}");
        if (accepted.Format == BodyFormat.Yaml) throw NotAcceptable($"only the following media types are accepted: {SupportedStreams}");
        return accepted;
    }

    public static ApiException NotAcceptable(string message) => new(406, "NotAcceptable", message);

    public static bool TryNegotiate(string? accept, Offers offers, out AcceptedType accepted)
    {
        accepted = AcceptedType.Json;
        // What almost every client sends.
        if (string.IsNullOrEmpty(accept) || accept is "application/json" or "*/*" or "application/json, */*") return true;
        if (offers.HasFlag(Offers.Protobuf) && accept is (ProtobufEnvelope.ContentType or ProtobufEnvelope.ContentType + ", */*" or ProtobufEnvelope.ContentType + ",application/json"))
        {
            accepted = new AcceptedType(BodyFormat.Protobuf);
            return true;
        }
        foreach (var clause in AcceptClause.Parse(accept))
        {
            foreach (var (subType, format) in Formats)
            {
                var isNamed = clause.Type == "application" && (clause.SubType == subType || clause.SubType == "*");
                if ((isNamed || clause is { Type: "*", SubType: "*" }) && TryAccept(clause, format, offers, out accepted)) return true;
            }
        }
        accepted = AcceptedType.Json;
        return false;
    }

    /// <summary>A content type without its parameters, in lower case.</summary>
    public static string Bare(string? contentType)
    {
        if (string.IsNullOrEmpty(contentType)) return "";
        var end = contentType.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? contentType : contentType[..end]).Trim().ToLowerInvariant();
    }

    private static bool TryAccept(AcceptClause clause, BodyFormat format, Offers offers, out AcceptedType accepted)
    {
        accepted = new AcceptedType(format);
        string? shape = null, group = null, version = null;
        foreach (var (name, value) in clause.Parameters)
        {
            switch (name)
            {
                case "as": shape = value; break;
                case "g": group = value; break;
                case "v": version = value; break;
                case "pretty": accepted = accepted with { IsPretty = value == "1" && format == BodyFormat.Json }; break;
                case "stream" when value.Length > 0 && (value != "watch" || format == BodyFormat.Yaml): return false;
                case "sv" when value.Length > 0 && value != "v1": return false;
            }
        }
        if (shape is null && group is null && version is null) return format != BodyFormat.Protobuf || offers.HasFlag(Offers.Protobuf);
        if (ShapeOf(shape, group, version, format, offers) is not { } wanted) return false;
        accepted = accepted with { Shape = wanted, Version = version! };
        return true;
    }

    private static BodyShape? ShapeOf(string? shape, string? group, string? version, BodyFormat format, Offers offers) => (shape, group, version) switch
    {
        // Kubernetes has no protobuf form of a table.
        ("Table", "meta.k8s.io", "v1" or "v1beta1") when offers.HasFlag(Offers.Table) && format != BodyFormat.Protobuf => BodyShape.Table,
        ("PartialObjectMetadata", "meta.k8s.io", "v1" or "v1beta1") when offers.HasFlag(Offers.PartialMetadata) => BodyShape.PartialMetadata,
        ("PartialObjectMetadataList", "meta.k8s.io", "v1" or "v1beta1") when offers.HasFlag(Offers.PartialMetadata) => BodyShape.PartialMetadataList,
        ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2") when offers.HasFlag(Offers.AggregatedDiscovery) => BodyShape.AggregatedDiscovery,
        _ => null,
    };

    /// <summary>Asked for by the query, or by a client behind which a person sits.</summary>
    private static bool WantsPretty(ApiRequest request)
    {
        if (request.RawQuery.Contains("pretty", StringComparison.Ordinal) && request.Query.Get("pretty") is { Length: > 0 } value)
            return value is "1" or "t" or "T" or "TRUE" or "true" or "True";
        return request.UserAgent is { } agent && (agent.StartsWith("curl", StringComparison.Ordinal) || agent.StartsWith("Wget", StringComparison.Ordinal) || agent.StartsWith("Mozilla/5.0", StringComparison.Ordinal));
    }
}

/// <summary>One clause of an Accept header (RFC 9110).</summary>
internal sealed record AcceptClause(string Type, string SubType, double Quality, IReadOnlyList<(string Name, string Value)> Parameters)
{
    /// <summary>The clauses in the order in which Kubernetes tries them: by quality, wildcards behind.</summary>
    public static List<AcceptClause> Parse(string header)
    {
        var clauses = new List<AcceptClause>();
        foreach (var range in header.AsSpan().Split(','))
        {
            if (Read(header.AsSpan(range).Trim()) is { } clause) clauses.Add(clause);
        }
        // By insertion, as upstream sorts: the order is not a total one, so that another way would give another result.
        for (var i = 1; i < clauses.Count; i++)
        {
            for (var j = i; j > 0 && IsBefore(clauses[j], clauses[j - 1]); j--) (clauses[j], clauses[j - 1]) = (clauses[j - 1], clauses[j]);
        }
        return clauses;
    }

    private static bool IsBefore(AcceptClause a, AcceptClause b) =>
        a.Quality > b.Quality || (a.Type != "*" && b.Type == "*") || (a.SubType != "*" && b.SubType == "*");

    private static AcceptClause? Read(ReadOnlySpan<char> text)
    {
        var end = text.IndexOf(';');
        var media = end < 0 ? text : text[..end];
        var slash = media.IndexOf('/');
        var type = (slash < 0 ? media : media[..slash]).Trim().ToString();
        if (slash < 0 && type != "*") return null;
        var subType = slash < 0 ? "*" : media[(slash + 1)..].Trim().ToString();
        if (subType.Contains('/', StringComparison.Ordinal)) return null;
        var quality = 1.0;
        var parameters = new List<(string, string)>();
        foreach (var range in end < 0 ? default : text[(end + 1)..].Split(';'))
        {
            var parameter = text[(end + 1)..][range];
            var equals = parameter.IndexOf('=');
            if (equals < 0 || parameter[(equals + 1)..].Contains('=')) continue;
            var (name, value) = (parameter[..equals].Trim().ToString(), parameter[(equals + 1)..].Trim().ToString());
            if (name == "q") quality = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : 0;
            else parameters.Add((name, value));
        }
        return new AcceptClause(type, subType, quality, parameters);
    }
}
