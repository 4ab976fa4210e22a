using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Ingresses, with a warning of the annotation that a field has replaced.</summary>
internal sealed class IngressStrategy(ResourceInfo resource) : ValidatedStrategy(resource, IngressValidation.Ingress, IngressValidation.IngressStatus)
{
    private const string ClassAnnotation = "kubernetes.io/ingress.class";

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        base.Validate(value, errors, context);
        if (value.Meta().Obj("annotations").Has(ClassAnnotation))
            context.Warnings.Add($"annotation \"{ClassAnnotation}\" is deprecated, please use 'spec.ingressClassName' instead");
    }
}
