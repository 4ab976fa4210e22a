using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Extensions.CustomResources.Rules;
using LiteKube.ApiServer.Extensions.CustomResources.Validation;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>Custom resources in one version: everything that the kind does is said by its CRD.</summary>
internal sealed class CustomResourceStrategy : DefaultStrategy
{
    private const string Unchecked = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
    private static readonly string[] StandardFinalizers = ["orphan", "foregroundDeletion", "kubernetes"];

    private readonly StructuralSchema _schema;
    private readonly StructuralSchema? _statusSchema;
    private readonly ScalePaths? _scale;
    private readonly ObjectRules? _rules;
    private readonly bool _isTerminating;

    public CustomResourceStrategy(ResourceInfo resource, DefinitionVersion version, bool isTerminating) : base(resource)
    {
        _schema = version.Schema;
        _statusSchema = _schema.Properties.GetValueOrDefault("status");
        _scale = ScalePaths.Of(version);
        _rules = ObjectRules.Of(_schema);
        _isTerminating = isTerminating;
    }

    // It rises with the status too when that is no subresource, so it is kept here.
    public override bool TracksGeneration => false;
    public override bool AllowsUnconditionalUpdate => false;
    public override IReadOnlyList<string> SelectableFields => Resource.SelectableFields;

    public override string? SelectableField(JsonObject value, string field) => Resource.SelectableFields.Contains(field) ? FieldText(value, field) : null;

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        if (_isTerminating) throw ApiException.Forbidden(Resource.GroupResource, value.Name(), "create not allowed while custom resource definition is terminating");
        base.PrepareForCreate(value, context);
        value.Metadata()["generation"] = 1L;
    }

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        if (context.Subresource == "status")
        {
            KeepAllButStatus(value, old);
            // Not even labels are taken at /status of a custom resource.
            var kept = (JsonObject)old.Metadata().DeepClone();
            kept.Remove("managedFields");
            value["metadata"] = kept;
            return;
        }
        base.PrepareForUpdate(value, old, context);
        if (Differ(value, old)) value.Metadata()["generation"] = (old.Metadata().Number("generation") ?? 0) + 1;
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        SchemaValidator.Validate(_schema, value, null, errors);
        _scale?.ValidateSpec(value, errors);
        _scale?.ValidateStatus(value, errors);
        EmbeddedRules.Validate(value, _schema, null, errors);
        ListRules.Validate(value, _schema, null, errors);
        RunRules(value, null, errors, context);
        WarnOfFinalizers(value, null, context);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        var correlation = new Correlation(value, old, _schema);
        if (context.Subresource == "status")
        {
            if (value.TryGetPropertyValue("status", out var status) && _statusSchema is not null) SchemaValidator.Validate(_statusSchema, status, FieldPath.Of("status"), errors, correlation.Key("status"));
        }
        else
        {
            SchemaValidator.Validate(_schema, value, null, errors, correlation);
            _scale?.ValidateSpec(value, errors);
            EmbeddedRules.Validate(value, _schema, null, errors);
            WarnOfFinalizers(value, old, context);
        }
        _scale?.ValidateStatus(value, errors);
        var before = new FieldErrors();
        ListRules.Validate(old, _schema, null, before);
        if (before.Count == 0) ListRules.Validate(value, _schema, null, errors);
        RunRules(value, old, errors, context);
    }

    private void RunRules(JsonObject value, JsonObject? old, FieldErrors errors, StrategyContext context)
    {
        if (_rules is null) return;
        if (errors.HasAny("FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid")) errors.Invalid(FieldPath.Nil, null, Unchecked);
        else _rules.Validate(value, old, errors, context.Warnings);
    }

    private static void WarnOfFinalizers(JsonObject value, JsonObject? old, StrategyContext context)
    {
        var known = old?.MetadataList("finalizers") ?? [];
        foreach (var finalizer in value.MetadataList("finalizers").Where(f => !known.Contains(f) && !f.Contains('/', StringComparison.Ordinal) && !StandardFinalizers.Contains(f)).Order(StringComparer.Ordinal))
        {
            var how = finalizer.Contains('.', StringComparison.Ordinal) ? "prefer a domain-qualified finalizer name including a path (/)" : "prefer a domain-qualified finalizer name";
            context.Warnings.Add($"metadata.finalizers: \"{finalizer}\": {how} to avoid accidental conflicts with other finalizer writers");
        }
    }

    private static bool Differ(JsonObject value, JsonObject old)
    {
        foreach (var (field, node) in value)
        {
            if (field is not ("metadata" or "kind" or "apiVersion") && (!old.TryGetPropertyValue(field, out var before) || !JsonEquality.AreEqual(node, before))) return true;
        }
        return old.Any(p => !value.ContainsKey(p.Key));
    }
}
