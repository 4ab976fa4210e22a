using LiteKube.Hosting;
using static LiteKube.Hosting.QuietCollector;

namespace LiteKube.Tests.Hosting;

public sealed class QuietCollectorTests
{
    private const long Busy = QuietBytes + 1;

    [Fact]
    public void A_busy_server_is_left_alone()
    {
        Assert.Equal((Collection.None, 0), Decide(Busy, 100 << 20, 0));
        Assert.Equal((Collection.None, 0), Decide(Busy, 100 << 20, Settled - 1));
    }

    [Fact]
    public void Once_after_each_burst_everything_is_collected()
    {
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var (collection, quiet) = Decide(Busy, 0, 3);
            var all = 0;
            for (var i = 0; i < 100; i++)
            {
                (collection, quiet) = Decide(0, 0, quiet);
                Assert.NotEqual(Collection.Youngest, collection);
                if (collection == Collection.All)
                    Assert.Equal((Settled - 1, 1), (i, ++all));
            }
            Assert.Equal(1, all);
        }
    }

    [Fact]
    public void A_quiet_server_collects_the_youngest_once_that_is_worth_it()
    {
        Assert.Equal(Collection.None, Decide(1000, WorthwhileBytes - 1, Settled).Collection);
        Assert.Equal(Collection.Youngest, Decide(1000, WorthwhileBytes, Settled).Collection);
    }
}
