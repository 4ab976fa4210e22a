using System.Text.Json.Nodes;
using LiteKube.Apis.Selectors;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>A policy or binding cannot be followed as it is written; what that means is the failure policy's to say.</summary>
internal sealed class PolicyConfigurationException(string message) : Exception(message);

/// <summary>Finds the objects that a binding's paramRef names, as they are at this moment.</summary>
internal sealed class PolicyParameters(IStateStore store, Func<ResourceTable> resources)
{
    private static readonly JsonObject?[] None = [null];

    /// <summary>The resource of a policy's parameters.</summary>
    /// <exception cref="PolicyConfigurationException">Nothing serves it.</exception>
    public ServedResource? ResourceOf(AdmissionPolicy policy)
    {
        if (policy.ParamKind is not { } kind) return null;
        var table = resources();
        if (table.Catalog.TryFindKind(kind.Group, kind.Version, kind.Kind, out var info) && table.TryFind(kind.Group, kind.Version, info.Resource.Resource, out var served)) return served;
        throw new PolicyConfigurationException($"failed to find resource referenced by paramKind: '{kind.Group}/{kind.Version}, Kind={kind.Kind}'");
    }

    /// <param name="kind">Of <see cref="ResourceOf"/>; null: the policy has no parameters.</param>
    /// <param name="ns">The namespace of the request.</param>
    /// <returns>One null where the binding gives no parameter; nothing where there is none and that is no fault.</returns>
    /// <exception cref="PolicyConfigurationException">They cannot be found.</exception>
    public async ValueTask<IReadOnlyList<JsonObject?>> FindAsync(ServedResource? kind, PolicyBinding binding, string ns, CancellationToken cancellationToken)
    {
        if (kind is null || binding.ParamRef is not { } reference) return None;
        var where = NamespaceOf(kind, reference, ns);
        var name = reference.Str("name");
        if (name.Length > 0 && reference.Has("selector")) throw new PolicyConfigurationException("paramRef.name and paramRef.selector are mutually exclusive");
        if (name.Length == 0 && !reference.Has("selector")) throw new PolicyConfigurationException("one of name or selector must be provided");
        IReadOnlyList<StoredValue> found;
        if (name.Length == 0) found = await SelectAsync(kind, reference, where, cancellationToken);
        else found = store.Get(kind.Key(where, name)) is { } value ? [value] : [];
        if (found.Count == 0 && reference.Str("parameterNotFoundAction") == "Deny") throw new PolicyConfigurationException("no params found for policy binding with `Deny` parameterNotFoundAction");
        if (found.Count == 0) return [];
        await kind.PrepareAsync(found, cancellationToken);
        return [.. found.Select(kind.Decode)];
    }

    private static string NamespaceOf(ServedResource kind, JsonObject reference, string ns)
    {
        var wanted = reference.Str("namespace");
        if (!kind.Info.Namespaced) return wanted.Length == 0 ? "" : throw new PolicyConfigurationException("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
        if (wanted.Length > 0) return wanted;
        return ns.Length > 0 ? ns : throw new PolicyConfigurationException("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources");
    }

    private async ValueTask<IReadOnlyList<StoredValue>> SelectAsync(ServedResource kind, JsonObject reference, string ns, CancellationToken cancellationToken)
    {
        LabelSelector selector;
        try
        {
            selector = LabelSelector.FromJson(reference.Obj("selector"));
        }
        catch (FormatException exception)
        {
            throw new PolicyConfigurationException(exception.Message);
        }
        var range = await store.RangeAsync(new RangeRequest(kind.Prefix(ns)), cancellationToken);
        return [.. range.Values.Where(v => selector.Matches(ObjectView.Of(v).Labels))];
    }
}
