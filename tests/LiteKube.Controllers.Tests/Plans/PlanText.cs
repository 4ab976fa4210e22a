using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Client.Json;

namespace LiteKube.Controllers.Tests.Plans;

/// <summary>A plan's text: an action a line.</summary>
internal sealed class PlanText
{
    private readonly StringBuilder _text = new();

    public PlanText Line(FormattableString line)
    {
        _text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        return this;
    }

    public void Each(string action, IEnumerable<V1Pod> pods)
    {
        foreach (var pod in pods)
            Line($"{action} {pod.Metadata.Name}");
    }

    public void Recheck(TimeSpan? wait)
    {
        if (wait is { } time)
            Line($"look again in {time.TotalSeconds} s");
    }

    /// <summary>The fields that are there, each condition on a line of its own; "now" stands for the case's moment.</summary>
    public void Status<T>(T status, string heading = "status") where T : class
    {
        var value = JsonNode.Parse(KubeJson.Serialize(status))!.AsObject();
        Line($"{heading}{string.Concat(value.Where(f => f.Key != "conditions" && f.Value is not null).Select(f => $" {f.Key}={Text(f.Value!)}"))}");
        foreach (var condition in value["conditions"]?.AsArray() ?? [])
        {
            var since = Text(condition!["lastTransitionTime"]);
            Line($"  {(string?)condition["type"]}={(string?)condition["status"]} {(string?)condition["reason"]} since {since}{(condition["message"] is { } message && (string?)message != "" ? ": " + (string?)message : "")}");
        }
    }

    public override string ToString() => _text.Length == 0 ? "nothing\n" : _text.ToString();

    private static string Text(JsonNode? value)
    {
        var text = value is JsonValue scalar ? scalar.ToString() : value?.ToJsonString().Replace("\"", "", StringComparison.Ordinal) ?? "never";
        return text is "2026-01-01T12:00:00Z" or "2026-01-01T12:00:00.000000Z" ? "now" : text;
    }
}
