using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.FlowControl;

namespace LiteKube.ApiServer.Tests.FlowControl;

public sealed class ClassificationTests
{
    private static readonly FlowController Default = Make();

    [Theory]
    [InlineData("kubernetes-admin", "system:masters", "GET", "/api/v1/pods", "exempt", "exempt")]
    [InlineData("system:node:a", "system:nodes", "PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a", "system-node-high", "node-high")]
    [InlineData("system:node:a", "system:nodes", "PATCH", "/api/v1/nodes/a/status", "system-node-high", "node-high")]
    [InlineData("system:node:a", "system:nodes", "GET", "/api/v1/pods", "system-nodes", "system")]
    [InlineData("system:kube-scheduler", "", "PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/s", "system-leader-election", "leader-election")]
    [InlineData("system:kube-scheduler", "", "POST", "/api/v1/namespaces/default/pods/a/binding", "kube-scheduler", "workload-high")]
    [InlineData("system:kube-controller-manager", "", "GET", "/api/v1/pods", "kube-controller-manager", "workload-high")]
    [InlineData("system:serviceaccount:kube-system:job-controller", "system:serviceaccounts", "GET", "/api/v1/pods", "kube-system-service-accounts", "workload-high")]
    [InlineData("system:serviceaccount:kube-system:job-controller", "system:serviceaccounts", "POST", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", "system-leader-election", "leader-election")]
    [InlineData("system:serviceaccount:kube-systematic:x", "system:serviceaccounts", "GET", "/api/v1/pods", "service-accounts", "workload-low")]
    [InlineData("jane", "", "GET", "/api/v1/pods", "global-default", "global-default")]
    [InlineData("jane", "", "GET", "/healthz/ping", "probes", "exempt")]
    [InlineData("jane", "", "GET", "/version", "global-default", "global-default")]
    public void The_suggested_configuration_leads_each_request_to_its_level(string user, string group, string method, string path, string schema, string level)
    {
        var target = Default.Classify(User(user, group), RequestInfoParser.Parse(method, path, QueryParameters.Parse("")));
        Assert.Equal((schema, level), (target.Schema.Name, target.Level.Name));
    }

    [Fact]
    public void Who_is_in_no_group_falls_to_catch_all() =>
        Assert.Equal("catch-all", Default.Classify(new UserInfo("nobody", []), Info("get", "pods")).Schema.Name);

    [Fact]
    public void Without_any_object_there_are_the_two_mandatory_levels()
    {
        var flows = new FlowController(600, TimeProvider.System);
        Assert.Equal(["catch-all", "exempt"], flows.Levels.Select(l => l.Name));
        Assert.Equal("exempt", flows.Classify(User("root", "system:masters"), Info("get", "pods")).Level.Name);
        Assert.Equal("catch-all", flows.Classify(User("jane", ""), Info("get", "pods")).Level.Name);
        Assert.Equal(600, flows.Levels[0].Nominal);
    }

    [Fact]
    public void The_lowest_precedence_goes_first_and_a_schema_without_its_level_is_left_out()
    {
        var flows = new FlowController(600, TimeProvider.System);
        var schemas = BootstrapConfiguration.SuggestedSchemas.Concat(BootstrapConfiguration.MandatorySchemas)
            .Append(Schema("mine", "workload-low", 50, "pods/log")).Append(Schema("dangling", "nowhere", 2, "pods/log")).ToList();
        flows.Digest(schemas, [.. BootstrapConfiguration.SuggestedLevels, .. BootstrapConfiguration.MandatoryLevels]);
        Assert.Equal("mine", flows.Classify(User("jane", ""), Info("get", "pods", "log")).Schema.Name);
        Assert.Equal("global-default", flows.Classify(User("jane", ""), Info("get", "pods")).Schema.Name);
        Assert.False(flows.HasLevel("nowhere"));
    }

    [Fact]
    public void Seats_are_shared_by_shares_and_lent_to_who_can_use_them()
    {
        var flows = Make();
        var levels = flows.Levels.ToDictionary(l => l.Name);
        // 245 shares of 600 seats, rounded up.
        Assert.Equal((245, 74, 13), (levels["workload-low"].Nominal, levels["system"].Nominal, levels["catch-all"].Nominal));
        Assert.Equal((24, 845), (levels["workload-low"].Lower, levels["workload-low"].Upper));
        Assert.True(levels["catch-all"].Limit >= levels["catch-all"].Lower);

        // A period in which one level could have used much and the others nothing.
        var target = flows.Classify(User("jane", ""), Info("get", "pods"));
        var entered = Enumerable.Range(0, 300).Select(i =>
        {
            target.Level.TryEnter(target, target.FlowOf(User($"jane-{i}", ""), Info("get", "pods")), WorkEstimate.OneSeat, default, out var seat, out _);
            return seat;
        }).Where(s => s.IsTaken).ToList();
        flows.Rebalance();
        flows.Rebalance();
        Assert.True(target.Level.Limit > target.Level.Nominal, $"the limit of {target.Level.Name} is {target.Level.Limit}, its nominal {target.Level.Nominal}");
        Assert.All(flows.Levels.Where(l => !l.IsExempt), l => Assert.InRange(l.Limit, l.Lower, l.Upper));
        foreach (var seat in entered) target.Level.Leave(seat);
    }

    private static FlowController Make()
    {
        var flows = new FlowController(600, TimeProvider.System);
        flows.Digest([.. BootstrapConfiguration.SuggestedSchemas, .. BootstrapConfiguration.MandatorySchemas], [.. BootstrapConfiguration.SuggestedLevels, .. BootstrapConfiguration.MandatoryLevels]);
        return flows;
    }

    private static UserInfo User(string name, string group) => new(name, group.Length > 0 ? [group, UserInfo.AuthenticatedGroup] : [UserInfo.AuthenticatedGroup]);

    private static RequestInfo Info(string verb, string resource, string subresource = "") =>
        new() { Verb = verb, Path = "/", IsResourceRequest = true, Version = "v1", Resource = resource, Subresource = subresource, Namespace = "default" };

    private static JsonObject Schema(string name, string level, int precedence, string resource) => JsonNode.Parse($$$"""
        {"metadata":{"name":"{{{name}}}"},"spec":{"priorityLevelConfiguration":{"name":"{{{level}}}"},"matchingPrecedence":{{{precedence}}},"rules":[
          {"subjects":[{"kind":"User","user":{"name":"jane"}}],"resourceRules":[{"verbs":["get"],"apiGroups":[""],"resources":["{{{resource}}}"],"namespaces":["*"]}]}]}}
        """)!.AsObject();
}
