using System.Globalization;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.CronJobs;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// A CronJob of every five minutes whose Jobs take their time, while it is suspended, resumed and given other policies:
/// each time runs once at most, none while it is suspended or long after its deadline, and what ended is tidied away.
/// </summary>
internal sealed class CronJobScenario : Scenario
{
    private const string ScheduledTime = "batch.kubernetes.io/cronjob-scheduled-timestamp";
    private const int Successful = 2;
    private const int Failed = 1;
    private const int DeadlineSeconds = 60;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Allowance = TimeSpan.FromSeconds(90);
    private static readonly string[] Policies = ["Allow", "Forbid", "Replace"];

    private readonly Dictionary<string, string> _startedByTime = [];
    private readonly HashSet<string> _seen = [];
    private RecentValues _suspended = null!;
    private RecentValues _policy = null!;
    private bool _hasDeadline;

    public override IEnumerable<IComponent> Controllers(Life life) => [new CronJobController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers)];

    protected override void SetUp()
    {
        (_suspended, _policy) = (Recent(0), Recent(Random.Next(Policies.Length)));
        _hasDeadline = Random.Next(2) == 0;
        Write(new V1CronJob
        {
            Metadata = Named("tick"),
            Spec = new()
            {
                Schedule = "*/5 * * * *",
                ConcurrencyPolicy = Policies[_policy.Current],
                Suspend = false,
                StartingDeadlineSeconds = _hasDeadline ? DeadlineSeconds : null,
                SuccessfulJobsHistoryLimit = Successful,
                FailedJobsHistoryLimit = Failed,
                JobTemplate = new() { Spec = new() { Template = Template(new Dictionary<string, string> { ["app"] = "tick" }) } },
            },
            Status = new(),
        });
    }

    public override void Act()
    {
        var job = Pick(Unfinished());
        switch (Random.Next(40))
        {
            case 0:
                Suspend(_suspended.Current == 0);
                break;
            case 1:
                _policy.Set(Random.Next(Policies.Length));
                Change(CronJob(), c => c.Spec.ConcurrencyPolicy = Policies[_policy.Current]);
                break;
            case < 5 when job is not null:
                Finish(job, Random.Next(3) == 0 ? "Failed" : "Complete");
                break;
            case < 20:
                Simulation.Time.Advance(TimeSpan.FromSeconds(Random.Next(1, 60)));
                break;
        }
    }

    public override bool Serve()
    {
        if (_suspended.Current != 0)
            Suspend(false);
        if (Unfinished().FirstOrDefault() is not { } job)
            return false;
        Finish(job, "Complete");
        return true;
    }

    public override void CheckAlways()
    {
        var jobs = Jobs();
        foreach (var job in jobs.Where(j => _seen.Add(j.Metadata.Uid)))
        {
            var text = job.Metadata.Annotations[ScheduledTime];
            var late = Now - DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
            Require(_startedByTime.TryAdd(text, job.Metadata.Name), $"{text} was run twice");
            Require(late >= TimeSpan.Zero, $"{text} was run too early");
            Require(_suspended.Least == 0, $"{text} was run while it was suspended");
            Require(!_hasDeadline || late <= TimeSpan.FromSeconds(DeadlineSeconds) + Allowance, $"{text} was run {late} late");
            Require(late <= Interval + Allowance, $"{text} was run {late} late, when there was a later time");
            if (_policy.Least == _policy.Greatest && Policies[_policy.Current] != "Allow")
                Require(!Unfinished().Any(j => j.Metadata.Uid != job.Metadata.Uid), $"{text} was run beside another, which is against {Policies[_policy.Current]}");
        }
    }

    public override void CheckSettled()
    {
        var jobs = Jobs();
        var active = CronJob().Status.Active?.Select(a => a.Uid).ToList() ?? [];
        Require(active.Order(StringComparer.Ordinal).SequenceEqual(Unfinished().Select(j => j.Metadata.Uid).Order(StringComparer.Ordinal)), $"{active.Count} Jobs are named as active and {Unfinished().Count} are");
        Require(jobs.Count(j => IsFinished(j, "Complete")) <= Successful, "more successful Jobs are kept than the limit says");
        Require(jobs.Count(j => IsFinished(j, "Failed")) <= Failed, "more failed Jobs are kept than the limit says");
        // One that has just come may not have been run yet.
        var until = Now - TimeSpan.FromSeconds(20);
        var last = new DateTimeOffset(until.Ticks - (until.Ticks % Interval.Ticks), TimeSpan.Zero);
        Require(CronJob().Status.LastScheduleTime?.ToUniversalTime() >= last.UtcDateTime, $"the last run is said to be of {CronJob().Status.LastScheduleTime:O} and should be of {last:O}");
        for (var time = last; time > last - (SettlingTime / 2); time -= Interval)
            Require(_startedByTime.ContainsKey(time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)), $"{time:O} was not run");
    }

    private void Suspend(bool isSuspended)
    {
        _suspended.Set(isSuspended ? 1 : 0);
        Change(CronJob(), c => c.Spec.Suspend = isSuspended);
    }

    private void Finish(V1Job job, string condition)
    {
        var now = Now.UtcDateTime;
        job.Status = new() { StartTime = job.Metadata.CreationTimestamp, CompletionTime = condition == "Complete" ? now : null, Conditions = [new() { Type = condition, Status = "True", LastTransitionTime = now }] };
        Write(job);
    }

    private static bool IsFinished(V1Job job, string condition) => job.Status?.Conditions?.Any(c => c.Type == condition && c.Status == "True") == true;

    private List<V1Job> Unfinished() => [.. Jobs().Where(j => !IsFinished(j, "Complete") && !IsFinished(j, "Failed"))];

    private IReadOnlyList<V1Job> Jobs() => Kube.All<V1Job>(Ns);

    private V1CronJob CronJob() => Kube.Find<V1CronJob>(Ns, "tick")!;
}
