using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Judges an object; <paramref name="old"/> is the one that it replaces, null on create.</summary>
internal delegate void Validation(FieldErrors errors, JsonObject value, JsonObject? old);

/// <summary>A kind that needs nothing beside validation.</summary>
/// <param name="validate">Of what is written to the main resource.</param>
/// <param name="validateStatus">Of what is written to /status; null: nothing is asked of it.</param>
internal class ValidatedStrategy(ResourceInfo resource, Validation validate, Validation? validateStatus = null) : DefaultStrategy(resource)
{
    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context) => validate(errors, value, null);

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource is "status")
            validateStatus?.Invoke(errors, value, old);
        else
            validate(errors, value, old);
    }
}
