using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.FlowControl;

namespace LiteKube.ApiServer.Tests.FlowControl;

/// <summary>A level with one FlowSchema that tells users apart, for tests that act on it directly.</summary>
internal sealed class OneLevel
{
    private static readonly RequestInfo List = new() { Verb = "list", Path = "/api/v1/pods", IsResourceRequest = true, Version = "v1", Resource = "pods" };

    public OneLevel(TimeProvider time, int seats, int queues, int handSize = 1, int queueLengthLimit = 50)
    {
        Level = new PriorityLevel("test", time);
        var spec = new PriorityLevelSpec("test", "", false, 1, 0, null, queues, handSize, queueLengthLimit);
        Level.Configure(spec, seats, seats, seats);
        Level.SetLimit(seats);
        var schema = FlowSchema.From(JsonNode.Parse("""{"metadata":{"name":"test"},"spec":{"priorityLevelConfiguration":{"name":"test"},"distinguisherMethod":{"type":"ByUser"}}}""")!.AsObject());
        Target = new FlowTarget(schema, spec, Level, Series);
    }

    public PriorityLevel Level { get; }
    public FlowTarget Target { get; }
    public FlowSeries Series { get; } = new();

    public Entry Enter(string user, int seats = 1, int finalSeats = 0, TimeSpan linger = default)
    {
        var who = new UserInfo(user, []);
        var isSeated = Level.TryEnter(Target, Target.FlowOf(who, List), new WorkEstimate(seats, finalSeats, linger), new(who, List), out var seat, out var waiter);
        return new Entry(Level, isSeated, seat, waiter);
    }

    /// <summary>How one request fared.</summary>
    internal sealed class Entry(PriorityLevel level, bool isSeated, Seat seat, FlowWaiter? waiter)
    {
        public bool IsRefused => !isSeated && waiter is null;
        public bool IsWaiting => waiter is { Granted.IsCompleted: false };
        public bool IsSeated => isSeated || waiter is { Granted.IsCompletedSuccessfully: true };
        public FlowWaiter? Waiter => waiter;

        public void Leave()
        {
            Assert.True(IsSeated, "only who has a seat can leave it");
#pragma warning disable xUnit1031 // It is completed.
            level.Leave(isSeated ? seat : waiter!.Granted.Result);
#pragma warning restore xUnit1031
        }
    }
}
