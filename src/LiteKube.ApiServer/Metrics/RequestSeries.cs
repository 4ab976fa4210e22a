namespace LiteKube.ApiServer.Metrics;

/// <summary>Count and latency histogram of one kind of request; updated without locks.</summary>
internal sealed class RequestSeries
{
    /// <summary>Upper bounds in seconds, upstream's.</summary>
    public static readonly double[] Bounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

    private readonly long[] _buckets = new long[Bounds.Length + 1];
    private long _count;
    private long _sumMicroseconds;

    public long Count => Volatile.Read(ref _count);

    /// <param name="seconds">Null for a watch, whose length says nothing.</param>
    public void Observe(double? seconds)
    {
        Interlocked.Increment(ref _count);
        if (seconds is not { } elapsed) return;
        var bucket = 0;
        while (bucket < Bounds.Length && elapsed > Bounds[bucket]) bucket++;
        Interlocked.Increment(ref _buckets[bucket]);
        Interlocked.Add(ref _sumMicroseconds, (long)(elapsed * 1e6));
    }

    /// <summary>Adds the buckets to <paramref name="total"/>.</summary>
    /// <returns>The sum in seconds.</returns>
    public double AddTo(long[] total)
    {
        for (var i = 0; i < total.Length; i++) total[i] += Volatile.Read(ref _buckets[i]);
        return Volatile.Read(ref _sumMicroseconds) / 1e6;
    }
}
