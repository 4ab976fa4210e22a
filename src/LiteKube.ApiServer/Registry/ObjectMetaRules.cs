using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry;

/// <summary>ObjectMeta, the same for every kind: what the server sets, what a client may not change, what is valid.</summary>
internal static class ObjectMetaRules
{
    private const int MaxAnnotationBytes = 256 * 1024;

    private static readonly FieldPath Root = FieldPath.Of("metadata");
    private static readonly string[] Immutable = ["name", "namespace", "uid", "creationTimestamp"];

    /// <summary>Namespace, name, uid, creation time; everything that only a server may say is dropped.</summary>
    /// <param name="suffix">Makes the end of a generated name.</param>
    public static void PrepareForCreate(JsonObject value, ResourceInfo resource, string ns, DateTimeOffset now, Func<string> suffix)
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
            metadata["name"] = NameRules.Generate(prefix, suffix());
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
        if (metadata.Text("generateName") is { Length: > 0 } prefix)
            AddAll(errors, Root, "generateName", prefix, NameRules.CheckName(resource.GroupResource, prefix, isPrefix: true));
        var name = metadata.Text("name");
        if (name.Length == 0) errors.Required(Root.Child("name"), "name or generateName is required");
        else AddAll(errors, Root, "name", name, NameRules.CheckName(resource.GroupResource, name));
        if (resource.Namespaced)
        {
            var ns = metadata.Text("namespace");
            if (ns.Length == 0) errors.Required(Root.Child("namespace"), "");
            else AddAll(errors, Root, "namespace", ns, NameFormats.Dns1123Label(ns));
        }
        ValidateMaps(metadata, Root, errors);
        ValidateFinalizers(metadata, Root, errors);
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
        var added = value.MetadataList("finalizers").Where(f => !known.Contains(f)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (added.Count > 0)
            errors.Forbidden(Root.Child("finalizers"), $"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{string.Join(", ", added.Select(GoText.Quote))}}}");
    }

    private static void AddAll(FieldErrors errors, FieldPath root, string field, string value, IReadOnlyList<string> complaints)
    {
        foreach (var complaint in complaints) errors.Invalid(root.Child(field), value, complaint);
    }

    /// <summary>The metadata of a resource that is part of another one: it may be unnamed.</summary>
    public static void ValidateEmbedded(JsonObject metadata, FieldPath root, FieldErrors errors)
    {
        foreach (var field in (ReadOnlySpan<string>)["name", "generateName"])
        {
            if (metadata.Text(field) is { Length: > 0 } name) AddAll(errors, root, field, name, NameRules.PathSegment(name, isPrefix: false));
        }
        if (metadata.Text("namespace") is { Length: > 0 } ns) AddAll(errors, root, "namespace", ns, NameFormats.Dns1123Label(ns));
        ValidateMaps(metadata, root, errors);
        ValidateFinalizers(metadata, root, errors);
        ValidateOwners(metadata, root, errors);
    }

    public static void ValidateAnnotations(JsonObject? annotations, FieldPath path, FieldErrors errors)
    {
        var size = 0;
        foreach (var (key, node) in annotations ?? [])
        {
            foreach (var complaint in NameFormats.LabelKey(key.ToLowerInvariant())) errors.Invalid(path, key, complaint);
            size += Encoding.UTF8.GetByteCount(key) + (node is JsonValue v && v.TryGetValue<string>(out var s) ? Encoding.UTF8.GetByteCount(s) : 0);
        }
        if (size > MaxAnnotationBytes) errors.TooLong(path, MaxAnnotationBytes);
    }

    private static void ValidateMaps(JsonObject metadata, FieldPath root, FieldErrors errors)
    {
        if (metadata["labels"] is JsonObject labels)
        {
            var path = root.Child("labels");
            foreach (var (key, node) in labels)
            {
                foreach (var complaint in NameFormats.LabelKey(key)) errors.Invalid(path, key, complaint);
                var text = node is JsonValue v && v.TryGetValue<string>(out var s) ? s : "";
                foreach (var complaint in NameFormats.LabelValue(text)) errors.Invalid(path, text, complaint);
            }
        }
        if (metadata["annotations"] is JsonObject annotations) ValidateAnnotations(annotations, root.Child("annotations"), errors);
    }

    private static void ValidateFinalizers(JsonObject metadata, FieldPath root, FieldErrors errors)
    {
        if (metadata["finalizers"] is not JsonArray finalizers) return;
        var path = root.Child("finalizers");
        var (orphans, deletes) = (false, false);
        foreach (var finalizer in finalizers)
        {
            var text = finalizer is JsonValue v && v.TryGetValue<string>(out var s) ? s : "";
            foreach (var complaint in NameFormats.LabelKey(text)) errors.Invalid(path, text, complaint);
            orphans |= text == "orphan";
            deletes |= text == "foregroundDeletion";
        }
        if (orphans && deletes) errors.Invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set");
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
            var version = owner.Text("apiVersion");
            if (version.Length == 0) errors.Required(at.Child("apiVersion"), "must not be empty");
            else if (version.Count(c => c == '/') > 1 || version.EndsWith('/')) errors.Invalid(at.Child("apiVersion"), version, "must be <group>/<version> or <version>");
            foreach (var field in (ReadOnlySpan<string>)["kind", "name", "uid"])
            {
                if (owner.Text(field).Length == 0) errors.Required(at.Child(field), "must not be empty");
            }
            if (version == "v1" && owner.Text("kind") == "Event") errors.Invalid(at, owner, "/v1, Kind=Event is disallowed from being an owner");
            if (!owner.Flag("controller")) continue;
            var who = $"{owner.Text("kind")}/{owner.Text("name")}";
            if (controller is null) controller = who;
            else errors.Invalid(path, owners, $"Only one reference can have Controller set to true. Found \"true\" in references for {controller} and {who}");
        }
    }
}
