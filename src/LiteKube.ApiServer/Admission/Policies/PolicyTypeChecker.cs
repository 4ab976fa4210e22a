using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>
/// Checks the expressions of a ValidatingAdmissionPolicy by the types of the resources that it names, for its status
/// (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#type-checking). Nothing depends on the outcome.
/// </summary>
internal sealed class PolicyTypeChecker(Func<ResourceTable> resources)
{
    private const int MaxTypes = 10;

    /// <returns>status.typeChecking.expressionWarnings.</returns>
    public JsonArray Check(JsonObject policy)
    {
        var spec = policy.Obj("spec") ?? [];
        var table = resources();
        var parameter = spec.Obj("paramKind") is { } kind ? TypeOfKind(table, kind) : null;
        var kinds = KindsOf(spec, table).Select(info => (info.GroupVersionKind, Compiler: Prepare(spec, new PolicyObjectTypes(info.Schema, parameter)))).ToList();
        var warnings = new JsonArray();
        var path = FieldPath.Of("spec").Child("validations");
        var index = 0;
        foreach (var validation in spec.Items("validations"))
        {
            var place = path.Index(index++);
            Check(validation.Str("expression"), place.Child("expression"), kinds, warnings);
            if (validation.Str("messageExpression") is { Length: > 0 } message) Check(message, place.Child("messageExpression"), kinds, warnings);
        }
        return warnings;
    }

    private static void Check(string expression, FieldPath path, List<(GroupVersionKind Kind, PolicyCompiler Compiler)> kinds, JsonArray warnings)
    {
        var found = kinds.Select(k => (k.Kind, Issues: k.Compiler.CheckTypes(expression))).Where(r => r.Issues.Length > 0)
            .Select(r => $"{r.Kind.Group}/{r.Kind.Version}, Kind={r.Kind.Kind}: {r.Issues}\n").ToList();
        if (found.Count > 0) warnings.Add((JsonNode)new JsonObject { ["fieldRef"] = path.ToString(), ["warning"] = string.Join('\n', found) });
    }

    private static PolicyCompiler Prepare(JsonObject spec, PolicyObjectTypes types)
    {
        var compiler = new PolicyCompiler(spec, types);
        foreach (var variable in spec.Items("variables")) compiler.Variable(variable.Str("name"), variable.Str("expression"));
        return compiler;
    }

    private static TypeSchema? TypeOfKind(ResourceTable table, JsonObject kind)
    {
        var (group, version) = GroupVersion.Parse(kind.Str("apiVersion"));
        return table.Catalog.TryFindKind(group, version, kind.Str("kind"), out var info) ? info.Schema : null;
    }

    /// <summary>The kinds that the rules name; rules with wildcards name none.</summary>
    private static List<ResourceInfo> KindsOf(JsonObject spec, ResourceTable table)
    {
        var found = new Dictionary<GroupVersionKind, ResourceInfo>();
        foreach (var rule in spec.Obj("matchConstraints").Items("resourceRules"))
        {
            var (groups, versions) = (rule.Strings("apiGroups").ToList(), rule.Strings("apiVersions").ToList());
            if (groups.Concat(versions).Any(t => t.Contains('*', StringComparison.Ordinal))) continue;
            foreach (var group in groups.Order(StringComparer.Ordinal))
            {
                foreach (var version in versions.Order(StringComparer.Ordinal))
                {
                    foreach (var resource in rule.Strings("resources").Where(r => r.AsSpan().IndexOfAny('*', '/') < 0).Order(StringComparer.Ordinal))
                    {
                        if (table.TryFind(group, version, resource, out var served) && found.Count < MaxTypes) found.TryAdd(served.Info.GroupVersionKind, served.Info);
                    }
                }
            }
        }
        return [.. found.Values.OrderBy(i => i.Resource.Group, StringComparer.Ordinal).ThenBy(i => i.Resource.Version, StringComparer.Ordinal).ThenBy(i => i.Kind, StringComparer.Ordinal)];
    }
}
