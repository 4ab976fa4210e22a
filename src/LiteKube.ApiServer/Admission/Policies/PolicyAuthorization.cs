using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>Whoever makes policies read parameters must be allowed to read them: messages could tell what they hold.</summary>
internal sealed class PolicyAuthorization(Func<IAuthorizer> authorizer, Func<ResourceTable> resources, IObjectReader objects)
{
    /// <summary>A policy: all objects of its paramKind.</summary>
    public void CheckPolicy(JsonObject policy, JsonObject? old, UserInfo user, FieldErrors errors)
    {
        if (policy.Obj("spec", "paramKind") is not { } kind || user.IsInGroup(UserInfo.MastersGroup) || (old is not null && kind.SemanticallySameAs(old.Obj("spec", "paramKind")))) return;
        if (!IsAllowed(kind, "*", "*", user))
            errors.Forbidden(FieldPath.Of("spec").Child("paramKind"), $"user {Describe(user)} must have \"get\" permission on all objects of the referenced paramKind (kind={kind.Str("kind")}, apiVersion={kind.Str("apiVersion")})");
    }

    /// <summary>A binding: the objects of its paramRef.</summary>
    public void CheckBinding(GroupResource policies, JsonObject binding, JsonObject? old, UserInfo user, FieldErrors errors)
    {
        if (binding.Obj("spec", "paramRef") is not { } reference || user.IsInGroup(UserInfo.MastersGroup)) return;
        var policyName = binding.Obj("spec").Str("policyName");
        if (old is not null && reference.SemanticallySameAs(old.Obj("spec", "paramRef")) && policyName == old.Obj("spec").Str("policyName")) return;
        var kind = objects.Get(policies, "", policyName).Obj("spec", "paramKind");
        if (!IsAllowed(kind, reference.Str("namespace"), reference.Str("name"), user))
            errors.Forbidden(FieldPath.Of("spec").Child("paramRef"), $"user {Describe(user)} does not have \"get\" permission on the object referenced by paramRef");
    }

    private bool IsAllowed(JsonObject? kind, string ns, string name, UserInfo user)
    {
        // What is not known could be anything.
        var (group, version, resource) = ("*", "*", "*");
        if (kind is not null)
        {
            (group, version) = GroupVersion.Parse(kind.Str("apiVersion"));
            if (resources().Catalog.TryFindKind(group, version, kind.Str("kind"), out var info)) resource = info.Resource.Resource;
        }
        return authorizer().Authorize(user, new RequestInfo { Verb = "get", Path = "", IsResourceRequest = true, Group = group, Version = version, Resource = resource, Namespace = ns, Name = name }).Allowed;
    }

    /// <summary>A user as Go prints one.</summary>
    private static string Describe(UserInfo user) =>
        $"&{{{user.Name} {user.Uid} [{string.Join(' ', user.Groups)}] map[{string.Join(' ', (user.Extra ?? new Dictionary<string, IReadOnlyList<string>>()).OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Key}:[{string.Join(' ', e.Value)}]"))}]}}";
}
