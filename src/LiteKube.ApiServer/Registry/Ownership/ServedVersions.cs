using System.Text.Json.Nodes;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Ownership;

/// <summary>The versions in which one stored kind is served, and the way from one to the other over the stored one.</summary>
internal sealed class ServedVersions(IReadOnlyList<ServedResource> resources) : IObjectVersions
{
    public VersionedObject? Convert(VersionedObject value, string apiVersion)
    {
        if (value.ApiVersion == apiVersion) return value;
        if (Find(value.ApiVersion) is not { } from || Find(apiVersion) is not { } to) return null;
        var stored = from.Converter is null ? value.Value : from.Converter.ToStored(value.Value);
        var served = to.Converter is null ? stored : to.Converter.FromStored(stored);
        return new(Canonical(served, to.Info.Schema), to.MergeSchema, apiVersion);
    }

    // Pruned objects come with nulls where canonical ones have nothing.
    private static JsonObject Canonical(JsonObject value, TypeSchema schema) => ObjectDecoder.Canonicalize(value, schema, FieldValidation.Ignore).Object;

    private ServedResource? Find(string apiVersion)
    {
        foreach (var resource in resources)
        {
            if (resource.ApiVersion == apiVersion) return resource;
        }
        return null;
    }
}
