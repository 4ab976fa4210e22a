using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>A PriorityLevelConfiguration as numbers.</summary>
/// <param name="BorrowingLimitPercent">Null: as much as others lend.</param>
/// <param name="Queues">0: what has no seat is turned away at once.</param>
internal sealed record PriorityLevelSpec(
    string Name, string Uid, bool IsExempt, int Shares, int LendablePercent, int? BorrowingLimitPercent, int Queues, int HandSize, int QueueLengthLimit)
{
    public const string Exempt = "exempt";
    public const string CatchAll = "catch-all";

    /// <summary>Null: the object is malformed in a way that validation refuses; it counts as not there.</summary>
    public static PriorityLevelSpec? TryRead(JsonObject value)
    {
        var (name, uid, spec) = (value.MetaName(), value.Obj("metadata").Str("uid"), value.Obj("spec"));
        var isExempt = spec.Str("type") == "Exempt";
        if (isExempt != (name == Exempt)) return null;
        if (isExempt)
            return new(name, uid, true, Number(spec.Obj("exempt"), "nominalConcurrencyShares"), Number(spec.Obj("exempt"), "lendablePercent"), null, 0, 0, 0);
        if (spec.Obj("limited") is not { } limited) return null;
        var response = limited.Obj("limitResponse");
        var (queues, handSize, lengthLimit) = (0, 0, 0);
        if (response.Str("type") == "Queue")
        {
            var queuing = response.Obj("queuing");
            (queues, handSize, lengthLimit) = (Number(queuing, "queues"), Number(queuing, "handSize"), Number(queuing, "queueLengthLimit"));
            if (!ShuffleSharding.IsPossible(queues, handSize)) return null;
        }
        var borrowing = limited.Has("borrowingLimitPercent") ? Number(limited, "borrowingLimitPercent") : (int?)null;
        return new(name, uid, false, Number(limited, "nominalConcurrencyShares"), Number(limited, "lendablePercent"), borrowing, queues, handSize, lengthLimit);
    }

    private static int Number(JsonObject? value, string field) => (int)Math.Clamp(value.Long(field), 0, int.MaxValue);
}
