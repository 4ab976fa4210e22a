using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>A kind that needs nothing beside validation of what its main resource writes.</summary>
/// <param name="validate">Gets the new object and, on update, the old one.</param>
internal class ValidatedStrategy(ResourceInfo resource, Action<FieldErrors, JsonObject, JsonObject?> validate) : DefaultStrategy(resource)
{
    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context) => validate(errors, value, null);

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource is not "status")
            validate(errors, value, old);
    }
}
