using k8s.Models;
using LiteKube.Controllers.ReplicaSets;

namespace LiteKube.Controllers.Tests.ReplicaSets;

public sealed class ReplicaPlanTests
{
    private static readonly DateTimeOffset Now = new(Build.Epoch.AddHours(10));

    [Theory]
    [InlineData(0, 3, 3, 0)]
    [InlineData(3, 3, 0, 0)]
    [InlineData(5, 3, 0, 2)]
    [InlineData(2, 0, 0, 2)]
    [InlineData(0, 2000, 500, 0)]
    [InlineData(1200, 0, 0, 500)]
    public void It_creates_what_lacks_and_deletes_what_is_too_much_in_bounded_steps(int have, int desired, int create, int delete)
    {
        var plan = Plan(desired, Enumerable.Range(0, have).Select(i => Build.Pod($"p{i}")));
        Assert.Equal((create, delete), (plan.Create, plan.Delete.Count));
    }

    private static ReplicaPlan Plan(int desired, IEnumerable<V1Pod> pods)
    {
        var owned = pods.ToList();
        return ReplicaPlan.Compute(desired, owned, owned, Now);
    }
}
