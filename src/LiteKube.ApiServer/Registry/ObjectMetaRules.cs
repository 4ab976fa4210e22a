using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry;

/// <summary>ObjectMeta, the same for every kind: what the server sets, what a client may not change, what is valid.</summary>
internal static class ObjectMetaRules
{
    private const int MaxAnnotationBytes = 256 * 1024;

    private static readonly FieldPath Root = FieldPath.Of("metadata");
    private static readonly string[] Immutable = ["name", "namespace", "uid", "creationTimestamp"];

    /// <summary>Namespace, name, uid, creation time; everything that only a server may say is dropped.</summary>
    public static void PrepareForCreate(JsonObject value, ResourceInfo resource, string ns, DateTimeOffset now)
    {
        var metadata = value.Metadata();
        SetNamespace(metadata, resource, ns);
        metadata.Remove("deletionTimestamp");
        metadata.Remove("deletionGracePeriodSeconds");
        metadata.Remove("selfLink");
        metadata.Remove("resourceVersion");
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = ObjectFields.FormatTime(now);
        if (metadata.Text("name").Length == 0 && metadata.Text("generateName") is { Length: > 0 } prefix)
            metadata["name"] = NameRules.Generate(prefix);
    }

    /// <summary>Keeps what an update cannot change; a uid that is given must be the stored one (checked before).</summary>
    public static void PrepareForUpdate(JsonObject value, JsonObject old, ResourceInfo resource, string ns)
    {
        var metadata = value.Metadata();
        var oldMetadata = old.Metadata();
        SetNamespace(metadata, resource, ns);
        metadata.Remove("selfLink");
        foreach (var field in (ReadOnlySpan<string>)["creationTimestamp", "deletionTimestamp", "generation"])
            Copy(field);
        if (metadata.Text("uid").Length == 0) Copy("uid");
        if (!metadata.ContainsKey("deletionGracePeriodSeconds") || !oldMetadata.ContainsKey("deletionGracePeriodSeconds")) Copy("deletionGracePeriodSeconds");
        // Generated names keep their origin although kubectl replace leaves it out.
        if (metadata.Text("generateName").Length == 0) Copy("generateName");

        void Copy(string field)
        {
            if (oldMetadata[field] is { } kept) metadata[field] = kept.DeepClone();
            else metadata.Remove(field);
        }
    }

    public static void SetNamespace(JsonObject metadata, ResourceInfo resource, string ns)
    {
        if (!resource.Namespaced)
        {
            metadata.Remove("namespace");
            return;
        }
        var given = metadata.Text("namespace");
        if (given.Length > 0 && ns.Length > 0 && given != ns)
            throw ApiException.BadRequest($"the namespace of the provided object does not match the namespace sent on the request");
        if (given.Length == 0) metadata["namespace"] = ns;
    }

    public static void Validate(JsonObject value, ResourceInfo resource, FieldErrors errors)
    {
        var metadata = value.Metadata();
        if (metadata.Text("generateName") is { Length: > 0 } prefix && NameRules.CheckName(resource.GroupResource, prefix, isPrefix: true) is { } badPrefix)
            errors.Invalid(Root.Child("generateName"), prefix, badPrefix);
        var name = metadata.Text("name");
        if (name.Length == 0) errors.Required(Root.Child("name"), "name or generateName is required");
        else if (NameRules.CheckName(resource.GroupResource, name) is { } badName) errors.Invalid(Root.Child("name"), name, badName);
        if (resource.Namespaced && NameRules.CheckDns1123Label(metadata.Text("namespace")) is { } badNamespace)
            errors.Invalid(Root.Child("namespace"), metadata.Text("namespace"), badNamespace);
        ValidateMaps(metadata, Root, errors);
        ValidateOwners(metadata, Root, errors);
    }

    public static void ValidateUpdate(JsonObject value, JsonObject old, ResourceInfo resource, FieldErrors errors)
    {
        var metadata = value.Metadata();
        var oldMetadata = old.Metadata();
        foreach (var field in Immutable)
        {
            if (!string.Equals(metadata.Text(field), oldMetadata.Text(field), StringComparison.Ordinal))
                errors.Invalid(Root.Child(field), metadata.Text(field), "field is immutable");
        }
        ValidateMaps(metadata, Root, errors);
        ValidateOwners(metadata, Root, errors);
        if (!old.IsBeingDeleted()) return;
        var known = old.MetadataList("finalizers");
        var added = value.MetadataList("finalizers").Where(f => !known.Contains(f)).ToList();
        if (added.Count > 0)
            errors.Forbidden(Root.Child("finalizers"), $"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{string.Join(", ", added.Select(f => $"\"{f}\""))}}}");
    }

    /// <summary>The metadata of a resource that is part of another one: it may be unnamed.</summary>
    public static void ValidateEmbedded(JsonObject metadata, FieldPath root, FieldErrors errors)
    {
        foreach (var field in (ReadOnlySpan<string>)["name", "generateName"])
        {
            if (metadata.Text(field) is { Length: > 0 } name && NameRules.CheckPathSegment(name) is { } complaint) errors.Invalid(root.Child(field), name, complaint);
        }
        if (metadata.Text("namespace") is { Length: > 0 } ns && NameRules.CheckDns1123Label(ns) is { } badNamespace) errors.Invalid(root.Child("namespace"), ns, badNamespace);
        ValidateMaps(metadata, root, errors);
        ValidateOwners(metadata, root, errors);
    }

    private static void ValidateMaps(JsonObject metadata, FieldPath root, FieldErrors errors)
    {
        if (metadata["labels"] is JsonObject labels)
        {
            var path = root.Child("labels");
            foreach (var (key, node) in labels)
            {
                if (NameRules.CheckQualifiedName(key) is { } badKey) errors.Invalid(path, key, badKey);
                var text = node is JsonValue v && v.TryGetValue<string>(out var s) ? s : "";
                if (NameRules.CheckLabelValue(text) is { } badValue) errors.Invalid(path, text, badValue);
            }
        }
        if (metadata["annotations"] is JsonObject annotations)
        {
            var path = root.Child("annotations");
            var size = 0;
            foreach (var (key, node) in annotations)
            {
                if (NameRules.CheckQualifiedName(key.ToLowerInvariant()) is { } badKey) errors.Invalid(path, key, badKey);
                size += Encoding.UTF8.GetByteCount(key) + (node is JsonValue v && v.TryGetValue<string>(out var s) ? Encoding.UTF8.GetByteCount(s) : 0);
            }
            if (size > MaxAnnotationBytes) errors.TooLong(path, MaxAnnotationBytes);
        }
        if (metadata["finalizers"] is JsonArray finalizers)
        {
            var path = root.Child("finalizers");
            foreach (var finalizer in finalizers)
            {
                var text = finalizer is JsonValue v && v.TryGetValue<string>(out var s) ? s : "";
                if (NameRules.CheckQualifiedName(text) is { } complaint) errors.Invalid(path, text, complaint);
            }
        }
    }

    private static void ValidateOwners(JsonObject metadata, FieldPath root, FieldErrors errors)
    {
        if (metadata["ownerReferences"] is not JsonArray owners) return;
        var path = root.Child("ownerReferences");
        string? controller = null;
        for (var i = 0; i < owners.Count; i++)
        {
            if (owners[i] is not JsonObject owner) continue;
            var at = path.Index(i);
            if (owner.Text("apiVersion").Length == 0) errors.Invalid(at.Child("apiVersion"), owner.Text("apiVersion"), "version must not be empty");
            foreach (var field in (ReadOnlySpan<string>)["kind", "name", "uid"])
            {
                if (owner.Text(field).Length == 0) errors.Invalid(at.Child(field), "", "must not be empty");
            }
            if (!owner.Flag("controller")) continue;
            if (controller is null) controller = owner.Text("name");
            else errors.Invalid(path, owners.DeepClone(), $"Only one reference can have Controller set to true. Found \"true\" in references for {controller} and {owner.Text("name")}");
        }
    }
}
