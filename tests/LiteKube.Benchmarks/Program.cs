using System.Globalization;
using LiteKube.Benchmarks;
using LiteKube.Benchmarks.InProcess;
using LiteKube.Benchmarks.Scale;

// bench --in-process [--only WORDS] [--seconds N]: what the API server's operations cost without HTTP; for N seconds
// without figures, for a profiler.
// bench --scale [--nodes N] [--pods N] [--in-process | --program FILE] [--picture FILE.svg]: a large cluster of nodes without machines.
// bench [--program FILE] [--runs N] [--only WORD]: measures the design's targets and prints them as a Markdown table.
// A peer's figures stand beside them when PEER_KUBECONFIG names another running cluster.
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;

if (args.Contains("--scale"))
{
    int Number(string name, int otherwise) => Option(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
    var size = new ScaleSize(Number("--nodes", 1000), Number("--pods", 30_000), Number("--replicas", 5000), Number("--part", 3000));
    return await ScaleSuite.RunAsync(size, args.Contains("--in-process") ? null : Path.GetFullPath(Option("--program") ?? "out/litekube"), Option("--picture"), CancellationToken.None);
}
if (args.Contains("--in-process"))
    return await InProcessSuite.RunAsync(Option("--only"), Option("--seconds") is { } seconds ? TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)) : null);

var program = Path.GetFullPath(Option("--program") ?? "out/litekube");
if (!File.Exists(program))
{
    Console.Error.WriteLine($"there is no program at {program}; build it with scripts/build, or name one with --program");
    return 2;
}
if (!int.TryParse(Option("--runs") ?? "3", out var runs) || runs < 1)
{
    Console.Error.WriteLine("--runs takes a number of at least 1");
    return 2;
}
var peer = Environment.GetEnvironmentVariable("PEER_KUBECONFIG") is { Length: > 0 } file ? file : null;
using var ending = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) => { e.Cancel = true; ending.Cancel(); };
return await new Suite(program, peer, runs, Option("--only")).RunAsync(ending.Token);
