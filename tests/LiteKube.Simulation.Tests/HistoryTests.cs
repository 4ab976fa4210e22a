using System.Globalization;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// Random histories of the controllers. LITEKUBE_SIMULATION_SEEDS=N plays N others than those of every build; a failure
/// names its seed, which becomes a row of <see cref="What_once_failed_holds"/>.
/// </summary>
public sealed class HistoryTests
{
    private const int SeedsInEveryBuild = 120;

    private static readonly Dictionary<string, Func<Scenario>> Scenarios = new()
    {
        ["ReplicaSet"] = () => new ReplicaSetScenario(),
        ["Deployment"] = () => new DeploymentScenario(),
        ["StatefulSet"] = () => new StatefulSetScenario(),
        ["DaemonSet"] = () => new DaemonSetScenario(),
        ["Job"] = () => new JobScenario(),
    };

    public static TheoryData<string> Names => [.. Scenarios.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_history_comes_right(string scenario)
    {
        for (var seed = 0; seed < SeedsInEveryBuild; seed++) Simulation.Run(Scenarios[scenario], seed);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void New_histories_come_right(string scenario)
    {
        if (Environment.GetEnvironmentVariable("LITEKUBE_SIMULATION_SEEDS") is not { Length: > 0 } text) return;
        var first = Random.Shared.Next(1_000_000, 1_000_000_000);
        for (var seed = first; seed < first + int.Parse(text, CultureInfo.InvariantCulture); seed++) Simulation.Run(Scenarios[scenario], seed);
    }

    /// <summary>What the histories found: named by what went wrong. A changed simulation plays other histories under the same seeds, so each also has its rule in the code it mended.</summary>
    [Theory]
    [InlineData("ReplicaSet", 38, "an orphan that appeared was taken for a pod that had just been made, and one more was made")]
    [InlineData("ReplicaSet", 26, "a pod that came while the others were being claimed met the expectations and was missing in the count")]
    [InlineData("ReplicaSet", 123, "a set whose awaited deletion never showed was not looked at again")]
    [InlineData("Deployment", 8, "two sets that were made one after the other grew beyond the surge, since the watch had not shown the first")]
    [InlineData("Deployment", 95, "a set that shrank and grew again still told of the pods it was about to end, and others were ended on its word")]
    [InlineData("Job", 11, "a success was counted twice whose pod was gone and still shown")]
    [InlineData("Job", 14, "a pod whose finalizer could not be removed for a lost connection was never let go")]
    public void What_once_failed_holds(string scenario, int seed, string what)
    {
        Assert.NotEmpty(what);
        Simulation.Run(Scenarios[scenario], seed);
    }

    /// <summary>The same seed gives the same history, or a failure could not be looked into.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void A_seed_repeats_its_history(string scenario) => Assert.Equal(Simulation.Run(Scenarios[scenario], 7), Simulation.Run(Scenarios[scenario], 7));
}
