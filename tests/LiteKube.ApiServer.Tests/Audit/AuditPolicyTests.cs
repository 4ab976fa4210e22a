using System.Text;
using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Tests.Audit;

public sealed class AuditPolicyTests
{
    private const string Head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
    private static readonly UserInfo Jane = new("jane", ["dev", "system:authenticated"]);

    [Theory]
    [InlineData("{level: Request, users: [jane]}", true)]
    [InlineData("{level: Request, users: [joe]}", false)]
    [InlineData("{level: Request, userGroups: [ops, dev]}", true)]
    [InlineData("{level: Request, userGroups: [ops]}", false)]
    [InlineData("{level: Request, verbs: [get, list]}", true)]
    [InlineData("{level: Request, verbs: [create]}", false)]
    [InlineData("{level: Request, namespaces: [prod]}", true)]
    [InlineData("{level: Request, namespaces: [test]}", false)]
    [InlineData("{level: Request, nonResourceURLs: ['*']}", false)]
    [InlineData("{level: Request, resources: [{group: ''}]}", true)]
    [InlineData("{level: Request, resources: [{group: apps}]}", false)]
    [InlineData("{level: Request, resources: [{group: '', resources: [pods]}]}", false)]
    [InlineData("{level: Request, resources: [{group: '', resources: [pods/log]}]}", true)]
    [InlineData("{level: Request, resources: [{group: '', resources: [pods/*]}]}", true)]
    [InlineData("{level: Request, resources: [{group: '', resources: ['*/log']}]}", true)]
    [InlineData("{level: Request, resources: [{group: '', resources: ['*/status']}]}", false)]
    [InlineData("{level: Request, resources: [{group: '', resources: ['*']}]}", true)]
    [InlineData("{level: Request, resources: [{group: '', resources: [pods/log], resourceNames: [web]}]}", true)]
    [InlineData("{level: Request, resources: [{group: '', resources: [pods/log], resourceNames: [db]}]}", false)]
    [InlineData("{level: Request, users: [jane], verbs: [create], namespaces: [prod]}", false)]
    public void A_rule_matches_what_it_names(string rule, bool matches)
    {
        var request = new RequestInfo { Verb = "get", Path = "/api/v1/namespaces/prod/pods/web/log", IsResourceRequest = true, Version = "v1", Resource = "pods", Subresource = "log", Namespace = "prod", Name = "web" };
        Assert.Equal(matches ? AuditLevel.Request : AuditLevel.None, Parse($"rules:\n- {rule}").Evaluate(Jane, request).Level);
    }

    [Theory]
    [InlineData("/healthz", "/healthz", true)]
    [InlineData("/healthz*", "/healthz/etcd", true)]
    [InlineData("/healthz", "/healthz/etcd", false)]
    [InlineData("*", "/version", true)]
    public void A_path_matches_wholly_or_by_its_beginning(string pattern, string path, bool matches) =>
        Assert.Equal(matches ? AuditLevel.Metadata : AuditLevel.None, Parse($"rules:\n- {{level: Metadata, nonResourceURLs: ['{pattern}']}}").Evaluate(null, new() { Verb = "get", Path = path }).Level);

    [Fact]
    public void The_first_rule_decides_and_stages_are_omitted_by_both()
    {
        var policy = Parse("""
            omitStages: [RequestReceived]
            omitManagedFields: true
            rules:
            - {level: None, users: [joe]}
            - {level: RequestResponse, verbs: [get], omitStages: [ResponseStarted], omitManagedFields: false}
            - {level: Metadata}
            """);
        var get = new RequestInfo { Verb = "get", Path = "/version" };
        Assert.Equal(new AuditDecision(AuditLevel.RequestResponse, AuditStages.RequestReceived | AuditStages.ResponseStarted, false), policy.Evaluate(Jane, get));
        Assert.Equal(AuditLevel.None, policy.Evaluate(new("joe", []), get).Level);
        Assert.Equal(new AuditDecision(AuditLevel.Metadata, AuditStages.RequestReceived, true), policy.Evaluate(null, get with { Verb = "post" }));
    }

    [Theory]
    [InlineData("rules: []", "loaded illegal policy with 0 rules")]
    [InlineData("rules:\n- {level: Everything}", "rules[0].level: unsupported value \"Everything\"")]
    [InlineData("rules:\n- {level: Metadata, verb: [get]}", "unknown field \"rules[0].verb\"")]
    [InlineData("rules:\n- {level: Metadata, omitStages: [Never]}", "rules[0].omitStages: invalid value \"Never\"")]
    [InlineData("rules:\n- {level: Metadata, nonResourceURLs: [/a], namespaces: [b]}", "rules cannot apply to both regular resources and non-resource URLs")]
    [InlineData("rules:\n- {level: Metadata, nonResourceURLs: ['/a*b']}", "non-resource URL wildcards '*' must be the final character of the rule")]
    [InlineData("rules:\n- {level: Metadata, resources: [{group: apps/v1}]}", "a group is named without its version")]
    [InlineData("rules:\n- {level: Metadata, resources: [{resourceNames: [a]}]}", "using resourceNames requires at least one resource")]
    public void A_policy_that_would_not_do_what_it_seems_to_say_is_refused(string text, string message) =>
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_policy_of_another_version_is_refused_by_name() =>
        Assert.Contains("audit.k8s.io/v1beta1", Assert.Throws<InvalidDataException>(() => AuditPolicy.Parse("apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: None}]"u8)).Message, StringComparison.Ordinal);

    private static AuditPolicy Parse(string text) => AuditPolicy.Parse(Encoding.UTF8.GetBytes(Head + text));
}
