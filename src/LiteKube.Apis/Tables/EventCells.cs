using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

/// <summary>An event's cells in either of its forms, v1 and events.k8s.io/v1.</summary>
internal static class EventCells
{
    public static string About(JsonObject e)
    {
        var about = e["involvedObject"] ?? e["regarding"];
        var kind = Text(about, "kind").ToLowerInvariant();
        return Text(about, "name") is { Length: > 0 } name ? $"{kind}/{name}" : kind;
    }

    public static JsonNode LastSeen(JsonObject e, DateTimeOffset now)
    {
        if (e["series"] is JsonObject series)
            return Ages.Since(Text(series, "lastObservedTime"), now);
        return First(Text(e, "lastTimestamp"), Text(e, "deprecatedLastTimestamp")) is { Length: > 0 } last ? Ages.Since(last, now) : FirstSeen(e, now);
    }

    public static JsonNode FirstSeen(JsonObject e, DateTimeOffset now) => Ages.Since(First(Text(e, "firstTimestamp"), Text(e, "deprecatedFirstTimestamp"), Text(e, "eventTime")), now);

    public static int Count(JsonObject e)
    {
        if (e["series"] is JsonObject series)
            return Number(series, "count");
        var count = Math.Max(Number(e, "count"), Number(e, "deprecatedCount"));
        return count == 0 ? 1 : count;
    }

    public static string Source(JsonObject e)
    {
        var source = e["source"] ?? e["deprecatedSource"];
        var component = First(Text(source, "component"), Text(e, "reportingComponent"), Text(e, "reportingController"));
        var instance = First(Text(source, "host"), Text(e, "reportingInstance"));
        return instance.Length == 0 ? component : $"{component}, {instance}";
    }

    private static string First(params ReadOnlySpan<string> texts)
    {
        foreach (var text in texts)
        {
            if (text.Length > 0)
                return text;
        }
        return "";
    }
}
