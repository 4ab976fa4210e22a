namespace LiteKube.ApiServer.FlowControl;

/// <param name="Target">What the class would like to have, not below <paramref name="Lower"/>.</param>
internal readonly record struct SeatClaim(double Target, double Lower, double Upper);

/// <summary>
/// Shares a number of seats among priority levels: everyone gets the same fraction of its target, but for those whom
/// that would put below their lower or above their upper bound (KEP-1040, "Dispatching").
/// </summary>
internal static class SeatAllocation
{
    private const double MinTarget = 0.001;
    private const double Epsilon = 1e-7;

    /// <param name="fraction">The fraction of the targets.</param>
    /// <returns>The seats of each claim; null when the bounds cannot be kept.</returns>
    public static double[]? Compute(int seats, ReadOnlySpan<SeatClaim> claims, out double fraction)
    {
        fraction = 0;
        double low = 0, high = 0;
        foreach (var claim in claims)
        {
            if (claim.Lower < 0 || claim.Target < claim.Lower || claim.Upper < claim.Lower) return null;
            low += claim.Lower;
            high += claim.Upper;
        }
        if (seats < 0 || low - seats > Epsilon || seats - high > Epsilon) return null;
        if (seats == 0) return new double[claims.Length];
        fraction = Solve(seats, claims);
        var shares = new double[claims.Length];
        for (var i = 0; i < shares.Length; i++) shares[i] = Share(claims[i], fraction);
        return shares;
    }

    /// <summary>
    /// The sum of the shares grows with the fraction, linear between the points at which a claim leaves its lower or
    /// reaches its upper bound: those points are walked through until the sum passes the seats.
    /// </summary>
    private static double Solve(int seats, ReadOnlySpan<SeatClaim> claims)
    {
        var bends = new List<double>(claims.Length * 2);
        foreach (var claim in claims)
        {
            bends.Add(claim.Lower / TargetOf(claim));
            bends.Add(claim.Upper / TargetOf(claim));
        }
        bends.Sort();
        var (before, sumBefore) = (0.0, Sum(claims, 0));
        foreach (var bend in bends)
        {
            var sum = Sum(claims, bend);
            if (sum >= seats) return sum > sumBefore ? before + (bend - before) * (seats - sumBefore) / (sum - sumBefore) : before;
            (before, sumBefore) = (bend, sum);
        }
        return before;
    }

    private static double Sum(ReadOnlySpan<SeatClaim> claims, double fraction)
    {
        double sum = 0;
        foreach (var claim in claims) sum += Share(claim, fraction);
        return sum;
    }

    private static double Share(SeatClaim claim, double fraction) => Math.Clamp(fraction * TargetOf(claim), claim.Lower, claim.Upper);

    private static double TargetOf(SeatClaim claim) => Math.Max(claim.Target, MinTarget);
}
