using LiteKube.ApiServer.Watch;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Watch;

public sealed class WatchPaceTests
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Nobody_waits_after_a_pause()
    {
        var pace = new WatchPace(_clock);
        for (var i = 0; i < 1000; i++) pace.Flushed();

        _clock.Advance(TimeSpan.FromMilliseconds(51));

        Assert.Equal(TimeSpan.Zero, pace.Gap);
    }

    [Fact]
    public void No_gap_is_longer_than_a_fortieth_of_a_second()
    {
        var pace = new WatchPace(_clock);
        for (var i = 0; i < 10_000; i++) pace.Flushed();

        _clock.Advance(TimeSpan.FromMilliseconds(25));

        Assert.Equal(TimeSpan.FromMilliseconds(25), pace.Gap);
    }

    /// <summary>Watchers that flush as often as they may, for two seconds: where the pace settles.</summary>
    [Theory]
    [InlineData(1, 2, 4)]
    [InlineData(10, 7, 12)]
    [InlineData(50, 16, 25)]
    public void The_gap_grows_with_the_number_of_busy_watchers(int watchers, int leastMilliseconds, int mostMilliseconds)
    {
        var pace = new WatchPace(_clock);
        var last = new DateTimeOffset[watchers];
        var gaps = new List<double>();
        for (var elapsed = 0; elapsed < 2000; elapsed++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(1));
            for (var i = 0; i < watchers; i++)
            {
                var since = _clock.GetUtcNow() - last[i];
                if (since < pace.Gap) continue;
                if (elapsed > 500) gaps.Add(since.TotalMilliseconds);
                pace.Flushed();
                last[i] = _clock.GetUtcNow();
            }
        }

        Assert.InRange(gaps.Average(), leastMilliseconds, mostMilliseconds);
    }
}
