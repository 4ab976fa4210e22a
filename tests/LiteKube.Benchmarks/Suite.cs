using System.Globalization;
using System.Text;

namespace LiteKube.Benchmarks;

/// <summary>Runs every measurement several times, and prints the medians beside the targets.</summary>
internal sealed class Suite(string program, string? peerKubeconfig, int runs, string? only)
{
    private sealed record Row(string Measure, string Unit, string Target, List<double> Ours, List<double> Peers, List<double> Cpu);

    private readonly List<Row> _rows = [];

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var image = await BusyboxImage.BuildAsync(cancellationToken);
        try
        {
            if (Wanted("start"))
                await StartsAsync(cancellationToken);
            await using var instance = new Instance(program);
            await instance.StartAsync(cancellationToken);
            await instance.ImportAsync(image, cancellationToken);
            if (Wanted("idle"))
                await IdleAsync(instance, cancellationToken);
            await MeasureAsync(KubeEndpoint.Load(instance.Kubeconfig), static r => r.Ours, instance.CpuSeconds, cancellationToken);
            if (Wanted("api"))
                Add("memory after load", "MB", "", static r => r.Ours, instance.ResidentMegabytes());
            if (peerKubeconfig is not null)
                await MeasureAsync(KubeEndpoint.Load(peerKubeconfig), static r => r.Peers, null, cancellationToken);
        }
        finally
        {
            File.Delete(image);
            Console.Write(Table());
        }
        return 0;
    }

    private bool Wanted(string word) => only is null || only == word;

    private async Task StartsAsync(CancellationToken cancellationToken)
    {
        for (var run = 0; run < runs; run++)
        {
            await using var instance = new Instance(program);
            Add("start to node Ready, from empty data", "s", "1", static r => r.Ours, await instance.StartAsync(cancellationToken));
        }
    }

    private async Task IdleAsync(Instance instance, CancellationToken cancellationToken)
    {
        Say("letting the cluster rest");
        // The start's own work (first lists, JIT-free but cold caches) has ended after this.
        await Task.Delay(TimeSpan.FromSeconds(15), TimeProvider.System, cancellationToken);
        for (var run = 0; run < runs; run++)
        {
            Add("CPU, idle", "% of a core", "0.5", static r => r.Ours, await instance.CpuPercentAsync(TimeSpan.FromSeconds(20), cancellationToken));
            Add("memory, idle", "MB", "80", static r => r.Ours, instance.ResidentMegabytes());
        }
        Add("program size", "MB", "40", static r => r.Ours, new FileInfo(program).Length / 1e6);
    }

    private async Task MeasureAsync(KubeEndpoint endpoint, Func<Row, List<double>> side, Func<double>? cpu, CancellationToken cancellationToken)
    {
        var pods = new PodTimes(endpoint, BusyboxImage.Name);
        for (var run = 0; run < runs && Wanted("pods"); run++)
            Add("`kubectl run` to Ready, image present", "s", "0.4", side, await pods.OnePodAsync(cancellationToken));
        for (var run = 0; run < runs && Wanted("pods"); run++)
        {
            var (ready, gone) = await pods.ThirtyAsync(cancellationToken);
            Add("Deployment of 30 to Ready", "s", "10", side, ready);
            Add("Deployment of 30 to gone", "s", "6", side, gone);
            // Their sandboxes are still being removed: what a new pod waits for behind them.
            Add("`kubectl run` to Ready, behind 30 removals", "s", "", side, await pods.OnePodAsync(cancellationToken));
        }
        foreach (var share in (bool[])[true, false])
        {
            // The first run warms both sides up and is not counted.
            for (var run = -1; run < runs && Wanted("api"); run++)
                await ApiAsync(endpoint, share, side, cpu, isCounted: run >= 0, cancellationToken);
        }
        for (var run = 0; run < runs && Wanted("scheduling"); run++)
            Add("1,000 pods scheduled on 100 nodes", "/s", "1,000", side, await new SchedulingLoad(endpoint).MeasureAsync(cancellationToken));
    }

    private async Task ApiAsync(KubeEndpoint endpoint, bool share, Func<Row, List<double>> side, Func<double>? cpu, bool isCounted, CancellationToken cancellationToken)
    {
        var load = await new ApiLoad(endpoint, share, cpu).MeasureAsync(cancellationToken);
        var fanout = await new WatchFanout(endpoint, share).MeasureAsync(cancellationToken);
        if (!isCounted)
            return;
        var how = share ? "one connection" : "a connection each";
        Add($"configmap create, 16 clients, {how}", "5,520", side, load.Create);
        Add($"configmap put, 16 clients, {how}", "6,400", side, load.Put);
        Add($"configmap merge patch, 16 clients, {how}", "7,600", side, load.Patch);
        Add($"get, 16 clients, {how}", "18,000", side, load.Get);
        Add($"list of 2000, 16 clients, {how}", "260", side, load.List);
        Add($"list of 2000 by label (200), 16 clients, {how}", "530", side, load.ListByLabel);
        Add($"watch, 50 watchers x 500 writes, {how}", "events/s", "126,000", side, fanout);
    }

    private void Add(string measure, string target, Func<Row, List<double>> side, ApiLoad.Figure figure)
    {
        Add(measure, "/s", target, side, figure.PerSecond);
        if (figure.CpuMicroseconds is { } cpu)
            _rows.First(r => r.Measure == measure).Cpu.Add(cpu);
    }

    private void Add(string measure, string unit, string target, Func<Row, List<double>> side, double value)
    {
        var row = _rows.Find(r => r.Measure == measure);
        if (row is null)
            _rows.Add(row = new(measure, unit, target, [], [], []));
        side(row).Add(value);
        Say($"{measure}: {Text(value)} {unit}");
    }

    private string Table()
    {
        var table = new StringBuilder("\n| measure | target | LiteKube | its CPU a request (µs) | peer |\n|---|---|---|---|---|\n");
        foreach (var row in _rows)
            table.Append(CultureInfo.InvariantCulture, $"| {row.Measure} ({row.Unit}) | {row.Target} | {Summary(row.Ours)} | {Summary(row.Cpu)} | {Summary(row.Peers)} |\n");
        return table.ToString();
    }

    private static string Summary(List<double> values)
    {
        if (values.Count == 0)
            return "";
        var sorted = values.Order().ToList();
        var median = sorted[sorted.Count / 2];
        return sorted.Count == 1 ? Text(median) : $"{Text(median)} ({Text(sorted[0])} to {Text(sorted[^1])})";
    }

    private static string Text(double value) => value.ToString(value >= 100 ? "#,0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    private static void Say(string line) => Console.Error.WriteLine(line);
}
