using k8s.Models;
using LiteKube.Controllers.Jobs;

namespace LiteKube.Controllers.Tests.Jobs;

public sealed class JobPlanTests
{
    [Theory]
    [InlineData(1, 1, 0, 0, 1, 0)]
    [InlineData(5, 2, 0, 0, 2, 0)]
    [InlineData(5, 2, 1, 3, 1, 0)]
    [InlineData(5, 2, 1, 4, 0, 0)]
    [InlineData(5, 3, 3, 4, 0, 2)]
    [InlineData(5, 0, 2, 0, 0, 2)]
    [InlineData(null, 3, 0, 0, 3, 0)]
    [InlineData(null, 3, 2, 1, 0, 0)]
    [InlineData(0, 2, 0, 0, 0, 0)]
    public void As_many_pods_run_as_are_still_to_succeed(int? completions, int parallelism, int active, int succeeded, int create, int delete)
    {
        var job = JobBuild.Job(completions, parallelism);
        job.Status.Succeeded = succeeded;
        var plan = JobBuild.Plan(job, [.. Enumerable.Range(0, active).Select(i => JobBuild.Pod("p" + i))]);
        Assert.Equal((create, delete), (plan.Create.Count, plan.Delete.Count));
        Assert.Null(plan.Finish);
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(2, 20)]
    [InlineData(6, 320)]
    [InlineData(7, 600)]
    [InlineData(40, 600)]
    public void A_failed_pod_is_replaced_after_a_delay_that_doubles(int failures, int seconds)
    {
        var job = JobBuild.Job(change: spec => spec.BackoffLimit = 100);
        var pods = Enumerable.Range(0, failures).Select(i => JobBuild.Pod("p" + i, "Failed", secondsAgo: 3)).ToArray();
        var plan = JobBuild.Plan(job, pods);
        Assert.Empty(plan.Create);
        Assert.Equal(TimeSpan.FromSeconds(seconds - 3), plan.Requeue);
    }

    [Fact]
    public void A_success_ends_the_delay_and_only_failures_after_it_count()
    {
        var before = new JobBackoff(4, JobBuild.Now.UtcDateTime.AddSeconds(-8));
        Assert.Equal(JobBackoff.None, before.With([JobBuild.Pod("s", "Succeeded", secondsAgo: 5)], []));
        var after = before.With([JobBuild.Pod("s", "Succeeded", secondsAgo: 5)], [JobBuild.Pod("f", "Failed", secondsAgo: 7), JobBuild.Pod("g", "Failed", secondsAgo: 2)]);
        Assert.Equal(new JobBackoff(1, JobBuild.Now.UtcDateTime.AddSeconds(-2)), after);
    }

    [Fact]
    public void Indexes_get_one_pod_each_the_lowest_first()
    {
        var job = JobBuild.Indexed(6, 4);
        job.Status.CompletedIndexes = "1";
        job.Status.Succeeded = 1;
        var plan = JobBuild.Plan(job, JobBuild.Pod("two", index: 2), JobBuild.Pod("zero", "Succeeded", index: 0));
        Assert.Equal([3, 4, 5], plan.Create);
    }

    [Fact]
    public void With_replacement_after_failure_a_terminating_pod_keeps_its_place()
    {
        var pods = new[] { JobBuild.Pod("a", "Terminating", 0), JobBuild.Pod("b", index: 1) };
        Assert.Empty(JobBuild.Plan(JobBuild.Indexed(3, 2, s => s.PodReplacementPolicy = "Failed"), pods).Create);
        Assert.Equal([2], JobBuild.Plan(JobBuild.Indexed(3, 3, s => s.PodReplacementPolicy = "Failed"), pods).Create);
        // At once otherwise; but deleted pods count as failed, so the delay of failures holds.
        Assert.Equal(TimeSpan.FromSeconds(10), JobBuild.Plan(JobBuild.Indexed(3, 2, s => s.PodReplacementPolicy = "TerminatingOrFailed"), pods).Requeue);
    }

    [Theory]
    [InlineData(2, 2, false)]
    [InlineData(2, 3, true)]
    [InlineData(0, 1, true)]
    public void Failures_above_the_backoff_limit_fail_the_job(int limit, int failures, bool fails)
    {
        var job = JobBuild.Job(change: s => s.BackoffLimit = limit);
        var plan = JobBuild.Plan(job, [.. Enumerable.Range(0, failures).Select(i => JobBuild.Pod("p" + i, "Failed"))]);
        Assert.Equal(fails ? ("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit") : null, Told(plan));
    }

    [Theory]
    [InlineData(3, 2, false)]
    [InlineData(3, 3, true)]
    [InlineData(0, 0, false)]
    [InlineData(0, 1, true)]
    public void Restarts_in_place_count_towards_the_backoff_limit(int limit, int restarts, bool fails)
    {
        var job = JobBuild.Job(change: s =>
        {
            s.BackoffLimit = limit;
            s.Template.Spec.RestartPolicy = "OnFailure";
        });
        var pod = JobBuild.Pod("p");
        pod.Status.ContainerStatuses = [new V1ContainerStatus { Name = "c", Image = "i", ImageID = "", RestartCount = restarts }];
        Assert.Equal(fails, JobBuild.Plan(job, pod).Finish is { Reason: "BackoffLimitExceeded" });
    }

    [Theory]
    [InlineData("FailJob", "In", 42, 42, true)]
    [InlineData("FailJob", "In", 42, 1, false)]
    [InlineData("FailJob", "NotIn", 42, 1, true)]
    [InlineData("Ignore", "In", 42, 42, false)]
    [InlineData("Count", "In", 42, 42, false)]
    public void A_pod_failure_policy_may_fail_the_job_by_exit_code(string action, string op, int listed, int exited, bool fails)
    {
        var job = JobBuild.Job(change: s => s.PodFailurePolicy = ExitCodes(action, op, listed));
        var plan = JobBuild.Plan(job, JobBuild.Pod("p", "Failed", exitCode: exited));
        Assert.Equal(fails ? ("FailureTarget", "PodFailurePolicy", $"Container c for pod default/p failed with exit code {exited} matching FailJob rule at index 0") : null, Told(plan));
    }

    [Fact]
    public void A_pod_failure_policy_may_fail_the_job_by_a_condition()
    {
        var job = JobBuild.Job(change: s => s.PodFailurePolicy = Conditions("FailJob"));
        var pod = JobBuild.Pod("p", "Failed");
        pod.Status.Conditions = [new V1PodCondition { Type = "DisruptionTarget", Status = "True" }];
        Assert.Equal(("FailureTarget", "PodFailurePolicy", "Pod default/p has condition DisruptionTarget matching FailJob rule at index 0"), Told(JobBuild.Plan(job, pod)));
    }

    [Fact]
    public void Ignored_failures_do_not_count_towards_the_limit()
    {
        var job = JobBuild.Job(change: s =>
        {
            s.BackoffLimit = 0;
            s.PodFailurePolicy = Conditions("Ignore");
        });
        var disrupted = JobBuild.Pod("p", "Failed");
        disrupted.Status.Conditions = [new V1PodCondition { Type = "DisruptionTarget", Status = "True" }];
        Assert.Null(JobBuild.Plan(job, disrupted).Finish);
        Assert.Equal("BackoffLimitExceeded", JobBuild.Plan(job, disrupted, JobBuild.Pod("q", "Failed")).Finish?.Reason);
    }

    [Fact]
    public void An_index_that_failed_too_often_fails_alone()
    {
        var job = JobBuild.Indexed(3, 3, s =>
        {
            s.BackoffLimit = int.MaxValue;
            s.BackoffLimitPerIndex = 1;
        });
        var first = JobBuild.Pod("first", "Failed", 0, secondsAgo: 60);
        var second = JobBuild.Pod("second", "Failed", 1, secondsAgo: 60);
        second.Metadata.Annotations[JobPods.FailureCountAnnotation] = "1";
        var state = JobState.Observe(job, [first, second, JobBuild.Pod("third", index: 2)], new HashSet<string>(), JobBackoff.None);
        Assert.Equal("1", state.FailedIndexes!.ToString());
        Assert.Equal("first", state.AwaitingReplacement[0].Metadata.Name);
        Assert.False(state.AwaitingReplacement.ContainsKey(1));
        Assert.Equal([0], JobPlan.Compute(state, JobBuild.Now.UtcDateTime, true, JobBuild.Now).Create);
    }

    [Fact]
    public void Each_index_waits_for_its_own_delay()
    {
        var job = JobBuild.Indexed(2, 2, s =>
        {
            s.BackoffLimit = int.MaxValue;
            s.BackoffLimitPerIndex = 5;
        });
        var recent = JobBuild.Pod("recent", "Failed", 0, secondsAgo: 4);
        recent.Metadata.Annotations[JobPods.FailureCountAnnotation] = "1";
        var plan = JobBuild.Plan(job, recent, JobBuild.Pod("old", "Failed", 1, secondsAgo: 11));
        Assert.Equal([1], plan.Create);
        Assert.Equal(TimeSpan.FromSeconds(16), plan.Requeue);
    }

    [Theory]
    [InlineData("0,1", null, 1, "FailedIndexes", "Job has failed indexes")]
    [InlineData("0", null, 1, null, null)]
    [InlineData("0,1", 1, 0, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")]
    [InlineData("0", 1, 0, null, null)]
    public void Failed_indexes_fail_the_job_when_they_are_too_many_or_nothing_else_is_left(string failed, int? maximum, int succeeded, string? reason, string? message)
    {
        var job = JobBuild.Indexed(3, 3, s =>
        {
            s.BackoffLimit = int.MaxValue;
            s.BackoffLimitPerIndex = 0;
            s.MaxFailedIndexes = maximum;
        });
        job.Status.FailedIndexes = failed;
        job.Status.CompletedIndexes = succeeded == 0 ? null : "2";
        Assert.Equal(reason is null ? null : ("FailureTarget", reason, message!), Told(JobBuild.Plan(job)));
    }

    [Theory]
    [InlineData("FailIndex", "0")]
    [InlineData("Count", "")]
    public void The_action_FailIndex_fails_the_index_at_once(string action, string failed)
    {
        var job = JobBuild.Indexed(2, 2, s =>
        {
            s.BackoffLimit = int.MaxValue;
            s.BackoffLimitPerIndex = 3;
            s.PodFailurePolicy = ExitCodes(action, "In", 42);
        });
        var state = JobState.Observe(job, [JobBuild.Pod("p", "Failed", 0, exitCode: 42)], new HashSet<string>(), JobBackoff.None);
        Assert.Equal(failed, state.FailedIndexes!.ToString());
    }

    [Theory]
    [InlineData("0,2-3", null, "0,2", false)]
    [InlineData("0,2-3", null, "0-3", true)]
    [InlineData("0-3", 2, "1,3", true)]
    [InlineData(null, 2, "4", false)]
    [InlineData(null, 2, "1,4", true)]
    public void A_success_policy_may_be_met_before_all_indexes_succeed(string? indexes, int? count, string succeeded, bool met)
    {
        var job = JobBuild.Indexed(5, 5, s => s.SuccessPolicy = new V1SuccessPolicy { Rules = [new V1SuccessPolicyRule { SucceededIndexes = indexes, SucceededCount = count }] });
        job.Status.CompletedIndexes = succeeded;
        var plan = JobBuild.Plan(job, JobBuild.Pod("p", index: 2));
        Assert.Equal(met ? ("SuccessCriteriaMet", "SuccessPolicy", "Matched rules at index 0") : null, Told(plan));
        if (met)
            Assert.Single(plan.Delete);
    }

    [Fact]
    public void A_pod_of_an_index_knows_its_number_and_its_failures()
    {
        var job = JobBuild.Indexed(2, 2, s =>
        {
            s.BackoffLimitPerIndex = 3;
            s.PodFailurePolicy = ExitCodes("Ignore", "In", 7);
            s.Template.Spec.InitContainers = [new V1Container { Name = "init", Env = [new V1EnvVar { Name = "JOB_COMPLETION_INDEX", Value = "own" }] }];
        });
        job.Metadata.Name = new string('n', 60);
        var replaced = JobBuild.Pod("old", "Failed", 1, exitCode: 7);
        replaced.Metadata.Annotations[JobPods.FailureCountAnnotation] = "2";
        var pod = JobPodTemplate.Create(job, 1, replaced);
        Assert.Equal("1", pod.Metadata.Annotations["batch.kubernetes.io/job-completion-index"]);
        Assert.Equal("1", pod.Metadata.Labels["batch.kubernetes.io/job-completion-index"]);
        Assert.Equal(("2", "1"), (pod.Metadata.Annotations["batch.kubernetes.io/job-index-failure-count"], pod.Metadata.Annotations["batch.kubernetes.io/job-index-ignored-failure-count"]));
        Assert.Equal(job.Metadata.Name + "-1", pod.Spec.Hostname);
        Assert.Equal(new string('n', 55) + "-1-", pod.Metadata.GenerateName);
        Assert.Equal(["batch.kubernetes.io/job-tracking"], pod.Metadata.Finalizers);
        Assert.Equal("metadata.labels['batch.kubernetes.io/job-completion-index']", Assert.Single(pod.Spec.Containers[0].Env).ValueFrom.FieldRef.FieldPath);
        Assert.Equal("own", Assert.Single(pod.Spec.InitContainers[0].Env).Value);
    }

    private static (string, string, string)? Told(JobPlan plan) => plan.Finish is { } c ? (c.Type, c.Reason, c.Message) : null;

    private static V1PodFailurePolicy ExitCodes(string action, string op, int code) => new()
    {
        Rules = [new V1PodFailurePolicyRule { Action = action, OnExitCodes = new V1PodFailurePolicyOnExitCodesRequirement { OperatorProperty = op, Values = [code] } }],
    };

    private static V1PodFailurePolicy Conditions(string action) => new()
    {
        Rules = [new V1PodFailurePolicyRule { Action = action, OnPodConditions = [new V1PodFailurePolicyOnPodConditionsPattern { Type = "DisruptionTarget", Status = "True" }] }],
    };
}
