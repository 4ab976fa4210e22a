namespace LiteKube.ApiServer.FlowControl;

/// <summary>How much of a level's capacity a request takes.</summary>
/// <param name="InitialSeats">Taken while it is answered.</param>
/// <param name="FinalSeats">Taken after the answer, for the events that a write causes.</param>
/// <param name="Linger">For how long those are taken.</param>
internal readonly record struct WorkEstimate(int InitialSeats, int FinalSeats = 0, TimeSpan Linger = default)
{
    public static readonly WorkEstimate OneSeat = new(1);

    /// <summary>Reserved throughout: a request does not begin without what it needs at its end.</summary>
    public int Seats => Math.Max(InitialSeats, FinalSeats);
}
