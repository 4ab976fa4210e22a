using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>APIServices: a name that says the group version, priorities within bounds, and a status that only /status changes.</summary>
/// <param name="written">Called once a write is done, before its writer has the answer: routing follows at once.</param>
internal sealed class ApiServiceStrategy(ResourceInfo resource, TimeProvider time, Action written) : DefaultStrategy(resource)
{
    private const int MaxGroupPriority = 20_000;
    private const int MaxVersionPriority = 1000;

    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly string[] Statuses = ["True", "False", "Unknown"];

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        base.PrepareForCreate(value, context);
        if (!value.Obj("spec").Has("service")) AvailableCondition.Local.WriteTo(value, time.GetUtcNow());
    }

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        base.PrepareForUpdate(value, old, context);
        if (context.Subresource != "status") return;
        foreach (var field in (ReadOnlySpan<string>)["labels", "annotations"]) KeepField(value.Metadata(), old.Metadata(), field);
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context) => Validate(value, errors);

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource == "status") ValidateStatus(value, errors);
        else Validate(value, errors);
    }

    public override void AfterWrite(JsonObject? value, JsonObject? old) => written();

    private static void Validate(JsonObject value, FieldErrors errors)
    {
        var spec = value.Obj("spec") ?? [];
        var (group, version) = (spec.Str("group"), spec.Str("version"));
        var required = $"{version}.{group}";
        if (NameRules.CheckPathSegment(value.MetaName()) is null && value.MetaName() != required)
            errors.Invalid(FieldPath.Of("metadata").Child("name"), value.MetaName(), $"must be `spec.version+\".\"+spec.group`: \"{required}\"");
        if (group.Length == 0 && version != "v1") errors.Required(Spec.Child("group"), "only v1 may have an empty group and it better be legacy kube");
        if (group.Length > 0) Checks.Name(errors, Spec.Child("group"), group, NameChecks.DnsSubdomain);
        Checks.Name(errors, Spec.Child("version"), version, NameFormats.Dns1035Label);
        Between(errors, spec, "groupPriorityMinimum", MaxGroupPriority);
        Between(errors, spec, "versionPriority", MaxVersionPriority);
        if (spec.Obj("service") is { } service) ValidateService(spec, service, errors);
        else ValidateLocal(spec, errors);
    }

    private static void Between(FieldErrors errors, JsonObject spec, string field, int max)
    {
        var priority = spec.Long(field);
        if (priority <= 0 || priority > max) errors.Invalid(Spec.Child(field), priority, FormattableString.Invariant($"must be positive and less than {max}"));
    }

    private static void ValidateLocal(JsonObject spec, FieldErrors errors)
    {
        if (spec.Str("caBundle") is { Length: > 0 } bundle)
            errors.Invalid(Spec.Child("caBundle"), FormattableString.Invariant($"{Convert.FromBase64String(bundle).Length} bytes"), "local APIServices may not have a caBundle");
        if (spec.Bool("insecureSkipTLSVerify")) errors.Invalid(Spec.Child("insecureSkipTLSVerify"), true, "local APIServices may not have insecureSkipTLSVerify");
    }

    private static void ValidateService(JsonObject spec, JsonObject service, FieldErrors errors)
    {
        var field = Spec.Child("service");
        if (service.Str("namespace").Length == 0) errors.Required(field.Child("namespace"), "");
        if (service.Str("name").Length == 0) errors.Required(field.Child("name"), "");
        if (service.Long("port") is < 1 or > 65535) errors.Invalid(field.Child("port"), service.Long("port"), $"port is not valid: {Checks.BetweenPorts}");
        if (spec.Bool("insecureSkipTLSVerify") && spec.Str("caBundle").Length > 0)
            errors.Invalid(Spec.Child("insecureSkipTLSVerify"), true, "may not be true if caBundle is present");
    }

    private static void ValidateStatus(JsonObject value, FieldErrors errors)
    {
        var index = 0;
        foreach (var condition in value.Obj("status").Items("conditions"))
        {
            if (!Statuses.Contains(condition.Str("status")))
                errors.NotSupported(FieldPath.Of("status").Child("conditions").Index(index).Child("status"), condition.Str("status"), Statuses);
            index++;
        }
    }
}
