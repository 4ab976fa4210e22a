using System.Collections.Concurrent;
using LiteKube.ApiServer.Authentication;
using Microsoft.Extensions.Primitives;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>Where a FlowSchema leads its requests under one configuration: its level, its counts, its flows.</summary>
internal sealed class FlowTarget(FlowSchema schema, PriorityLevelSpec spec, PriorityLevel level, FlowSeries series)
{
    /// <summary>A flow is forgotten without harm: its hand is dealt again, the same.</summary>
    private const int MaxFlows = 4096;

    private static readonly Flow Only = new("", [0]);

    private readonly ConcurrentDictionary<string, Flow> _flows = new(StringComparer.Ordinal);

    public FlowSchema Schema => schema;
    public PriorityLevel Level => level;
    public FlowSeries Series => series;

    /// <summary>Response headers tell the uids, not the names, which may be nobody's business.</summary>
    public StringValues SchemaUid { get; } = new(schema.Uid);
    public StringValues LevelUid { get; } = new(spec.Uid);

    public Flow FlowOf(UserInfo user, RequestInfo info)
    {
        if (spec.Queues <= 1) return Only;
        var distinguisher = schema.Distinguisher switch
        {
            FlowDistinguisher.ByUser => user.Name,
            FlowDistinguisher.ByNamespace => info.Namespace,
            _ => "",
        };
        if (_flows.TryGetValue(distinguisher, out var flow)) return flow;
        if (_flows.Count >= MaxFlows) _flows.Clear();
        var hand = new int[spec.HandSize];
        ShuffleSharding.Deal(ShuffleSharding.HashOf(schema.Name, distinguisher), spec.Queues, hand);
        return _flows[distinguisher] = new Flow(distinguisher, hand);
    }
}

/// <param name="Hand">The queues among which its requests choose the emptiest.</param>
internal sealed record Flow(string Distinguisher, int[] Hand);
