using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>What is known of an APIService's availability: its condition "Available".</summary>
/// <param name="Status">True, False or Unknown.</param>
internal sealed record AvailableCondition(string Status, string Reason, string Message)
{
    public const string Type = "Available";

    public static readonly AvailableCondition Local = new("True", "Local", "Local APIServices are always available");
    public static readonly AvailableCondition Passed = new("True", "Passed", "all checks passed");

    public bool IsAvailable => Status == "True";

    public static AvailableCondition Failed(string reason, string message) => new("False", reason, message);

    public static JsonObject? Of(JsonObject apiService) => apiService.Obj("status").Items("conditions").FirstOrDefault(c => c.Str("type") == Type);

    /// <summary>Whether the object says this already.</summary>
    public bool IsSaidBy(JsonObject apiService) => Of(apiService) is { } known && (known.Str("status"), known.Str("reason"), known.Str("message")) == (Status, Reason, Message);

    /// <summary>Sets it beside the conditions of others; the time is that of the last change of the status.</summary>
    public void WriteTo(JsonObject apiService, DateTimeOffset now)
    {
        var conditions = apiService.GetOrAdd("status").GetOrAddArray("conditions");
        var known = conditions.OfType<JsonObject>().FirstOrDefault(c => c.Str("type") == Type);
        if (known is null) conditions.Add((JsonNode)(known = new JsonObject { ["type"] = Type }));
        if (known.Str("status") != Status) known["lastTransitionTime"] = ObjectFields.FormatTime(now);
        known["status"] = Status;
        known["reason"] = Reason;
        known["message"] = Message;
    }
}
