using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>status.conditions of a CRD.</summary>
internal static class DefinitionConditions
{
    public const string NamesAccepted = "NamesAccepted";
    public const string Established = "Established";
    public const string NonStructuralSchema = "NonStructuralSchema";
    public const string ApprovalConformant = "KubernetesAPIApprovalPolicyConformant";
    public const string Terminating = "Terminating";

    public static JsonObject? Find(JsonObject definition, string type) => definition.Obj("status").Items("conditions").FirstOrDefault(c => c.Str("type") == type);

    /// <summary>Changes <paramref name="definition"/>. The time of the transition moves with the status only.</summary>
    public static void Set(JsonObject definition, string type, string status, string reason, string message, DateTimeOffset now)
    {
        var conditions = definition.GetOrAdd("status").GetOrAddArray("conditions");
        var condition = conditions.OfType<JsonObject>().FirstOrDefault(c => c.Str("type") == type);
        if (condition is null) conditions.Add((JsonNode)(condition = new JsonObject { ["type"] = type }));
        if (condition.Str("status") != status || !condition.Has("lastTransitionTime")) condition["lastTransitionTime"] = ObjectFields.FormatTime(now);
        condition["status"] = status;
        condition["reason"] = reason;
        condition["message"] = message;
    }

    public static void Remove(JsonObject definition, string type)
    {
        if (definition.Obj("status").Arr("conditions") is { } conditions && Find(definition, type) is { } condition) conditions.Remove(condition);
    }

    public static bool Says(JsonObject definition, string type, string status, string reason, string message) =>
        Find(definition, type) is { } condition && condition.Str("status") == status && condition.Str("reason") == reason && condition.Str("message") == message;
}
