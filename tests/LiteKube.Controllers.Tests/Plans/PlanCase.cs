using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using LiteKube.Apis;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Defaulting;
using LiteKube.Apis.Schema;
using LiteKube.Client.Json;

namespace LiteKube.Controllers.Tests.Plans;

/// <summary>
/// The objects of one case, as the API server would have stored them: read strictly, with their defaults, and, where
/// the file does not say otherwise, in namespace "default", an hour old, and with their name as uid.
/// </summary>
internal sealed class PlanCase
{
    /// <summary>For all cases.</summary>
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly List<JsonObject> _documents;

    private PlanCase(List<JsonObject> documents) => _documents = documents;

    /// <summary>The folder of the kinds' folders.</summary>
    public static string Root { get; } = FindRoot();

    /// <exception cref="InvalidDataException">The file does not begin with a comment that says what it shows.</exception>
    public static PlanCase Read(string path)
    {
        var text = File.ReadAllText(path);
        if (!text.StartsWith("# ", StringComparison.Ordinal))
            throw new InvalidDataException($"{path} does not say in its first line what it shows");
        return new PlanCase([.. text.Split("\n---\n").Select(document => Decode(Encoding.UTF8.GetBytes(document)))]);
    }

    public IReadOnlyList<T> All<T>(string kind) where T : class =>
        [.. _documents.Where(d => (string?)d["kind"] == kind).Select(d => KubeJson.Deserialize<T>(Encoding.UTF8.GetBytes(d.ToJsonString())))];

    public T One<T>(string kind) where T : class => All<T>(kind) is [var one] ? one : throw new InvalidDataException($"one {kind} is needed, there are {All<T>(kind).Count}");

    public IReadOnlyList<V1Pod> Pods => All<V1Pod>("Pod");

    /// <summary>Documents that are no objects of the server's own: what metrics servers say, what is only in memory.</summary>
    public IReadOnlyList<JsonObject> Raw(string kind) => [.. _documents.Where(d => (string?)d["kind"] == kind)];

    /// <summary>Pods that the owner controls: those that name no other controller.</summary>
    public IReadOnlyList<V1Pod> PodsOf(IKubernetesObject<V1ObjectMeta> owner) =>
        [.. Pods.Where(p => p.Metadata.OwnerReferences is not { Count: > 0 } owners || owners.Any(o => o.Uid == owner.Metadata.Uid))];

    private static JsonObject Decode(byte[] yaml)
    {
        var raw = ObjectDecoder.ParseYaml(yaml)?.AsObject() ?? throw new InvalidDataException("an empty document");
        var (apiVersion, kind) = ((string?)raw["apiVersion"] ?? "", (string?)raw["kind"] ?? "");
        if (ResourceCatalog.BuiltIn.FindType(apiVersion, kind) is not { } schema)
            return raw;
        var value = ObjectDecoder.DecodeYaml(yaml, schema, FieldValidation.Strict).Object;
        var (group, version) = apiVersion.Split('/') is [var g, var v] ? (g, v) : ("", apiVersion);
        var metadata = value["metadata"]!.AsObject();
        metadata["uid"] ??= (string?)metadata["name"];
        if (ResourceCatalog.BuiltIn.TryFindKind(group, version, kind, out var info) && info.Namespaced)
            metadata["namespace"] ??= "default";
        if (metadata["creationTimestamp"] is null)
            metadata["creationTimestamp"] = "2026-01-01T11:00:00Z";
        Defaulter.Apply(new GroupVersionKind(group, version, kind), value);
        return value;
    }

    private static string FindRoot([CallerFilePath] string thisFile = "") => Path.GetDirectoryName(thisFile)!;
}
