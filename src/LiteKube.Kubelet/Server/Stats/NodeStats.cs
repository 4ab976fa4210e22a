using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using k8s.Models;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.PodWorkers;

namespace LiteKube.Kubelet.Server.Stats;

/// <summary>
/// Usage of the node, its pods and containers as /stats/summary and /metrics/resource give it
/// (https://kubernetes.io/docs/reference/instrumentation/node-metrics/), read from the runtime and /proc when asked.
/// </summary>
internal sealed class NodeStats(KubeletOptions options, IPodDirectory pods, TimeProvider time)
{
    private sealed record ContainerUsage(V1Pod Pod, ContainerHandle Handle, ContainerStats Stats)
    {
        public ulong? CpuNanoseconds => Stats.Cpu?.UsageCoreNanoSeconds?.Value;
        public ulong? WorkingSetBytes => Stats.Memory?.WorkingSetBytes?.Value;
    }

    private readonly DateTimeOffset _started = time.GetUtcNow();

    public async Task<ReadOnlyMemory<byte>> SummaryAsync(CancellationToken cancellationToken)
    {
        var containers = await ReadAsync(cancellationToken);
        var now = time.GetUtcNow();
        var node = NodeUsage.Read();
        var body = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(body);
        writer.WriteStartObject();
        writer.WriteStartObject("node");
        writer.WriteString("nodeName", options.NodeName);
        writer.WriteString("startTime", Time(_started));
        WriteCpu(writer, now, node.CpuNanoseconds, null);
        WriteMemory(writer, now, node.WorkingSetBytes, node.MemoryAvailableBytes, null);
        WriteFilesystem(writer, now);
        writer.WriteEndObject();
        writer.WriteStartArray("pods");
        foreach (var pod in containers.GroupBy(c => c.Pod.Metadata.Uid, StringComparer.Ordinal))
            WritePod(writer, now, [.. pod]);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        return body.WrittenMemory;
    }

    public async Task<string> ResourceMetricsAsync(CancellationToken cancellationToken)
    {
        var containers = await ReadAsync(cancellationToken);
        var stamp = time.GetUtcNow().ToUnixTimeMilliseconds();
        var node = NodeUsage.Read();
        var text = new MetricsText();
        text.Family("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the container in core-seconds");
        foreach (var c in containers.Where(c => c.CpuNanoseconds is not null))
            text.Sample(Labels(c), Seconds(c.CpuNanoseconds!.Value), stamp);
        text.Family("container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes");
        foreach (var c in containers.Where(c => c.WorkingSetBytes is not null))
            text.Sample(Labels(c), c.WorkingSetBytes!.Value, stamp);
        text.Family("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds");
        foreach (var c in containers.Where(c => c.Handle.StartedAt is not null))
            text.Sample(Labels(c), c.Handle.StartedAt!.Value.ToUnixTimeMilliseconds() / 1000.0, null);
        text.Family("node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds");
        text.Sample("", Seconds(node.CpuNanoseconds), stamp);
        text.Family("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes");
        text.Sample("", node.WorkingSetBytes, stamp);
        var byPod = containers.GroupBy(c => c.Pod.Metadata.Uid, StringComparer.Ordinal).ToList();
        text.Family("pod_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the pod in core-seconds");
        foreach (var pod in byPod)
            text.Sample(PodLabels(pod.First().Pod), Seconds(Sum(pod, c => c.CpuNanoseconds)), stamp);
        text.Family("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes");
        foreach (var pod in byPod)
            text.Sample(PodLabels(pod.First().Pod), Sum(pod, c => c.WorkingSetBytes), stamp);
        text.Family("resource_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise");
        text.Sample("", 0, null);
        return text.ToString();
    }

    public Task<string> KubeletMetricsAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var all = pods.Pods();
        var running = all.SelectMany(p => p.Spec.Containers.Select(c => pods.FindContainer(p.Metadata.Uid, c.Name))).Count(h => h is { IsRunning: true });
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        var text = new MetricsText();
        text.Family("kubelet_node_name", "gauge", "The node's name. The count is always 1.");
        text.Sample($"{{node=\"{options.NodeName}\"}}", 1, null);
        text.Family("kubelet_running_pods", "gauge", "Number of pods that this node has work with");
        text.Sample("", all.Count, null);
        text.Family("kubelet_running_containers", "gauge", "Number of containers currently running");
        text.Sample("{container_state=\"running\"}", running, null);
        text.Family("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.");
        text.Sample("", process.TotalProcessorTime.TotalSeconds, null);
        text.Family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.");
        text.Sample("", process.WorkingSet64, null);
        text.Family("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.");
        text.Sample("", new DateTimeOffset(process.StartTime).ToUnixTimeMilliseconds() / 1000.0, null);
        return Task.FromResult(text.ToString());
    }

    private async Task<IReadOnlyList<ContainerUsage>> ReadAsync(CancellationToken cancellationToken)
    {
        var byId = (await pods.Runtime.ListContainerStatsAsync(null, cancellationToken)).ToDictionary(s => s.Attributes.Id, StringComparer.Ordinal);
        var result = new List<ContainerUsage>();
        foreach (var pod in pods.Pods())
        {
            foreach (var container in pod.Spec.Containers.Concat(pod.Spec.InitContainers ?? []))
            {
                if (pods.FindContainer(pod.Metadata.Uid, container.Name) is { IsRunning: true } handle && byId.TryGetValue(handle.Id, out var stats))
                    result.Add(new ContainerUsage(pod, handle, stats));
            }
        }
        return result;
    }

    private static void WritePod(Utf8JsonWriter writer, DateTimeOffset now, IReadOnlyList<ContainerUsage> containers)
    {
        var pod = containers[0].Pod;
        writer.WriteStartObject();
        writer.WriteStartObject("podRef");
        writer.WriteString("name", pod.Metadata.Name);
        writer.WriteString("namespace", pod.Metadata.NamespaceProperty);
        writer.WriteString("uid", pod.Metadata.Uid);
        writer.WriteEndObject();
        if (pod.Status?.StartTime is { } started)
            writer.WriteString("startTime", Time(started));
        writer.WriteStartArray("containers");
        foreach (var container in containers)
        {
            writer.WriteStartObject();
            writer.WriteString("name", container.Handle.Name);
            if (container.Handle.StartedAt is { } at)
                writer.WriteString("startTime", Time(at));
            WriteCpu(writer, now, container.CpuNanoseconds, container.Stats.Cpu?.UsageNanoCores?.Value);
            WriteMemory(writer, now, container.WorkingSetBytes, null, container.Stats.Memory?.UsageBytes?.Value);
            if (container.Stats.WritableLayer?.UsedBytes?.Value is { } used)
            {
                writer.WriteStartObject("rootfs");
                writer.WriteString("time", Time(now));
                writer.WriteNumber("usedBytes", used);
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        WriteCpu(writer, now, Sum(containers, c => c.CpuNanoseconds), null);
        WriteMemory(writer, now, Sum(containers, c => c.WorkingSetBytes), null, null);
        writer.WriteEndObject();
    }

    private static void WriteCpu(Utf8JsonWriter writer, DateTimeOffset now, ulong? nanoseconds, ulong? nanoCores)
    {
        if (nanoseconds is not { } total)
            return;
        writer.WriteStartObject("cpu");
        writer.WriteString("time", Time(now));
        if (nanoCores is { } rate)
            writer.WriteNumber("usageNanoCores", rate);
        writer.WriteNumber("usageCoreNanoSeconds", total);
        writer.WriteEndObject();
    }

    private static void WriteMemory(Utf8JsonWriter writer, DateTimeOffset now, ulong? workingSet, ulong? available, ulong? usage)
    {
        if (workingSet is not { } bytes)
            return;
        writer.WriteStartObject("memory");
        writer.WriteString("time", Time(now));
        if (available is { } free)
            writer.WriteNumber("availableBytes", free);
        if (usage is { } used)
            writer.WriteNumber("usageBytes", used);
        writer.WriteNumber("workingSetBytes", bytes);
        writer.WriteEndObject();
    }

    private void WriteFilesystem(Utf8JsonWriter writer, DateTimeOffset now)
    {
        var drive = new DriveInfo(options.DataDir);
        writer.WriteStartObject("fs");
        writer.WriteString("time", Time(now));
        writer.WriteNumber("availableBytes", drive.AvailableFreeSpace);
        writer.WriteNumber("capacityBytes", drive.TotalSize);
        writer.WriteNumber("usedBytes", drive.TotalSize - drive.TotalFreeSpace);
        writer.WriteEndObject();
    }

    private static ulong Sum(IEnumerable<ContainerUsage> containers, Func<ContainerUsage, ulong?> value) =>
        containers.Aggregate(0UL, (sum, c) => sum + (value(c) ?? 0));

    private static string Labels(ContainerUsage c) =>
        $"{{container=\"{c.Handle.Name}\",namespace=\"{c.Pod.Metadata.NamespaceProperty}\",pod=\"{c.Pod.Metadata.Name}\"}}";

    private static string PodLabels(V1Pod pod) => $"{{namespace=\"{pod.Metadata.NamespaceProperty}\",pod=\"{pod.Metadata.Name}\"}}";

    private static double Seconds(ulong nanoseconds) => nanoseconds / 1e9;

    private static string Time(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Prometheus' text format, version 0.0.4.</summary>
    private sealed class MetricsText
    {
        private readonly StringBuilder _text = new();
        private string _name = "";

        public void Family(string name, string type, string help)
        {
            _name = name;
            _text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");
        }

        public void Sample(string labels, double value, long? stampMs)
        {
            _text.Append(CultureInfo.InvariantCulture, $"{_name}{labels} {value:R}");
            if (stampMs is { } stamp)
                _text.Append(CultureInfo.InvariantCulture, $" {stamp}");
            _text.Append('\n');
        }

        public override string ToString() => _text.ToString();
    }
}
