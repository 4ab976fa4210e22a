using System.Collections.Concurrent;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// Random histories of the controllers. LITEKUBE_SIMULATION_SEEDS=N plays N others than those of every build. A failure
/// names its seed, under which it can be looked into for as long as neither simulation nor controller changes: then
/// other things happen under the same seed, and so what a history finds stays as a test of its rule beside the
/// controller.
/// </summary>
public sealed class HistoryTests
{
    private const int SeedsInEveryBuild = 50;

    private static readonly Dictionary<string, Func<Scenario>> Scenarios = new()
    {
        ["ReplicaSet"] = () => new ReplicaSetScenario(),
        ["Deployment"] = () => new DeploymentScenario(),
        ["StatefulSet"] = () => new StatefulSetScenario(),
        ["DaemonSet"] = () => new DaemonSetScenario(),
        ["Job"] = () => new JobScenario(),
        ["GarbageCollection"] = () => new GarbageCollectionScenario(),
        ["Endpoints"] = () => new EndpointsScenario(),
        ["Namespace"] = () => new NamespaceScenario(),
        ["CronJob"] = () => new CronJobScenario(),
        ["Volume"] = () => new VolumeScenario(),
        ["Node"] = () => new NodeScenario(),
        ["Disruption"] = () => new DisruptionScenario(),
        ["Autoscaler"] = () => new AutoscalerScenario(),
        ["Quota"] = () => new QuotaScenario(),
    };

    public static TheoryData<string> Names => [.. Scenarios.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_history_comes_right(string scenario) => Play(scenario, Enumerable.Range(0, SeedsInEveryBuild));

    [NewHistoriesTheory]
    [MemberData(nameof(Names))]
    public void New_histories_come_right(string scenario) => Play(scenario, Enumerable.Range(Random.Shared.Next(1_000_000, 1_000_000_000), NewHistoriesTheoryAttribute.Seeds));

    /// <summary>The same seed gives the same history, or a failure could not be looked into.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void A_seed_repeats_its_history(string scenario)
    {
        var first = Simulation.Run(Scenarios[scenario], 7);
        Assert.NotEmpty(first);
        Assert.Equal(first, Simulation.Run(Scenarios[scenario], 7));
    }

    /// <summary>Each history has a thread to itself, as many at a time as there are processors.</summary>
    private static void Play(string scenario, IEnumerable<int> seeds)
    {
        var failures = new ConcurrentDictionary<int, string>();
        Parallel.ForEach(seeds, seed =>
        {
            try
            {
                Simulation.Run(Scenarios[scenario], seed);
            }
            catch (SimulationFailedException e)
            {
                failures[seed] = e.Message;
            }
        });
        if (!failures.IsEmpty)
            Assert.Fail($"{scenario}, seeds {string.Join(' ', failures.Keys.Order())}; the first of them:\n{failures.MinBy(f => f.Key).Value}");
    }
}
