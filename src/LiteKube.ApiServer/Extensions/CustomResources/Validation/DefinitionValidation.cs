using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Extensions.CustomResources.Rules;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>
/// A CustomResourceDefinition's validation. Kubernetes checks an internal form in which what all versions share stands
/// once, at spec.validation and the like; its field paths say so, and clients know them so.
/// </summary>
internal static class DefinitionValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly FieldPath StoredVersions = FieldPath.Of("status").Child("storedVersions");

    public static void Validate(JsonObject value, JsonObject? old, FieldErrors errors)
    {
        var definition = new Definition(value);
        var before = old is null ? null : new Definition(old);
        if (before is null)
        {
            var required = $"{definition.Names.Plural}.{definition.Group}";
            if (definition.Name.Length > 0 && definition.Name != required) errors.Invalid(FieldPath.Of("metadata").Child("name"), definition.Name, "must be spec.names.plural+\".\"+spec.group");
        }
        ValidateSpec(definition, before, errors);
        NamesRules.Validate(definition.AcceptedNames, FieldPath.Of("status").Child("acceptedNames"), errors);
        ValidateStoredVersions(definition, errors);
        ApprovalRules.Validate(definition, before, errors);
        if (definition.Spec.Bool("preserveUnknownFields") && before?.Spec.Bool("preserveUnknownFields") != true)
            errors.Invalid(Spec.Child("preserveUnknownFields"), true, "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");
        if (before is null) return;
        if (before.IsTrue(DefinitionConditions.Established))
        {
            Immutable(definition.Spec.Str("scope"), before.Spec.Str("scope"), Spec.Child("scope"), errors);
            Immutable(definition.Names.Kind, before.Names.Kind, Spec.Child("names").Child("kind"), errors);
        }
        Immutable(definition.Group, before.Group, Spec.Child("group"), errors);
        Immutable(definition.Names.Plural, before.Names.Plural, Spec.Child("names").Child("plural"), errors);
    }

    private static void Immutable(string value, string old, FieldPath path, FieldErrors errors)
    {
        if (value != old) errors.Invalid(path, value, Checks.FieldImmutable);
    }

    private static void ValidateSpec(Definition definition, Definition? before, FieldErrors errors)
    {
        var spec = definition.Spec;
        if (definition.Group.Length == 0) errors.Required(Spec.Child("group"), "");
        else if (NameFormats.Dns1123Subdomain(definition.Group) is { Count: > 0 } complaints) errors.Invalid(Spec.Child("group"), definition.Group, string.Join(',', complaints));
        else if (!definition.Group.Contains('.', StringComparison.Ordinal)) errors.Invalid(Spec.Child("group"), definition.Group, "should be a domain with at least one dot");
        Checks.OneOf(errors, spec, Spec, "scope", true, "Cluster", "Namespaced");
        foreach (var version in definition.Versions.Where(v => v.SchemaSource is null))
            errors.Required(VersionPath(version).Child("schema").Child("openAPIV3Schema"), "");
        ValidateVersions(definition, before, errors);
        if (definition.Versions.Select(v => v.Name).Distinct(StringComparer.Ordinal).Count() != definition.Versions.Count)
            errors.Invalid(Spec.Child("versions"), spec["versions"], "must contain unique version names");
        if (definition.Versions.Count(v => v.IsStorage) != 1) errors.Invalid(Spec.Child("versions"), spec["versions"], "must have exactly one version marked as storage version");
        foreach (var (name, text) in (ReadOnlySpan<(string, string)>)[("plural", definition.Names.Plural), ("singular", definition.Names.Singular), ("kind", definition.Names.Kind), ("listKind", definition.Names.ListKind)])
        {
            if (text.Length == 0) errors.Required(Spec.Child("names").Child(name), "");
        }
        NamesRules.Validate(definition.Names, Spec.Child("names"), errors);
        ConversionRules.Validate(definition, before, errors);
    }

    private static FieldPath VersionPath(DefinitionVersion version) => Spec.Child("versions").Index(version.Index);

    private static void ValidateVersions(Definition definition, Definition? before, FieldErrors errors)
    {
        var sharesSchema = Shares(definition, "schema");
        var sharesSubresources = Shares(definition, "subresources");
        var sharesColumns = Shares(definition, "additionalPrinterColumns");
        var sharesFields = Shares(definition, "selectableFields");
        foreach (var version in definition.Versions)
        {
            var path = VersionPath(version);
            var isFirst = version.Index == 0;
            if (NameFormats.Dns1035Label(version.Name) is { Count: > 0 } complaints) errors.Invalid(path.Child("name"), version.Name, string.Join(',', complaints));
            VersionRules.Deprecation(version, path, errors);
            var standing = before?.Versions.FirstOrDefault(v => v.Name == version.Name);
            if (!sharesSchema || isFirst) ValidateSchema(version, standing, (sharesSchema ? Spec.Child("validation") : path.Child("schema")).Child("openAPIV3Schema"), errors);
            if (!sharesSubresources || isFirst) VersionRules.Scale(version, (sharesSubresources ? Spec : path).Child("subresources"), errors);
            if (!sharesColumns || isFirst) VersionRules.Columns(version, (sharesColumns ? Spec : path).Child("additionalPrinterColumns"), errors);
            if (!sharesFields || isFirst) VersionRules.SelectableFields(version, (sharesFields ? Spec : path).Child("selectableFields"), errors);
        }
    }

    private static bool Shares(Definition definition, string field) => definition.Versions.All(v => JsonEquality.AreEqual(v.Value[field], definition.Versions[0].Value[field]));

    private static void ValidateSchema(DefinitionVersion version, DefinitionVersion? standing, FieldPath path, FieldErrors errors)
    {
        if (version.SchemaSource is not { } source) return;
        // What was accepted once is not judged again by rules that came later.
        if (standing is not null && JsonEquality.AreEqual(source, standing.SchemaSource) && version.HasStatus == standing.HasStatus) return;
        if (version.HasStatus) VersionRules.RootFields(version, path, errors);
        if (version.Schema.Nullable) errors.Forbidden(path.Child("nullable"), "nullable cannot be true at the root");
        var structural = errors.Count;
        StructuralRules.Validate(version.Schema, path, errors);
        if (errors.Count == structural) DefaultsRules.Validate(version.Schema, path, errors);
        var isStructural = errors.Count == structural;
        var before = errors.Count;
        SchemaRules.Validate(version.Schema, path, errors);
        if (isStructural) new RuleCheck(errors, hasSchemaErrors: errors.Count > before).Run(version.Schema, path);
    }

    private static void ValidateStoredVersions(Definition definition, FieldErrors errors)
    {
        var status = definition.Value.Obj("status");
        var stored = status.Strings("storedVersions").ToList();
        if (stored.Count == 0)
        {
            errors.Invalid(StoredVersions, new JsonArray(), "must have at least one stored version");
            return;
        }
        if (definition.StorageVersion is { } storage && !stored.Contains(storage.Name)) errors.Invalid(StoredVersions, status.Arr("storedVersions"), "must have the storage version " + storage.Name);
        for (var i = 0; i < stored.Count; i++)
        {
            var name = stored[i];
            if (definition.Versions.All(v => v.Name != name))
                errors.Invalid(StoredVersions.Index(i), name, $"missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions");
        }
    }
}

/// <summary>spec.names and status.acceptedNames.</summary>
internal static class NamesRules
{
    public static void Validate(DefinitionNames names, FieldPath path, FieldErrors errors)
    {
        Label(names.Plural, path.Child("plural"), "", errors);
        Label(names.Singular, path.Child("singular"), "", errors);
        Kind(names.Kind, path.Child("kind"), errors);
        Kind(names.ListKind, path.Child("listKind"), errors);
        for (var i = 0; i < names.ShortNames.Count; i++) Label(names.ShortNames[i], path.Child("shortNames").Index(i), "", errors, isRequired: true);
        if (names.Kind.Length > 0 && names.Kind == names.ListKind) errors.Invalid(path.Child("listKind"), names.ListKind, "kind and listKind may not be the same");
        for (var i = 0; i < names.Categories.Count; i++) Label(names.Categories[i], path.Child("categories").Index(i), "", errors, isRequired: true);
    }

    private static void Kind(string kind, FieldPath path, FieldErrors errors)
    {
        if (kind.Length > 0 && NameFormats.Dns1035Label(kind.ToLowerInvariant()) is { Count: > 0 } complaints)
            errors.Invalid(path, kind, "may have mixed case, but should otherwise match: " + string.Join(',', complaints));
    }

    private static void Label(string text, FieldPath path, string prefix, FieldErrors errors, bool isRequired = false)
    {
        if ((text.Length > 0 || isRequired) && NameFormats.Dns1035Label(text) is { Count: > 0 } complaints) errors.Invalid(path, text, prefix + string.Join(',', complaints));
    }
}
