using k8s.Models;
using LiteKube.Controllers.Deployments;

namespace LiteKube.Controllers.Tests.Deployments;

public sealed class RollingPlanTests
{
    [Theory]
    [InlineData(4, "25%", "25%", 1, 1)]
    [InlineData(10, "25%", "25%", 3, 2)]
    [InlineData(1, "25%", "25%", 1, 0)]
    [InlineData(3, "0", "0", 0, 1)]
    [InlineData(3, "0%", "10%", 0, 1)]
    [InlineData(2, "0", "5", 0, 2)]
    public void Surge_rounds_up_and_unavailability_down_and_one_of_them_is_left(int replicas, string surge, string unavailable, int expectedSurge, int expectedUnavailable)
    {
        var bounds = RollingPlan.Bounds.Of(Deployment(replicas, surge, unavailable));
        Assert.Equal((expectedSurge, expectedUnavailable), (bounds.MaxSurge, bounds.MaxUnavailable));
    }

    [Theory]
    // Replicas, surge, old size, new size -> size of the new set.
    [InlineData(10, "3", 10, 0, 3)]
    [InlineData(10, "3", 8, 5, 5)]
    [InlineData(10, "3", 2, 5, 10)]
    [InlineData(10, "0", 10, 0, 0)]
    [InlineData(4, "1", 0, 6, 4)]
    public void The_new_set_grows_as_far_as_the_surge_allows(int replicas, string surge, int old, int current, int expected)
    {
        var (oldSet, newSet) = (Set("old", old, old), Set("new", current, current));
        Assert.Equal(expected, RollingPlan.NewReplicas(Deployment(replicas, surge, "1"), newSet, [oldSet, newSet]));
    }

    [Theory]
    // Replicas, unavailable, old size/available, new size/available -> size of the old set.
    [InlineData(10, "2", 10, 10, 0, 0, 8)]
    [InlineData(10, "0", 10, 10, 3, 0, 10)]
    [InlineData(10, "0", 10, 10, 3, 3, 7)]
    [InlineData(10, "2", 10, 4, 0, 0, 8)]
    [InlineData(10, "2", 8, 8, 5, 2, 6)]
    [InlineData(3, "0", 3, 0, 1, 1, 2)]
    // The old set was made smaller and its status does not show it yet.
    [InlineData(3, "0", 2, 3, 2, 2, 1)]
    public void Old_sets_shrink_only_while_enough_stays_available(int replicas, string unavailable, int old, int oldAvailable, int current, int currentAvailable, int expected)
    {
        var (oldSet, newSet) = (Set("old", old, oldAvailable), Set("new", current, currentAvailable));
        var plan = RollingPlan.ShrinkOld(Deployment(replicas, "3", unavailable), newSet, [oldSet]);
        Assert.Equal(expected, plan.Count == 0 ? old : Assert.Single(plan).Replicas);
    }

    [Theory]
    [InlineData(8, 5, 20, 14, 9)]
    [InlineData(8, 5, 5, 5, 3)]
    public void Scaling_in_the_middle_of_a_rollout_keeps_the_shares(int old, int current, int desired, int expectedOld, int expectedNew)
    {
        var sets = new[] { Set("old", old, old), Set("new", current, current) };
        var sizes = RollingPlan.Proportional(Deployment(desired, "3", "2"), sets, _ => 13).ToDictionary(p => p.Set.Metadata.Name, p => p.Replicas);
        Assert.Equal((expectedOld, expectedNew), (sizes.GetValueOrDefault("old", old), sizes.GetValueOrDefault("new", current)));
        Assert.Equal(desired + 3, sizes.Values.Sum());
    }

    [Fact]
    public void A_rollout_never_breaks_its_bounds_and_ends()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var deployment = Deployment(random.Next(1, 12), $"{random.Next(101)}%", $"{random.Next(101)}%");
            var (desired, bounds) = (RollingPlan.Desired(deployment), RollingPlan.Bounds.Of(deployment));
            var (old, next) = (Set("old", desired, desired), Set("new", 0, 0));
            var steps = 0;
            while (old.Spec.Replicas > 0 || next.Status.AvailableReplicas < desired)
            {
                Assert.True(++steps < 500, $"seed {seed}: the rollout stands still");
                next.Spec.Replicas = RollingPlan.NewReplicas(deployment, next, [old, next]);
                foreach (var (set, replicas) in RollingPlan.ShrinkOld(deployment, next, [old]))
                    set.Spec.Replicas = replicas;
                old.Status.AvailableReplicas = Math.Min(old.Status.AvailableReplicas!.Value, old.Spec.Replicas!.Value);
                Assert.True(old.Spec.Replicas + next.Spec.Replicas <= desired + bounds.MaxSurge, $"seed {seed}: too many");
                Assert.True(old.Status.AvailableReplicas + next.Status.AvailableReplicas >= desired - bounds.MaxUnavailable, $"seed {seed}: too few available");
                if (next.Status.AvailableReplicas < next.Spec.Replicas && random.Next(2) == 0)
                    next.Status.AvailableReplicas++;
            }
        }
    }

    private static V1Deployment Deployment(int replicas, string surge, string unavailable) => new()
    {
        Metadata = new V1ObjectMeta { Name = "web" },
        Spec = new V1DeploymentSpec
        {
            Replicas = replicas,
            Strategy = new V1DeploymentStrategy { Type = "RollingUpdate", RollingUpdate = new V1RollingUpdateDeployment { MaxSurge = surge, MaxUnavailable = unavailable } },
        },
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Nothing_is_taken_from_old_sets_on_the_word_of_a_set_that_was_just_resized(bool isNewSet)
    {
        var (oldSet, newSet) = (Set("old", 10, 10), Set("new", 3, 3));
        var resized = isNewSet ? newSet : oldSet;
        (resized.Metadata.Generation, resized.Status.ObservedGeneration) = (3, 2);
        Assert.Empty(RollingPlan.ShrinkOld(Deployment(10, "3", "0"), newSet, [oldSet]));

        resized.Status.ObservedGeneration = 3;

        Assert.Equal(7, Assert.Single(RollingPlan.ShrinkOld(Deployment(10, "3", "0"), newSet, [oldSet])).Replicas);
    }

    private static V1ReplicaSet Set(string name, int replicas, int available) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Uid = name, CreationTimestamp = name == "old" ? Build.Epoch : Build.Epoch.AddHours(1) },
        Spec = new V1ReplicaSetSpec { Replicas = replicas },
        Status = new V1ReplicaSetStatus { AvailableReplicas = available },
    };
}
