using System.Text;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.CronJobs;
using LiteKube.Controllers.EndpointSlices;
using LiteKube.Controllers.GarbageCollection;
using LiteKube.Controllers.Jobs;
using LiteKube.Controllers.Metrics;
using LiteKube.Controllers.NodeLifecycle;
using LiteKube.Controllers.PodGarbageCollection;
using LiteKube.Controllers.TaintEviction;
using LiteKube.Controllers.Tests.Jobs;
using LiteKube.Controllers.TtlAfterFinished;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.Metrics;

/// <summary>What dashboards of kube-controller-manager ask for, by its names.</summary>
public sealed class ControllerMetricsTests : ControllerTest
{
    private readonly ControllerMetrics _metrics = new();

    [Fact]
    public async Task Syncs_of_a_job_are_counted_with_the_pods_that_they_make()
    {
        Kube.Seed(JobBuild.Job(completions: 2, parallelism: 2));
        await new JobControllerOf(this).ReconcileAsync();
        Shows("job_controller_job_syncs_total{completion_mode=\"NonIndexed\",result=\"success\",action=\"pods_created\"} 1",
            "job_controller_job_sync_duration_seconds_count{completion_mode=\"NonIndexed\",result=\"success\",action=\"pods_created\"} 1",
            "job_controller_job_pods_creation_total{reason=\"new\",status=\"succeeded\"} 2");
    }

    [Fact]
    public async Task Jobs_and_pods_that_end_are_counted_once()
    {
        Kube.Seed(JobBuild.Job(completions: 2));
        Kube.Seed(JobBuild.Pod("a", "Succeeded"));
        Kube.Seed(JobBuild.Pod("b", "Succeeded"));
        Kube.Seed(JobBuild.Pod("c", "Failed"));
        var controller = new JobControllerOf(this);
        await controller.ReconcileAsync(pods: 3);
        await controller.ReconcileAsync(pods: 3);
        Shows("job_controller_jobs_finished_total{completion_mode=\"NonIndexed\",result=\"succeeded\",reason=\"CompletionsReached\"} 1",
            "job_controller_job_pods_finished_total{completion_mode=\"NonIndexed\",result=\"succeeded\"} 2",
            "job_controller_job_pods_finished_total{completion_mode=\"NonIndexed\",result=\"failed\"} 1");
    }

    [Fact]
    public async Task Indexes_and_the_actions_of_a_failure_policy_are_counted()
    {
        Kube.Seed(JobBuild.Indexed(3, 1, spec =>
        {
            spec.BackoffLimitPerIndex = 0;
            spec.PodFailurePolicy = new V1PodFailurePolicy { Rules = [new V1PodFailurePolicyRule { Action = "FailIndex", OnExitCodes = new V1PodFailurePolicyOnExitCodesRequirement { OperatorProperty = "In", Values = [42] } }] };
        }));
        Kube.Seed(JobBuild.Pod("a", "Succeeded", index: 0));
        Kube.Seed(JobBuild.Pod("b", "Failed", index: 1, exitCode: 42));
        await new JobControllerOf(this).ReconcileAsync(pods: 2);
        Shows("job_controller_job_finished_indexes_total{status=\"succeeded\",backoffLimit=\"perIndex\"} 1",
            "job_controller_job_finished_indexes_total{status=\"failed\",backoffLimit=\"perIndex\"} 1",
            "job_controller_pod_failures_handled_by_failure_policy_total{action=\"FailIndex\"} 1");
    }

    [Fact]
    public void Ended_pods_are_counted_while_they_are_tracked_and_jobs_of_others_when_they_are_seen()
    {
        var (running, ended, released) = (JobBuild.Pod("a"), JobBuild.Pod("a", "Failed"), JobBuild.Pod("a", "Failed", tracked: false));
        _metrics.Jobs.PodChanged(null, running);
        _metrics.Jobs.PodChanged(running, ended);
        _metrics.Jobs.PodChanged(ended, ended);
        _metrics.Jobs.PodChanged(ended, released);
        _metrics.Jobs.PodChanged(released, null);
        _metrics.Jobs.Seen(JobBuild.Job(change: spec => spec.ManagedBy = "example.com/own"));
        _metrics.Jobs.Seen(JobBuild.Job());
        Shows("job_controller_terminated_pods_tracking_finalizer_total{event=\"add\"} 1", "job_controller_terminated_pods_tracking_finalizer_total{event=\"delete\"} 1",
            "job_controller_jobs_by_external_controller_total{controller_name=\"example.com/own\"} 1");
    }

    [Fact]
    public async Task The_delays_of_scheduled_and_of_expired_jobs_are_measured()
    {
        Kube.Seed(new V1CronJob
        {
            Metadata = new V1ObjectMeta { Name = "cron", NamespaceProperty = "default", Uid = "uid-cron", CreationTimestamp = Time.GetUtcNow().UtcDateTime },
            Spec = new V1CronJobSpec { Schedule = "* * * * *", JobTemplate = new V1JobTemplateSpec { Spec = JobBuild.Job().Spec } },
        });
        var job = JobBuild.Job(change: spec => spec.TtlSecondsAfterFinished = 10);
        job.Status.Conditions = [new V1JobCondition { Type = "Complete", Status = "True", LastTransitionTime = Time.GetUtcNow().UtcDateTime }];
        Kube.Seed(job);
        var cron = new CronJobController(Kube.Client, Informers, Events, Time, _metrics);
        var ttl = new TtlAfterFinishedController(Kube.Client, Informers, Time, _metrics);
        await SeenAsync<V1CronJob>("default", "cron", c => c is not null);
        await SeenAsync<V1Job>("default", "work", j => j is not null);
        Time.Advance(TimeSpan.FromSeconds(63));
        await cron.ReconcileAsync(new ObjectKey("default", "cron"), default);
        await ttl.ReconcileAsync(new ObjectKey("default", "work"), default);
        Shows("cronjob_controller_cronjob_job_creation_skew_duration_seconds_bucket{le=\"2\"} 0", "cronjob_controller_cronjob_job_creation_skew_duration_seconds_bucket{le=\"4\"} 1",
            "ttl_after_finished_controller_job_deletion_duration_seconds_sum 53");
    }

    [Fact]
    public async Task Nodes_are_counted_by_zone_with_what_was_evicted_from_them()
    {
        var (east, west) = (Build.Node("east", "True"), Build.Node("west", "False"));
        east.Metadata.Labels = new Dictionary<string, string>(StringComparer.Ordinal) { ["topology.kubernetes.io/region"] = "r", ["topology.kubernetes.io/zone"] = "z" };
        Kube.Seed(east);
        Kube.Seed(west);
        Kube.Seed(Build.Pod("a", node: "west"));
        var lifecycle = new NodeLifecycleController(Kube.Client, Informers, Events, Time, _metrics);
        _ = lifecycle.CreateRunner(NullLoggerFactory.Instance);
        var eviction = new TaintEvictionController(Kube.Client, Informers, Events, Time, _metrics);
        await SeenAsync<V1Node>("", "east", n => n is not null);
        await SeenAsync<V1Pod>("default", "a", p => p is not null);
        await lifecycle.ReconcileAsync(new ObjectKey("", "west"), default);
        await SeenAsync<V1Node>("", "west", n => n?.Spec.Taints is { Count: > 0 });
        await eviction.ReconcileAsync(new ObjectKey("default", "a"), default);
        Shows("node_collector_zone_size{zone=\"\"} 1", "node_collector_zone_size{zone=\"r:\0:z\"} 1", "node_collector_zone_health{zone=\"r:\0:z\"} 100", "node_collector_zone_health{zone=\"\"} 0",
            "node_collector_unhealthy_nodes_in_zone{zone=\"\"} 1", "node_collector_evictions_total{zone=\"\"} 1", "node_collector_update_node_health_duration_seconds_count 1",
            "taint_eviction_controller_pod_deletions_total 1", "taint_eviction_controller_pod_deletion_duration_seconds_count 1");
    }

    [Fact]
    public async Task Pods_that_are_deleted_by_force_are_counted_by_reason_with_the_failures()
    {
        foreach (var name in (string[])["a", "b"])
            Kube.Seed(Build.Pod(name, terminating: true, node: null));
        var collector = new PodGarbageCollector(Kube.Client, Informers, Time, metrics: _metrics);
        await SeenAsync<V1Pod>("default", "a", p => p is not null);
        await SeenAsync<V1Pod>("default", "b", p => p is not null);
        Kube.Intercept = request => request.Method == "DELETE" ? InMemoryKube.Failure(500, "InternalError", "the store is full") : null;
        await Assert.ThrowsAsync<KubeApiException>(() => collector.ReconcileAsync(new ObjectKey("default", "a"), default));
        Kube.Intercept = null;
        await collector.ReconcileAsync(new ObjectKey("default", "b"), default);
        Shows("pod_gc_collector_force_delete_pods_total{namespace=\"default\",reason=\"unscheduled\"} 2", "pod_gc_collector_force_delete_pod_errors_total{namespace=\"default\",reason=\"unscheduled\"} 1");
    }

    [Fact]
    public async Task Changes_of_endpoint_slices_are_counted()
    {
        Kube.Seed(Build.Service());
        Kube.Seed(Build.Pod("a", "10.1.0.1"));
        var controller = new EndpointSliceController(Kube.Client, Informers, Events, Time, metrics: _metrics);
        _ = controller.CreateRunner(NullLoggerFactory.Instance);
        await SeenAsync<V1Service>("default", "web", s => s is not null);
        await SeenAsync<V1Pod>("default", "a", p => p is not null);
        await Informers.Get<V1EndpointSlice>().WaitForSyncAsync(default);
        await Informers.Get<V1Node>().WaitForSyncAsync(default);
        await controller.ReconcileAsync(new ObjectKey("default", "web"), default);
        await SeenAsync<V1EndpointSlice>("default", Kube.All<V1EndpointSlice>("default").Single().Metadata.Name, s => s is not null);
        Shows("endpoint_slice_controller_changes{operation=\"create\"} 1", "endpoint_slice_controller_syncs{result=\"success\"} 1", "endpoint_slice_controller_endpoints_added_per_sync_sum 1",
            "endpoint_slice_controller_endpoints_removed_per_sync_sum 0", "endpoint_slice_controller_num_endpoint_slices 1", "endpoint_slice_controller_endpointslices_changed_per_sync_sum{topology=\"Disabled\",traffic_distribution=\"\"} 1");
        await Kube.Client.DeleteAsync<V1Pod>("default", "a", new DeleteOptions(GracePeriodSeconds: 0), default);
        await SeenAsync<V1Pod>("default", "a", p => p is null);
        await controller.ReconcileAsync(new ObjectKey("default", "web"), default);
        Shows("endpoint_slice_controller_changes{operation=\"update\"} 1", "endpoint_slice_controller_endpoints_removed_per_sync_sum 1");
    }

    [Fact]
    public async Task Discovery_that_fails_is_counted_by_the_garbage_collector()
    {
        Kube.Serve<V1Deployment>();
        Kube.Intercept = request => request.PathAndQuery == "/apis/apps/v1" ? InMemoryKube.Failure(503, "ServiceUnavailable", "not now") : null;
        var collector = new GarbageCollector(Kube.Client, Events, NullLoggerFactory.Instance, TimeProvider.System, metrics: _metrics);
        await collector.StartAsync(default);
        await collector.WaitForSyncAsync(default).WaitAsync(TimeSpan.FromSeconds(30));
        await collector.StopAsync(default);
        Shows("garbagecollector_controller_resources_sync_error_total 1");
    }

    private void Shows(params string[] lines)
    {
        var text = Text();
        foreach (var line in lines)
        {
            var family = line.Split('{', ' ')[0];
            Assert.True(text.Contains(line + "\n", StringComparison.Ordinal), $"no {line} in\n{string.Join('\n', text.Split('\n').Where(shown => shown.StartsWith(family, StringComparison.Ordinal)))}");
        }
    }

    private string Text()
    {
        var text = new StringBuilder();
        _metrics.Write(text);
        return text.ToString();
    }

    private sealed class JobControllerOf(ControllerMetricsTests test)
    {
        private readonly JobController _controller = new(test.Kube.Client, test.Informers, test.Events, test.Time, test._metrics);

        /// <param name="pods">That the informer is to have seen.</param>
        public async Task ReconcileAsync(int pods = 0)
        {
            await test.SeenAsync<V1Job>("default", "work", job => job is not null);
            foreach (var pod in test.Kube.All<V1Pod>("default").Take(pods))
                await test.SeenAsync<V1Pod>("default", pod.Metadata.Name, seen => seen is not null);
            await _controller.ReconcileAsync(new ObjectKey("default", "work"), default);
        }
    }
}
