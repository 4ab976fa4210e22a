using System.Diagnostics;
using System.Globalization;

namespace LiteKube.Benchmarks.InProcess;

/// <summary>Prints what each operation costs without HTTP; a word narrows it to the operations that hold it, an endless run is for a profiler.</summary>
internal static class InProcessSuite
{
    public static async Task<int> RunAsync(string? only, TimeSpan? endless)
    {
        await using var operations = await ApiOperations.StartAsync();
        var chosen = operations.All.Where(o => only is null || o.Name.Contains(only, StringComparison.Ordinal)).ToList();
        if (endless is { } length)
        {
            var watch = Stopwatch.StartNew();
            for (var i = 0; watch.Elapsed < length; i++)
            {
                foreach (var operation in chosen) await operation.Run(i);
            }
            return 0;
        }
        Console.WriteLine("| operation | bytes allocated | CPU (µs) |\n|---|---|---|");
        // All of them once around first: the first one measured would pay for code that the others share.
        foreach (var operation in chosen) await Measurement.TakeAsync(operation, warmUp: 0, count: 1000, rounds: 1);
        foreach (var operation in chosen)
        {
            var measured = await Measurement.TakeAsync(operation, warmUp: 3000, count: 2000, rounds: 5);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {measured.Name} | {measured.Bytes:#,0} | {measured.CpuMicroseconds:0.0} |"));
        }
        return 0;
    }
}
