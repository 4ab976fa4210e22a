using System.Text.Json.Nodes;

namespace LiteKube.Apis.Apply;

/// <summary>An object in one version, with the schema that merges it. The tree is read-only.</summary>
public sealed record VersionedObject(JsonObject Value, IMergeSchema Schema, string ApiVersion)
{
    internal FieldSet Fields() => ObjectFieldSet.Of(Value, Schema);

    internal VersionedObject Without(FieldSet fields) => this with { Value = FieldRemoval.Remove(Value, fields, Schema) };
}

/// <summary>The versions of a kind: managers name fields in the version that they speak.</summary>
public interface IObjectVersions
{
    /// <summary>The object in another version; null: it is not served any more.</summary>
    VersionedObject? Convert(VersionedObject value, string apiVersion);
}

/// <summary>A kind of one version.</summary>
public sealed class OneVersion : IObjectVersions
{
    public static readonly OneVersion Instance = new();

    public VersionedObject? Convert(VersionedObject value, string apiVersion) => value.ApiVersion == apiVersion ? value : null;
}
