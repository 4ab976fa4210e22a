using System.Diagnostics;
using System.Globalization;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.FlowControl;
using LiteKube.ApiServer.Tests.Apply;
using Xunit.Abstractions;

namespace LiteKube.ApiServer.Tests.FlowControl;

/// <summary>What a request pays for fairness while there are seats, printed for a person to compare.</summary>
public sealed class FlowCost(ITestOutputHelper output)
{
    private const int Rounds = 1_000_000;

    [WriteCostFact]
    public void A_request_pays_so_much_to_be_told_where_it_belongs_and_to_take_a_free_seat()
    {
        var flows = new FlowController(600, TimeProvider.System);
        flows.Digest([.. BootstrapConfiguration.SuggestedSchemas, .. BootstrapConfiguration.MandatorySchemas], [.. BootstrapConfiguration.SuggestedLevels, .. BootstrapConfiguration.MandatoryLevels]);
        var info = new RequestInfo { Verb = "get", Path = "/api/v1/namespaces/default/configmaps/a", IsResourceRequest = true, Version = "v1", Resource = "configmaps", Namespace = "default", Name = "a" };
        UserInfo[] users =
        [
            new("kubernetes-admin", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]),
            new("system:node:a", [UserInfo.NodesGroup, UserInfo.AuthenticatedGroup]),
            new("system:serviceaccount:kube-system:job-controller", ["system:serviceaccounts", "system:serviceaccounts:kube-system", UserInfo.AuthenticatedGroup]),
            new("jane", [UserInfo.AuthenticatedGroup]),
        ];
        foreach (var user in users)
        {
            Pass(flows, user, info, Rounds / 10);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var watch = Stopwatch.StartNew();
            Pass(flows, user, info, Rounds);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{user.Name,-50} {watch.Elapsed.TotalNanoseconds / Rounds,6:F0} ns {(GC.GetAllocatedBytesForCurrentThread() - before) / (double)Rounds,6:F1} bytes"));
        }
    }

    private static void Pass(FlowController flows, UserInfo user, RequestInfo info, int rounds)
    {
        for (var i = 0; i < rounds; i++)
        {
            var target = flows.Classify(user, info);
            Assert.True(target.Level.TryEnter(target, target.FlowOf(user, info), WorkEstimate.OneSeat, new(user, info), out var seat, out _));
            target.Level.Leave(seat);
        }
    }
}
