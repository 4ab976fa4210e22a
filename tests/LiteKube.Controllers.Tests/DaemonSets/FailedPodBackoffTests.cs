using LiteKube.Controllers.DaemonSets;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Controllers.Tests.DaemonSets;

public sealed class FailedPodBackoffTests
{
    [Fact]
    public void It_doubles_with_each_failure_of_a_node_up_to_a_quarter_of_an_hour_and_is_forgotten_after_twice_that()
    {
        var time = new FakeTimeProvider();
        var backoff = new FailedPodBackoff(time);
        Assert.True(backoff.Remaining("ds", 1, "a") <= TimeSpan.Zero);
        var delays = new List<double>();
        for (var i = 0; i < 12; i++)
        {
            backoff.Next("ds", 1, "a");
            delays.Add(backoff.Remaining("ds", 1, "a").TotalSeconds);
            time.Advance(backoff.Remaining("ds", 1, "a"));
            Assert.True(backoff.Remaining("ds", 1, "a") <= TimeSpan.Zero);
        }
        Assert.Equal([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900], delays);
        Assert.True(backoff.Remaining("ds", 1, "b") <= TimeSpan.Zero);
        Assert.True(backoff.Remaining("ds", 2, "a") <= TimeSpan.Zero);
        time.Advance(TimeSpan.FromMinutes(31));
        backoff.Next("ds", 1, "a");
        Assert.Equal(TimeSpan.FromSeconds(1), backoff.Remaining("ds", 1, "a"));
    }
}
