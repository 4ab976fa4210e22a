using System.Text;

namespace LiteKube.Controllers.Tests.Plans;

/// <summary>
/// What the controllers plan: NAME.yaml in a kind's folder holds the objects, NAME.plan beside it the plan as text, an
/// action a line. With LITEKUBE_ACCEPT_PLANS=1 in the environment the plans are written instead of compared; what
/// they say is then to be read against kube-controller-manager before it is committed.
/// </summary>
public sealed class GoldenPlanTests
{
    private static readonly Dictionary<string, Func<PlanCase, string>> Kinds = new(StringComparer.Ordinal)
    {
        ["CronJob"] = JobPlans.CronJob,
        ["DaemonSet"] = WorkloadPlans.DaemonSet,
        ["Deployment"] = WorkloadPlans.Deployment,
        ["EndpointSlice"] = ServicePlans.EndpointSlice,
        ["EndpointSliceMirroring"] = ServicePlans.Mirroring,
        ["Endpoints"] = ServicePlans.Endpoints,
        ["HorizontalPodAutoscaler"] = AutoscalerPlans.Autoscaler,
        ["Job"] = JobPlans.Job,
        ["NodeTaints"] = NodePlans.Taints,
        ["PersistentVolume"] = VolumePlans.Volume,
        ["PersistentVolumeClaim"] = VolumePlans.Claim,
        ["PodDisruptionBudget"] = NodePlans.Budget,
        ["ReplicaSet"] = WorkloadPlans.ReplicaSet,
        ["ResourceQuota"] = NodePlans.Quota,
        ["StatefulSet"] = StatefulPlans.StatefulSet,
        ["TaintEviction"] = NodePlans.Eviction,
    };

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var kind in Kinds.Keys.Order(StringComparer.Ordinal))
            {
                foreach (var name in Names(kind, "*.yaml"))
                    cases.Add(kind, name);
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_controller_plans_what_the_file_says(string kind, string name)
    {
        var actual = Kinds[kind](PlanCase.Read(Path.Combine(Folder(kind), name + ".yaml")));
        var plan = Path.Combine(Folder(kind), name + ".plan");
        if (Environment.GetEnvironmentVariable("LITEKUBE_ACCEPT_PLANS") == "1")
            File.WriteAllText(plan, actual);
        Assert.True(File.Exists(plan), $"{kind}/{name}.plan is missing; the plan is:\n{actual}");
        var expected = File.ReadAllText(plan);
        Assert.True(expected == actual, $"{kind}/{name}.plan says:\n{expected}\nand the plan is:\n{actual}");
    }

    [Fact]
    public void Each_kind_has_cases_and_each_plan_its_objects()
    {
        var faults = new StringBuilder();
        foreach (var kind in Kinds.Keys.Where(k => !Directory.Exists(Folder(k)) || Names(k, "*.yaml").Count == 0))
            faults.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"{kind} has no cases");
        foreach (var folder in Directory.GetDirectories(PlanCase.Root).Select(d => Path.GetFileName(d)))
        {
            if (!Kinds.ContainsKey(folder))
                faults.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"{folder} is no kind with plans");
            foreach (var name in Names(folder, "*.plan").Except(Names(folder, "*.yaml"), StringComparer.Ordinal))
                faults.AppendLine(System.Globalization.CultureInfo.InvariantCulture, $"{folder}/{name}.plan has no objects");
        }
        Assert.Equal("", faults.ToString());
    }

    private static string Folder(string kind) => Path.Combine(PlanCase.Root, kind);

    private static List<string> Names(string kind, string pattern) =>
        [.. Directory.GetFiles(Folder(kind), pattern).Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal)];
}
