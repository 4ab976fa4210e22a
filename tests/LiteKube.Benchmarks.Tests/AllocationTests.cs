using LiteKube.Benchmarks.InProcess;
using Xunit.Abstractions;

namespace LiteKube.Benchmarks.Tests;

/// <summary>
/// What one operation may allocate, in bytes: a change that needs more shows itself here, and either finds another way
/// or raises the figure for a reason. Times belong to scripts/bench.
/// </summary>
/// <remarks>
/// The ceilings are a sixth above what a debug build, which tests are, allocated when they were set; a release build
/// allocates less. Lower one when its operation has become leaner.
/// </remarks>
public sealed class AllocationTests(ITestOutputHelper output)
{
    private static readonly Dictionary<string, int> Ceilings = new()
    {
        ["get"] = 2_000,
        ["list of 200"] = 461_000,
        ["list of 200 by label (20)"] = 53_800,
        ["protobuf get"] = 2_270,
        ["protobuf list of 200"] = 375_000,
        ["create"] = 26_100,
        ["put"] = 35_400,
        ["merge patch"] = 40_300,
        ["strategic patch of a pod's status"] = 166_000,
        ["apply"] = 88_200,
        ["put heard by 20 watchers"] = 82_200,
    };

    [Fact]
    public async Task No_operation_allocates_more_than_its_ceiling()
    {
        await using var operations = await ApiOperations.StartAsync();
        var measured = new List<Measurement>();
        foreach (var operation in operations.All) measured.Add(await Measurement.TakeAsync(operation, warmUp: 200, count: 200, rounds: 5));

        foreach (var m in measured) output.WriteLine($"{m.Name}: {m.Bytes:F0} bytes");
        Assert.Equal(Ceilings.Keys.Order(), measured.Select(m => m.Name).Order());
        var over = measured.Where(m => m.Bytes > Ceilings[m.Name]).Select(m => $"{m.Name} allocates {m.Bytes:F0} bytes, its ceiling is {Ceilings[m.Name]}").ToList();
        Assert.True(over.Count == 0, string.Join("\n", over));
    }
}
