using CsCheck;
using LiteKube.ApiServer.FlowControl;

namespace LiteKube.ApiServer.Tests.FlowControl;

public sealed class SeatAllocationTests
{
    [Fact]
    public void Whoever_wants_twice_as_much_gets_twice_as_much()
    {
        var shares = SeatAllocation.Compute(90, [new(10, 0, 100), new(20, 0, 100)], out var fraction);
        Assert.Equal([30, 60], shares!.Select(s => Math.Round(s, 6)));
        Assert.Equal(3, fraction, 6);
    }

    [Fact]
    public void What_one_may_not_have_or_may_not_lose_is_made_up_by_the_others()
    {
        Assert.Equal([20, 80], SeatAllocation.Compute(100, [new(50, 0, 20), new(50, 0, 1000)], out _)!.Select(s => Math.Round(s, 6)));
        Assert.Equal([45, 5], SeatAllocation.Compute(50, [new(45, 45, 100), new(45, 0, 100)], out _)!.Select(s => Math.Round(s, 6)));
        Assert.Null(SeatAllocation.Compute(10, [new(20, 20, 30)], out _));
        Assert.Null(SeatAllocation.Compute(100, [new(20, 20, 30)], out _));
    }

    [Fact]
    public void Seats_are_given_out_whole_within_bounds_and_by_one_fraction()
    {
        var claim = Gen.Select(Gen.Double[0, 50], Gen.Double[0, 50], Gen.Double[0, 200], (lower, more, room) => new SeatClaim(lower + more, lower, lower + room));
        Gen.Select(claim.Array[1, 8], Gen.Double[0, 1]).Sample((claims, place) =>
        {
            var (low, high) = (Math.Ceiling(claims.Sum(c => c.Lower)), Math.Floor(claims.Sum(c => c.Upper)));
            if (high < low) return;
            var seats = (int)(low + (high - low) * place);
            var shares = SeatAllocation.Compute(seats, claims, out var fraction);
            Assert.NotNull(shares);
            Assert.Equal(seats, shares.Sum(), 3);
            for (var i = 0; i < claims.Length; i++)
            {
                Assert.InRange(shares[i], claims[i].Lower - 1e-6, claims[i].Upper + 1e-6);
                if (shares[i] > claims[i].Lower + 1e-3 && shares[i] < claims[i].Upper - 1e-3) Assert.Equal(fraction * Math.Max(claims[i].Target, 0.001), shares[i], 3);
            }
        });
    }
}
