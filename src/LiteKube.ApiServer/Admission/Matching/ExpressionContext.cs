using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Matching;

/// <summary>
/// What expressions of webhooks and policies read of a request: object, oldObject, request, namespaceObject, authorizer and
/// authorizer.requestResource. One for each request and version; made of trees as they are, without copies.
/// </summary>
internal sealed class ExpressionContext
{
    private static readonly string[] HiddenMetadata = ["managedFields", "ownerReferences", "selfLink"];

    private readonly AdmissionAttributes _attributes;
    private readonly MatchedVersion _version;
    private readonly CelValue _object;
    private readonly CelValue _oldObject;
    private readonly IAuthorizer _authorizer;
    private readonly JsonObject? _namespace;
    private readonly Lazy<CelValue> _request;

    /// <param name="value">The new object in the version; null: there is none.</param>
    /// <param name="old">The stored one in the version.</param>
    /// <param name="ns">The namespace of the request; null: it has none, or nobody is to see it (match conditions of webhooks).</param>
    public ExpressionContext(AdmissionAttributes attributes, MatchedVersion version, JsonObject? value, JsonObject? old, JsonObject? ns, IAuthorizer authorizer)
    {
        (_attributes, _version, _namespace, _authorizer) = (attributes, version, ns, authorizer);
        (_object, _oldObject) = (CelJson.FromJson(value), CelJson.FromJson(old));
        _request = new(Request);
    }

    /// <summary>The environment of every such expression; policies add to it.</summary>
    public static CelEnvironment Environment { get; } = CelEnvironment.Kubernetes.With(
        [
            new("object", CelType.Dyn),
            new("oldObject", CelType.Dyn),
            new("namespaceObject", RequestTypes.Namespace),
            new("request", RequestTypes.Request),
            new("authorizer", CelAuthorization.AuthorizerType),
            new("authorizer.requestResource", CelAuthorization.ResourceCheckType),
        ],
        new RequestTypes());

    /// <summary>A new set of the variables; not to be shared between threads.</summary>
    public CelActivation Activation()
    {
        var authorizer = new RequestAuthorizer(_authorizer, _attributes.User);
        return new CelActivation()
            .Set("object", _object)
            .Set("oldObject", _oldObject)
            .SetLazy("request", () => _request.Value)
            .SetLazy("namespaceObject", () => _namespace is null ? CelValue.Null : CelJson.FromJson(Shown(_namespace), RequestTypes.NamespaceSchema))
            .SetLazy("authorizer", () => CelAuthorization.Value(authorizer))
            .SetLazy("authorizer.requestResource", () => CelAuthorization.ResourceValue(authorizer, new()
            {
                Verb = "",
                Group = _attributes.Request.Group,
                Resource = _attributes.Request.Resource,
                Subresource = _attributes.Request.Subresource,
                Namespace = _attributes.Namespace,
                Name = _attributes.Name,
            }));
    }

    /// <summary>Compiles an expression that must give one of these types.</summary>
    /// <param name="complaint">Null, or why it does not compile, as Kubernetes says it.</param>
    public static CelProgram? Compile(CelEnvironment environment, string expression, out string? complaint, params ReadOnlySpan<CelType> results)
    {
        var compiled = environment.Compile(expression);
        complaint = compiled.Program is null ? "compilation failed: " + compiled.IssueText : null;
        if (compiled.Program is not { } program) return null;
        foreach (var result in results)
        {
            if (result.Kind == CelTypeKind.Dyn || result.Equals(program.OutputType)) return program;
        }
        complaint = results.Length == 1
            ? $"must evaluate to {results[0]} but got {program.OutputType}"
            : $"must evaluate to one of [{string.Join(' ', results.ToArray().AsEnumerable())}] but got {program.OutputType}";
        return null;
    }

    private CelValue Request()
    {
        var request = RequestDescription.Of(_attributes, _version);
        request["dryRun"] = _attributes.DryRun;
        if (RequestDescription.Options(_attributes) is { } options) request["options"] = options;
        return CelJson.FromJson(request);
    }

    private static JsonObject Shown(JsonObject ns)
    {
        var copy = (JsonObject)ns.DeepClone();
        foreach (var field in HiddenMetadata) copy.Meta()?.Remove(field);
        return copy;
    }
}
