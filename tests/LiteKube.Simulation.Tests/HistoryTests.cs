using System.Globalization;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// Random histories of the controllers. LITEKUBE_SIMULATION_SEEDS=N plays N others than those of every build; a failure
/// names its seed, which becomes a row of <see cref="What_once_failed_holds"/>.
/// </summary>
public sealed class HistoryTests
{
    private const int SeedsInEveryBuild = 150;

    private static readonly Dictionary<string, Func<Scenario>> Scenarios = new()
    {
        ["ReplicaSet"] = () => new ReplicaSetScenario(),
        ["Deployment"] = () => new DeploymentScenario(),
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

    /// <summary>The same seed gives the same history, or a failure could not be looked into.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void A_seed_repeats_its_history(string scenario) => Assert.Equal(Simulation.Run(Scenarios[scenario], 7), Simulation.Run(Scenarios[scenario], 7));
}
