using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Codec;
using LiteKube.Apis.OpenApi;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Extensions.Aggregation;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Discovery;

/// <summary>
/// /openapi/v2 and /openapi/v3 (index and a document per group version), each as JSON and as gnostic's protobuf.
/// Documents are made when first asked for, and kept compressed: a cluster whose clients never ask holds none. What other
/// servers publish of their group versions is merged into v2; their documents of v3 they give themselves.
/// </summary>
internal sealed class OpenApiEndpoint(Func<ResourceTable> resources, AggregatedOpenApi remote, AggregationProxy proxy)
{
    private static readonly FormatSet V2 = FormatSet.Of("v2");
    private static readonly FormatSet V3 = FormatSet.Of("v3");

    private const string V3Prefix = "/openapi/v3/";

    private Cache? _cache;

    public ApiResult Handle(ApiRequest request, string path)
    {
        var cache = Current();
        if (path == "/openapi/v2")
        {
            var isProtobuf = V2.IsProtobuf(request.Accept);
            return Document(request, isProtobuf ? cache.V2Protobuf : cache.V2Json, isProtobuf ? V2.Protobuf : ApiResult.Json);
        }
        if (path == "/openapi/v3") return Document(request, cache.V3Index, ApiResult.Json);
        if (!path.StartsWith(V3Prefix, StringComparison.Ordinal)) throw new UnknownPathException();
        var name = path[V3Prefix.Length..];
        if (cache.IsElsewhere(name, out var groupVersion)) return proxy.Handle(request, groupVersion) ?? throw new UnknownPathException();
        var isV3Protobuf = V3.IsProtobuf(request.Accept);
        if (cache.V3(name) is not { } json || (isV3Protobuf ? cache.V3Protobuf(name) : json) is not { } found) throw new UnknownPathException();
        // The hash in the address makes a document immutable: clients keep it for good.
        var isPinned = request.Query.Get("hash") is { Length: > 0 } hash && hash == json.Hash;
        return Document(request, found, isV3Protobuf ? V3.Protobuf : ApiResult.Json, isPinned ? "public, immutable" : "no-cache, private");
    }

    private static ApiResult Document(ApiRequest request, Entity entity, string contentType, string cacheControl = "no-cache, private")
    {
        List<KeyValuePair<string, string>> headers = [new("ETag", $"\"{entity.Hash}\""), new("Vary", "Accept"), new("Cache-Control", cacheControl)];
        if (cacheControl.Contains("immutable", StringComparison.Ordinal)) headers.Add(new("Expires", "Mon, 01 Jan 2125 00:00:00 GMT"));
        if (request.IfNoneMatch is { } known && known.Contains(entity.Hash, StringComparison.Ordinal))
            return new BytesResult(default) { StatusCode = 304, ContentType = contentType, Headers = headers };
        return new CompressedResult(entity.Gzip) { ContentType = contentType, Headers = headers };
    }

    /// <summary>The media types of one version of OpenAPI.</summary>
    /// <param name="Protobuf">As it is answered.</param>
    /// <param name="Old">Asked for by clients, but no valid media type (RFC 9110 has no "@" in a token): Go's parser refuses it in an answer.</param>
    private sealed record FormatSet(string Protobuf, string Old)
    {
        public static FormatSet Of(string version) => new($"application/com.github.proto-openapi.spec.{version}.v1.0+protobuf", $"application/com.github.proto-openapi.spec.{version}@v1.0+protobuf");

        /// <exception cref="ApiException">406: neither form is accepted.</exception>
        public bool IsProtobuf(string? accept)
        {
            if (string.IsNullOrEmpty(accept)) return false;
            foreach (var clause in AcceptClause.Parse(accept))
            {
                var type = $"{clause.Type}/{clause.SubType}";
                if (type is "application/json" or "application/*" or "*/*") return false;
                if (type == Protobuf || type == Old) return true;
            }
            throw MediaTypes.NotAcceptable($"only the following media types are accepted: {ApiResult.Json}, {Protobuf}");
        }
    }

    private Cache Current()
    {
        var (catalog, specs) = (resources().Catalog, remote.Specs);
        var cache = _cache;
        return cache is not null && ReferenceEquals(cache.Catalog, catalog) && ReferenceEquals(cache.Specs, specs) ? cache : _cache = new Cache(catalog, specs, remote, cache);
    }

    private sealed class Entity
    {
        public Entity(byte[] body)
        {
            Hash = Convert.ToHexString(SHA512.HashData(body));
            var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(body);
            Gzip = packed.ToArray();
        }

        public string Hash { get; }
        public byte[] Gzip { get; }
    }

    /// <param name="before">The documents of the catalog before this one: a CRD changes those of its own versions only.</param>
    /// <param name="specs">Of other servers.</param>
    private sealed class Cache(ResourceCatalog catalog, ImmutableDictionary<GroupVersion, RemoteSpec> specs, AggregatedOpenApi remote, Cache? before)
    {
        private readonly Dictionary<GroupVersion, Lazy<Entity?>> _kept = before is null ? [] : Unchanged(before, catalog);
        private readonly Lazy<Entity> _v2Json = new(() => new(specs.IsEmpty ? OpenApiDocuments.BuildV2Json(catalog) : ObjectWriter.Write(remote.Merge(OpenApiDocuments.BuildV2Tree(catalog), specs))));
        private readonly Lazy<Entity> _v2Protobuf = new(() => new(specs.IsEmpty ? OpenApiDocuments.BuildV2Protobuf(catalog) : OpenApiDocuments.EncodeV2(remote.Merge(OpenApiDocuments.BuildV2Tree(catalog), specs))));
        private readonly ConcurrentDictionary<string, Lazy<Entity?>> _v3 = new(StringComparer.Ordinal);
        private readonly ConcurrentDictionary<string, Lazy<Entity?>> _v3Protobuf = new(StringComparer.Ordinal);
        private Entity? _index;

        public ResourceCatalog Catalog => catalog;
        public ImmutableDictionary<GroupVersion, RemoteSpec> Specs => specs;
        public Entity V2Json => _v2Json.Value;
        public Entity V2Protobuf => _v2Protobuf.Value;
        public Entity V3Index => _index ??= BuildIndex();

        /// <param name="path">"api/v1", "apis/apps/v1"; null for what the catalog does not have, which is not kept.</param>
        public Entity? V3(string path)
        {
            var groupVersion = GroupVersionOf(path);
            if (groupVersion.Version is not null && specs.TryGetValue(groupVersion, out var spec)) return spec.V3 is { } made ? _v3.GetOrAdd(path, _ => new(() => new Entity(made.Json))).Value : null;
            if (groupVersion.Version is null || !catalog.Groups.Any(g => g.Group == groupVersion.Group && g.Versions.Contains(groupVersion.Version))) return null;
            if (_kept.TryGetValue(groupVersion, out var kept)) return kept.Value;
            return _v3.GetOrAdd(path, _ => new(() => OpenApiDocuments.BuildV3Json(catalog, groupVersion) is { } body ? new Entity(body) : null)).Value;
        }

        /// <summary>Whether another server gives the document itself.</summary>
        public bool IsElsewhere(string path, out GroupVersion groupVersion)
        {
            groupVersion = specs.IsEmpty ? default : GroupVersionOf(path);
            return groupVersion.Version is not null && specs.TryGetValue(groupVersion, out var spec) && spec.V3Url is not null;
        }

        /// <param name="path">Of a document that <see cref="V3"/> has.</param>
        public Entity? V3Protobuf(string path) =>
            _v3Protobuf.GetOrAdd(path, _ => new(() => EncodeV3(GroupVersionOf(path)) is { } body ? new Entity(body) : null)).Value;

        private byte[]? EncodeV3(GroupVersion groupVersion) => specs.TryGetValue(groupVersion, out var spec) ? spec.V3?.Protobuf : OpenApiDocuments.BuildV3Protobuf(catalog, groupVersion);

        private static GroupVersion GroupVersionOf(string path) => path.Split('/') switch
        {
            ["api", var version] => new GroupVersion("", version),
            ["apis", var group, var version] => new GroupVersion(group, version),
            _ => default,
        };

        private static Dictionary<GroupVersion, Lazy<Entity?>> Unchanged(Cache before, ResourceCatalog catalog)
        {
            var was = before.Catalog.Resources.ToLookup(r => r.Resource.GroupVersion);
            var now = catalog.Resources.ToLookup(r => r.Resource.GroupVersion);
            var kept = new Dictionary<GroupVersion, Lazy<Entity?>>();
            foreach (var (groupVersion, document) in before.Documents())
            {
                if (document.IsValueCreated && now.Contains(groupVersion) && was[groupVersion].SequenceEqual(now[groupVersion])) kept[groupVersion] = document;
            }
            return kept;
        }

        private IEnumerable<(GroupVersion GroupVersion, Lazy<Entity?> Document)> Documents() =>
            _v3.Select(p => (GroupVersionOf(p.Key), p.Value)).Where(d => !specs.ContainsKey(d.Item1)).Concat(_kept.Select(p => (p.Key, p.Value)));

        private Entity BuildIndex()
        {
            var paths = new JsonObject();
            foreach (var (group, versions) in catalog.Groups)
            {
                foreach (var version in versions)
                {
                    var path = group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}";
                    Add(paths, path);
                }
            }
            foreach (var groupVersion in specs.Keys.OrderBy(v => v.ToString(), StringComparer.Ordinal)) Add(paths, ApiService.PathOf(groupVersion)[1..]);
            return new(ObjectWriter.Write(new JsonObject { ["paths"] = paths }));
        }

        private void Add(JsonObject paths, string path)
        {
            if (IsElsewhere(path, out var groupVersion)) paths[path] = new JsonObject { ["serverRelativeURL"] = specs[groupVersion].V3Url };
            else if (V3(path) is { } document) paths[path] = new JsonObject { ["serverRelativeURL"] = $"/openapi/v3/{path}?hash={document.Hash}" };
        }
    }
}
