using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authorization;

/// <summary>Answers the review kinds of authorization.k8s.io: questions that are posted, never stored.</summary>
public sealed class AccessReviews(IAuthorizer authorizer, RbacAuthorizer rbac)
{
    private const string Group = "authorization.k8s.io";

    public JsonObject EvaluateSubject(JsonObject review) => Evaluate(review, "SubjectAccessReview", null);

    public JsonObject EvaluateSelf(UserInfo user, JsonObject review) => Evaluate(review, "SelfSubjectAccessReview", user);

    public JsonObject EvaluateLocal(string ns, JsonObject review)
    {
        if (review.MetaNamespace() is { Length: > 0 } given && given != ns)
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        if (review.Obj("spec", "resourceAttributes") is { } attributes && attributes.Str("namespace") != ns)
            throw ApiException.BadRequest($"spec.resourceAttributes.namespace must match namespace: {ns}");
        return Evaluate(review, "LocalSubjectAccessReview", null);
    }

    public JsonObject EvaluateRules(UserInfo user, JsonObject review)
    {
        var ns = review.Obj("spec").Str("namespace");
        if (ns.Length == 0)
            throw ApiException.BadRequest("no namespace on request");
        var problems = new List<string>();
        var (resourceRules, nonResourceRules) = (new JsonArray(), new JsonArray());
        foreach (var rule in rbac.RulesFor(user, ns, problems))
        {
            var json = rule.ToJson();
            (rule.NonResourceUrls.Count > 0 ? nonResourceRules : resourceRules).Add((JsonNode)json);
        }
        var isNode = NodeAuthorizer.NodeNameOf(user) is not null;
        if (isNode)
            problems.Add("node authorizer doesn't support user rule resolution");
        var status = new JsonObject { ["resourceRules"] = resourceRules, ["nonResourceRules"] = nonResourceRules, ["incomplete"] = problems.Count > 0 };
        if (problems.Count > 0)
            status["evaluationError"] = string.Join(", ", problems);
        return Answer(review, status);
    }

    private JsonObject Evaluate(JsonObject review, string kind, UserInfo? self)
    {
        var spec = review.Obj("spec");
        Validate(review, spec, kind, needsUser: self is null);
        var user = self ?? UserOf(spec!);
        var decision = authorizer.Authorize(user, RequestOf(spec!));
        var status = new JsonObject { ["allowed"] = decision.Allowed };
        if (decision.Reason.Length > 0)
            status["reason"] = decision.Reason;
        return Answer(review, status);
    }

    private static void Validate(JsonObject review, JsonObject? spec, string kind, bool needsUser)
    {
        var errors = new FieldErrors();
        var field = FieldPath.Of("spec");
        var (resource, path) = (spec.Obj("resourceAttributes"), spec.Obj("nonResourceAttributes"));
        if (resource is not null && path is not null)
            errors.Invalid(field.Child("nonResourceAttributes"), path, "cannot be specified in combination with resourceAttributes");
        if (resource is null && path is null)
            errors.Invalid(field.Child("resourceAttributes"), null, "exactly one of nonResourceAttributes or resourceAttributes must be specified");
        if (needsUser && spec.Str("user").Length == 0 && !spec.Strings("groups").Any())
            errors.Invalid(field.Child("user"), spec.Str("user"), "at least one of user or group must be specified");
        if (errors.Count > 0)
            throw ApiException.Invalid(new GroupVersionKind(Group, "v1", kind), review.MetaName(), errors);
    }

    private static UserInfo UserOf(JsonObject spec)
    {
        Dictionary<string, IReadOnlyList<string>>? extra = null;
        if (spec.Obj("extra") is { } given)
        {
            extra = new(StringComparer.Ordinal);
            foreach (var key in given.Select(e => e.Key))
                extra[key] = [.. given.Strings(key)];
        }
        return new(spec.Str("user"), [.. spec.Strings("groups")], spec.Str("uid"), extra);
    }

    private static RequestInfo RequestOf(JsonObject spec)
    {
        if (spec.Obj("nonResourceAttributes") is { } path)
            return new() { Verb = path.Str("verb"), Path = path.Str("path") };
        var resource = spec.Obj("resourceAttributes")!;
        return new()
        {
            Verb = resource.Str("verb"),
            Path = "",
            IsResourceRequest = true,
            Namespace = resource.Str("namespace"),
            Group = resource.Str("group"),
            Version = resource.Str("version") is { Length: > 0 } version ? version : "*",
            Resource = resource.Str("resource"),
            Subresource = resource.Str("subresource"),
            Name = resource.Str("name"),
        };
    }

    private static JsonObject Answer(JsonObject review, JsonObject status)
    {
        var answer = (JsonObject)review.DeepClone();
        answer["status"] = status;
        return answer;
    }
}
