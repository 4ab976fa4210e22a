using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

public enum AdmissionOperation
{
    Create,
    Update,
    Delete,
    Connect,
}

/// <summary>The CreateOptions, UpdateOptions or DeleteOptions of a request, made when somebody looks at them.</summary>
internal interface IOperationOptions
{
    /// <summary>With kind and apiVersion. A patch's are those of the operation that it comes down to.</summary>
    JsonObject Describe(AdmissionOperation operation);
}

/// <summary>One request as admission sees it.</summary>
public sealed class AdmissionAttributes
{
    private static readonly string[] OperationNames = ["CREATE", "UPDATE", "DELETE", "CONNECT"];

    private Dictionary<object, object>? _state;

    public required AdmissionOperation Operation { get; init; }

    /// <summary>The resource in the version in which <see cref="Object"/> and <see cref="OldObject"/> are: the stored one.</summary>
    public required ResourceInfo Resource { get; init; }
    public required RequestInfo Request { get; init; }
    public required UserInfo User { get; init; }

    /// <summary>The new object (null for delete; the options of a connect); mutating plugins change it in place, or put another in its place.</summary>
    public JsonObject? Object { get; set; }

    /// <summary>The stored object for update and delete; read-only.</summary>
    public JsonObject? OldObject { get; init; }
    public bool DryRun { get; init; }

    /// <summary>Texts for Warning headers.</summary>
    public List<string> Warnings { get; init; } = [];

    /// <summary>The resource as the request names it; null where a test asks a plugin alone.</summary>
    internal ServedResource? Served { get; init; }

    internal IOperationOptions? Options { get; init; }

    /// <summary>The owners of the new object's fields, which stand beside it.</summary>
    internal ManagedFieldsList Owners { get; set; } = ManagedFieldsList.Empty;

    /// <summary>One of the many that a deletecollection deletes: Kubernetes shows these without their names.</summary>
    internal bool IsOfCollection { get; init; }

    /// <summary>CREATE, UPDATE, DELETE, CONNECT.</summary>
    public string OperationName => OperationNames[(int)Operation];

    /// <summary>The resource by the names that the request uses.</summary>
    public GroupVersionResource RequestResource => new(Request.Group, Request.Version, Request.Resource);

    /// <summary>Of the object in the request: the resource's kind, or a subresource's own (autoscaling/v1 Scale, v1 PodExecOptions).</summary>
    public GroupVersionKind Kind => KindOf(Served?.Info ?? Resource, Request.Subresource);

    /// <summary>Empty where the server is to generate it.</summary>
    public string Name => IsOfCollection ? "" : Request.Name;

    /// <summary>For a namespace itself its name, as Kubernetes has it.</summary>
    public string Namespace => IsNamespace ? Request.Name : Request.Namespace;

    public bool IsNamespace => Request is { Group: "", Resource: "namespaces" };

    /// <summary>The mutating plugins run a second time, because webhooks or policies changed what the earlier ones had seen.</summary>
    public bool IsReinvocation { get; private set; }

    private bool _shouldReinvoke;

    /// <summary>The object was changed after other plugins had seen it: all run once more.</summary>
    public void RequireReinvocation() => _shouldReinvoke = true;

    /// <returns>Whether a second round is due; at most once.</returns>
    internal bool TryBeginReinvocation()
    {
        if (!_shouldReinvoke || IsReinvocation) return false;
        IsReinvocation = true;
        return true;
    }

    /// <summary>What a plugin keeps from one of its calls for this request to the next.</summary>
    internal TState State<TState>(object plugin, Func<TState> make)
        where TState : class
    {
        _state ??= [];
        if (_state.TryGetValue(plugin, out var known)) return (TState)known;
        var made = make();
        _state.Add(plugin, made);
        return made;
    }

    /// <summary>What plugins have to say in the audit log; null: nothing.</summary>
    public Dictionary<string, string>? AuditAnnotations { get; private set; }

    /// <summary>The record that gets them at once, so that a refusal does not lose them; null: nothing is recorded.</summary>
    internal AuditedRequest? Audit { get; init; }

    public void Annotate(string key, string value)
    {
        (AuditAnnotations ??= new(StringComparer.Ordinal))[key] = value;
        Audit?.Annotate(key, value);
    }

    internal static GroupVersionKind KindOf(ResourceInfo resource, string subresource)
    {
        if (subresource.Length > 0)
        {
            foreach (var candidate in resource.Subresources)
            {
                if (candidate.Name == subresource) return candidate.Kind;
            }
        }
        return resource.GroupVersionKind;
    }
}
