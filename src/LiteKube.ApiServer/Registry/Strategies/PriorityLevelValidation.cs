using System.Text.Json.Nodes;
using LiteKube.ApiServer.FlowControl;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>PriorityLevelConfigurations (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/priority-level-configuration-v1/).</summary>
internal static class PriorityLevelValidation
{
    private const int MaxQueues = 10_000_000;

    public static void Validate(FieldErrors errors, JsonObject value)
    {
        var (name, spec, field) = (value.MetaName(), value.Obj("spec") ?? [], FieldPath.Of("spec"));
        Spec(errors, name, spec, field);
        if (BootstrapConfiguration.MandatoryLevels.FirstOrDefault(l => l.MetaName() == name) is not { } mandatory) return;
        if (name == PriorityLevelSpec.Exempt)
        {
            // How much it lends is the administrator's to say.
            if (spec.Str("type") != "Exempt" || spec.Has("limited")) errors.Invalid(field, spec, $"spec of '{name}' except the 'spec.exempt' field must equal the fixed value");
        }
        else if (!spec.SemanticallySameAs(mandatory["spec"]))
        {
            errors.Invalid(field, spec, $"spec of '{name}' must equal the fixed value");
        }
    }

    private static void Spec(FieldErrors errors, string name, JsonObject spec, FieldPath field)
    {
        var type = spec.Str("type");
        if ((name == PriorityLevelSpec.Exempt) != (type == "Exempt")) errors.Invalid(field.Child("type"), type, "type must be 'Exempt' if and only if name is 'exempt'");
        switch (type)
        {
            case "Exempt":
                if (spec.Has("limited")) errors.Forbidden(field.Child("limited"), "must be nil if the type is not Limited");
                if (spec.Obj("exempt") is { } exempt) Shares(errors, exempt, field.Child("exempt"));
                break;
            case "Limited":
                if (spec.Has("exempt")) errors.Forbidden(field.Child("exempt"), "must be nil if the type is Limited");
                if (spec.Obj("limited") is { } limited) Limited(errors, limited, field.Child("limited"));
                else errors.Required(field.Child("limited"), "must not be empty when type is Limited");
                break;
            default:
                errors.NotSupported(field.Child("type"), type, "Exempt", "Limited");
                break;
        }
    }

    private static void Shares(FieldErrors errors, JsonObject value, FieldPath field)
    {
        if (value.Long("nominalConcurrencyShares") is < 0 and var shares) errors.Invalid(field.Child("nominalConcurrencyShares"), shares, "must be a non-negative integer");
        if (value.Long("lendablePercent") is < 0 or > 100) errors.Invalid(field.Child("lendablePercent"), value.Long("lendablePercent"), "must be between 0 and 100, inclusive");
    }

    private static void Limited(FieldErrors errors, JsonObject limited, FieldPath field)
    {
        Shares(errors, limited, field);
        if (limited.Long("borrowingLimitPercent") is < 0 and var borrowing) errors.Invalid(field.Child("borrowingLimitPercent"), borrowing, "if specified, must be a non-negative integer");
        var (response, path) = (limited.Obj("limitResponse") ?? [], field.Child("limitResponse"));
        switch (response.Str("type"))
        {
            case "Reject":
                if (response.Has("queuing")) errors.Forbidden(path.Child("queuing"), "must be nil if limited.limitResponse.type is not Limited");
                break;
            case "Queue":
                if (response.Obj("queuing") is { } queuing) Queuing(errors, queuing, path.Child("queuing"));
                else errors.Required(path.Child("queuing"), "must not be empty if limited.limitResponse.type is Limited");
                break;
            default:
                errors.NotSupported(path.Child("type"), response.Str("type"), "Queue", "Reject");
                break;
        }
    }

    private static void Queuing(FieldErrors errors, JsonObject queuing, FieldPath field)
    {
        var (queues, hand) = (queuing.Long("queues"), queuing.Long("handSize"));
        if (queuing.Long("queueLengthLimit") is <= 0 and var length) errors.Invalid(field.Child("queueLengthLimit"), length, "must be positive");
        if (queues <= 0) errors.Invalid(field.Child("queues"), queues, "must be positive");
        else if (queues > MaxQueues) errors.Invalid(field.Child("queues"), queues, $"must not be greater than {MaxQueues}");
        if (hand <= 0)
            errors.Invalid(field.Child("handSize"), hand, "must be positive");
        else if (hand > queues)
            errors.Invalid(field.Child("handSize"), hand, $"should not be greater than queues ({queues})");
        else if (ShuffleSharding.RequiredEntropyBits((int)queues, (int)hand) > ShuffleSharding.MaxHashBits)
            errors.Invalid(field.Child("handSize"), hand, $"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {ShuffleSharding.MaxHashBits}");
    }
}
