using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Schema.Structural;

/// <summary>The metadata, kind and apiVersion of a custom resource and of the resources embedded in it: read as ObjectMeta whatever the schema says.</summary>
public static class EmbeddedMetadata
{
    private static readonly TypeSchema ObjectMeta = SchemaTable.BuiltIn.Find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")!;

    /// <summary>Brings the metadata of every embedded resource below to ObjectMeta's form; the root is left alone.</summary>
    /// <exception cref="DecodeException">It has none; only when <paramref name="dropsInvalid"/> is false.</exception>
    internal static void CoerceEmbedded(JsonNode? value, StructuralSchema? schema, bool dropsInvalid, StrictErrors? strict) => Coerce(value, schema, "", dropsInvalid, strict);

    /// <summary>Reads a resource's metadata to see that it can be read.</summary>
    /// <exception cref="DecodeException">It is not of ObjectMeta's form.</exception>
    public static void Check(JsonObject resource) => Read(resource, "metadata", dropsInvalid: false, null);

    /// <summary>metadata of the resource itself. Null when it has none.</summary>
    /// <param name="path">Of the metadata: "metadata", "spec.template.metadata".</param>
    /// <exception cref="DecodeException">It is not of ObjectMeta's form; only when <paramref name="dropsInvalid"/> is false.</exception>
    internal static JsonObject? Read(JsonObject resource, string path, bool dropsInvalid, StrictErrors? strict)
    {
        if (!resource.TryGetPropertyValue("metadata", out var metadata))
            return null;
        if (metadata is null)
            return [];
        try
        {
            return Decode(metadata, path, strict);
        }
        catch (DecodeException) when (dropsInvalid)
        {
            return metadata is JsonObject fields ? ReadFields(fields, path, strict) : [];
        }
    }

    private static JsonObject Decode(JsonNode metadata, string path, StrictErrors? strict)
    {
        var inner = strict is null ? null : new StrictErrors(path + ".");
        var reader = new TypedJsonReader(ObjectWriter.Write(metadata), inner);
        var result = reader.ReadRoot(ObjectMeta);
        strict?.AddRange(inner!.Errors);
        return SortedJson.Of(result).AsObject();
    }

    // An object from before its CRD was checked: what can be read of it is kept.
    private static JsonObject ReadFields(JsonObject metadata, string path, StrictErrors? strict)
    {
        var result = new JsonObject();
        foreach (var (name, value) in metadata)
        {
            try
            {
                foreach (var (field, read) in Decode(new JsonObject { [name] = value?.DeepClone() }, path, strict))
                    result[field] = read?.DeepClone();
            }
            catch (DecodeException)
            {
                // This one field goes; the others are still to be read.
                continue;
            }
        }

        return SortedJson.Of(result).AsObject();
    }

    private static void Coerce(JsonNode? value, StructuralSchema? schema, string path, bool dropsInvalid, StrictErrors? strict)
    {
        if (schema is not { HasEmbeddedResources: true })
            return;
        if (value is JsonArray list)
        {
            for (var i = 0; i < list.Count; i++)
                Coerce(list[i], schema.Items, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), dropsInvalid, strict);
            return;
        }

        if (value is not JsonObject resource)
            return;
        var prefix = path.Length == 0 ? "" : path + ".";
        if (schema.EmbeddedResource)
            CoerceResource(resource, prefix, dropsInvalid, strict);
        foreach (var (name, child) in resource.ToArray())
            Coerce(child, schema.Field(name), prefix + name, dropsInvalid, strict);
    }

    private static void CoerceResource(JsonObject resource, string prefix, bool dropsInvalid, StrictErrors? strict)
    {
        foreach (var name in (ReadOnlySpan<string>)["apiVersion", "kind"])
        {
            if (!resource.TryGetPropertyValue(name, out var node) || node?.GetValueKind() == System.Text.Json.JsonValueKind.String)
                continue;
            if (!dropsInvalid)
                throw new DecodeException($"{prefix}{name}: Invalid value: {node?.ToJsonString() ?? "null"}: must be a string");
            resource.Remove(name);
        }

        try
        {
            if (Read(resource, prefix + "metadata", dropsInvalid, strict) is { } metadata)
                resource["metadata"] = metadata;
        }
        catch (DecodeException e)
        {
            throw new DecodeException($"{prefix}metadata: Invalid value: {resource["metadata"]?.ToJsonString() ?? "null"}: {e.Message}");
        }
    }
}
