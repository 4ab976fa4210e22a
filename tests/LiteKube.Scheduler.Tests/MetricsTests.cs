using System.Text;
using k8s.Models;
using LiteKube.Testing;

namespace LiteKube.Scheduler.Tests;

public sealed class MetricsTests() : SchedulerTest(new SchedulerOptions { Profiles = [new SchedulerProfile(), new SchedulerProfile { SchedulerName = "second" }] })
{
    [Fact]
    public async Task Attempts_queues_and_preemptions_are_counted_by_upstreams_names()
    {
        Kube.Seed(Make.Node("a", cpu: "1"));
        Kube.Seed(Make.Pod("low", cpu: "500m", with: pod => pod.Spec.NodeName = "a"));
        await StartAsync();
        await CreateAsync(Make.Pod("fits", cpu: "100m"));
        await Kube.WaitForAllAsync<Corev1Event>(null, events => events.Any(e => e.Reason == "Scheduled" && e.InvolvedObject.Name == "fits"), "the pod is bound and told");
        await CreateAsync(Make.Pod("large", cpu: "2"));
        await NotScheduledAsync("large");
        await CreateAsync(Make.Pod("gated", with: pod => pod.Spec.SchedulingGates = [new V1PodSchedulingGate { Name = "g" }]));
        await CreateAsync(Make.Pod("important", cpu: "900m", with: pod => pod.Spec.Priority = 10));
        await Kube.WaitForAsync<V1Pod>("default", "low", pod => pod?.Metadata.DeletionTimestamp is not null, "the victim is deleted");
        await NotScheduledAsync("important");

        var text = Text();
        Assert.Contains("scheduler_schedule_attempts_total{result=\"scheduled\",profile=\"default-scheduler\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_schedule_attempts_total{result=\"unschedulable\",profile=\"default-scheduler\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_scheduling_attempt_duration_seconds_bucket{result=\"scheduled\",profile=\"default-scheduler\",le=\"0.001\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_pod_scheduling_sli_duration_seconds_count{attempts=\"1\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_pod_scheduling_attempts_bucket{le=\"1\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_preemption_attempts_total 2\n", text, StringComparison.Ordinal);
        // With 500m of a core given back, the pod of 100m may stay beside the one of 900m.
        Assert.Contains("scheduler_preemption_victims_sum 1\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_queue_incoming_pods_total{queue=\"active\",event=\"UnschedulablePodAdd\"} 3\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_queue_incoming_pods_total{queue=\"gated\",event=\"UnschedulablePodAdd\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_pending_pods{queue=\"gated\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_pending_pods{queue=\"unschedulable\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_unschedulable_pods{plugin=\"NodeResourcesFit\",profile=\"default-scheduler\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_framework_extension_point_duration_seconds_count{extension_point=\"Filter\",status=\"Unschedulable\",profile=\"default-scheduler\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_plugin_evaluation_total{plugin=\"NodeResourcesFit\",extension_point=\"Filter\",profile=\"default-scheduler\"} 3\n", text, StringComparison.Ordinal);
        Assert.Contains("scheduler_cache_size{type=\"nodes\"} 1\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_profile_counts_for_itself()
    {
        Kube.Seed(Make.Node("a"));
        await StartAsync();
        await CreateAsync(Make.Pod("p", with: pod => pod.Spec.SchedulerName = "second"));
        await Kube.WaitForAllAsync<Corev1Event>(null, events => events.Any(e => e.Reason == "Scheduled" && e.Source.Component == "second"), "the second scheduler says so");
        Assert.Contains("scheduler_schedule_attempts_total{result=\"scheduled\",profile=\"second\"} 1\n", Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_API_server_shows_them_beside_its_own()
    {
        await using var server = await TestApiServer.StartAsync();
        server.Server.AddMetrics(Scheduler.WriteMetrics);
        var shown = (await server.GetAsync("/metrics")).Body;
        Assert.Contains("# TYPE scheduler_pending_pods gauge\nscheduler_pending_pods{queue=\"active\"} 0\n", shown, StringComparison.Ordinal);
        Assert.Contains("apiserver_request_total", shown, StringComparison.Ordinal);
    }

    private string Text()
    {
        var text = new StringBuilder();
        Scheduler.WriteMetrics(text);
        return text.ToString();
    }
}
