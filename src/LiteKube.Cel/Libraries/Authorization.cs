using LiteKube.Cel.Libraries;
using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel;

/// <summary>The question that an expression asks the authorizer: about a path, or about a resource.</summary>
public sealed record CelAuthorizationAttributes
{
    public required string Verb { get; init; }

    /// <summary>Set when the expression asks for a service account instead of the request's own user.</summary>
    public (string Namespace, string Name)? ServiceAccount { get; init; }

    /// <summary>Set for a question about a path that is no resource.</summary>
    public string? Path { get; init; }

    public string Group { get; init; } = "";

    public string Resource { get; init; } = "";

    public string Subresource { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string Name { get; init; } = "";

    public string FieldSelector { get; init; } = "";

    public string LabelSelector { get; init; } = "";
}

/// <summary>The authorizer's answer. An error does not exclude a decision.</summary>
public sealed record CelAuthorizationDecision(bool Allowed, string Reason = "", string? Error = null);

/// <summary>What answers <c>authorizer.group(...).resource(...).check(verb)</c>.</summary>
public interface ICelAuthorizer
{
    CelAuthorizationDecision Authorize(CelAuthorizationAttributes attributes);
}

/// <summary>The variables <c>authorizer</c> and <c>authorizer.requestResource</c>.</summary>
public static class CelAuthorization
{
    public static readonly CelType AuthorizerType = CelType.Struct("kubernetes.authorization.Authorizer");
    public static readonly CelType PathCheckType = CelType.Struct("kubernetes.authorization.PathCheck");
    public static readonly CelType GroupCheckType = CelType.Struct("kubernetes.authorization.GroupCheck");
    public static readonly CelType ResourceCheckType = CelType.Struct("kubernetes.authorization.ResourceCheck");
    public static readonly CelType DecisionType = CelType.Struct("kubernetes.authorization.Decision");

    public static CelValue Value(ICelAuthorizer authorizer) => CelValue.Object(new Check(AuthorizerType, authorizer, new() { Verb = "" }));

    /// <summary>A check that already names the resource of a request.</summary>
    public static CelValue ResourceValue(ICelAuthorizer authorizer, CelAuthorizationAttributes resource) => CelValue.Object(new Check(ResourceCheckType, authorizer, resource));

    internal static CelLibrary Library() => new("kubernetes.authz",
    [
        Function("path", Member("authorizer_path", [AuthorizerType, CelType.String], PathCheckType, args =>
            string.IsNullOrWhiteSpace(args[1].AsString) ? CelValue.Error("path must not be empty") : With(args, PathCheckType, (a, path) => a with { Path = path }))),
        Function("group", Member("authorizer_group", [AuthorizerType, CelType.String], GroupCheckType, args => With(args, GroupCheckType, (a, group) => a with { Group = group }))),
        Function("serviceAccount", Member("authorizer_serviceaccount", [AuthorizerType, CelType.String, CelType.String], AuthorizerType, ServiceAccount)),
        Function("resource", Member("groupcheck_resource", [GroupCheckType, CelType.String], ResourceCheckType, args =>
            string.IsNullOrWhiteSpace(args[1].AsString) ? CelValue.Error("resource must not be empty") : With(args, ResourceCheckType, (a, resource) => a with { Resource = resource }))),
        Narrow("subresource", "resourcecheck_subresource", (a, value) => a with { Subresource = value }),
        Narrow("namespace", "resourcecheck_namespace", (a, value) => a with { Namespace = value }),
        Narrow("name", "resourcecheck_name", (a, value) => a with { Name = value }),
        Narrow("fieldSelector", "authorizer_fieldselector", (a, value) => a with { FieldSelector = value }),
        Narrow("labelSelector", "authorizer_labelselector", (a, value) => a with { LabelSelector = value }),
        Function(
            "check",
            Member("pathcheck_check", [PathCheckType, CelType.String], DecisionType, Ask),
            Member("resourcecheck_check", [ResourceCheckType, CelType.String], DecisionType, Ask)),
        Function("errored", Member("decision_errored", [DecisionType], CelType.Bool, args => CelValue.Bool(Of(args[0]).Error is not null))),
        Function("error", Member("decision_error", [DecisionType], CelType.String, args => CelValue.String(Of(args[0]).Error ?? ""))),
        Function("allowed", Member("decision_allowed", [DecisionType], CelType.Bool, args => CelValue.Bool(Of(args[0]).Allowed))),
        Function("reason", Member("decision_reason", [DecisionType], CelType.String, args => CelValue.String(Of(args[0]).Reason))),
    ], types: [AuthorizerType, PathCheckType, GroupCheckType, ResourceCheckType, DecisionType]);

    private static CelAuthorizationDecision Of(in CelValue value) => ((Decision)value.AsObject).Value;

    private static CelFunction Narrow(string name, string id, Func<CelAuthorizationAttributes, string, CelAuthorizationAttributes> change) =>
        Function(name, Member(id, [ResourceCheckType, CelType.String], ResourceCheckType, args => With(args, ResourceCheckType, change)));

    private static CelValue With(ReadOnlySpan<CelValue> args, CelType type, Func<CelAuthorizationAttributes, string, CelAuthorizationAttributes> change)
    {
        var check = (Check)args[0].AsObject;
        return CelValue.Object(new Check(type, check.Authorizer, change(check.Attributes, args[1].AsString)));
    }

    private static CelValue ServiceAccount(ReadOnlySpan<CelValue> args)
    {
        var check = (Check)args[0].AsObject;
        var (ns, name) = (args[1].AsString, args[2].AsString);
        if (!NamedFormat.IsDnsSubdomain(name))
            return CelValue.Error("Invalid service account name");
        if (!NamedFormat.IsDnsLabel(ns))
            return CelValue.Error("Invalid service account namespace");
        return CelValue.Object(new Check(AuthorizerType, check.Authorizer, check.Attributes with { ServiceAccount = (ns, name) }));
    }

    private static CelValue Ask(ReadOnlySpan<CelValue> args)
    {
        var check = (Check)args[0].AsObject;
        return CelValue.Object(new Decision(check.Authorizer.Authorize(check.Attributes with { Verb = args[1].AsString })));
    }

    private sealed class Check(CelType type, ICelAuthorizer authorizer, CelAuthorizationAttributes attributes) : CelObject
    {
        public override CelType Type => type;

        public ICelAuthorizer Authorizer => authorizer;

        public CelAuthorizationAttributes Attributes => attributes;

        public override bool EqualTo(CelObject other) => other is Check check && check.Type.Equals(type) && check.Attributes == attributes && ReferenceEquals(check.Authorizer, authorizer);
    }

    private sealed class Decision(CelAuthorizationDecision value) : CelObject
    {
        public override CelType Type => DecisionType;

        public CelAuthorizationDecision Value => value;

        public override bool EqualTo(CelObject other) => other is Decision decision && decision.Value == value;
    }
}
