namespace LiteKube.ApiServer.FlowControl;

/// <summary>
/// How many seats a priority level could have used: highest, mean and spread over one period, and the smoothed figure
/// by which levels lend and borrow (KEP-1040). Guarded by the level's lock.
/// </summary>
internal sealed class SeatDemand(TimeProvider time)
{
    /// <summary>Old demand loses half its weight in five minutes of ten-second periods.</summary>
    private const double Smoothing = 0.977;

    private long _since = time.GetTimestamp();
    private double _now;
    private double _seconds;
    private double _integral;
    private double _squares;
    private double _highest;

    public int HighWatermark { get; private set; }
    public double Average { get; private set; }
    public double Deviation { get; private set; }
    public double Smoothed { get; private set; }

    /// <param name="timestamp">Now, by the same clock.</param>
    public void Set(double seats, long timestamp)
    {
        Integrate(timestamp);
        _now = seats;
        if (seats > _highest) _highest = seats;
    }

    /// <summary>Ends a period and begins the next.</summary>
    public void Close(long timestamp)
    {
        Integrate(timestamp);
        HighWatermark = (int)Math.Round(_highest);
        if (_seconds > 0)
        {
            Average = _integral / _seconds;
            Deviation = Math.Sqrt(Math.Max(0, _squares / _seconds - Average * Average));
            var envelope = Average + Deviation;
            Smoothed = Math.Max(envelope, Smoothing * Smoothed + (1 - Smoothing) * envelope);
        }
        (_seconds, _integral, _squares, _highest) = (0, 0, 0, _now);
    }

    private void Integrate(long timestamp)
    {
        var elapsed = (double)(timestamp - _since) / time.TimestampFrequency;
        _since = timestamp;
        _seconds += elapsed;
        _integral += _now * elapsed;
        _squares += _now * _now * elapsed;
    }
}
