using System.Text.Json.Serialization;

namespace LiteKube.Hosting;

/// <summary>What `litekube status` shows, and what the running server answers on its control socket.</summary>
internal sealed record StatusReport(bool Running, bool Ready, string Version, string KubernetesVersion, string Node, string ApiServer, int Pid, string DataDir, IReadOnlyList<ComponentStatus> Components)
{
    /// <summary>Why nothing runs, when nothing runs.</summary>
    public string? Message { get; init; }
}

internal sealed record ComponentStatus(string Name, bool Ready, string? Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StatusReport))]
internal sealed partial class StatusJson : JsonSerializerContext;
