using System.Reflection;
using System.Text;
using k8s;
using k8s.Models;
using LiteKube.Apis.Schema;

namespace LiteKube.Client;

/// <summary>What the client knows of a model's resource.</summary>
internal sealed record KindInfo(string Group, string Version, string Kind, string Resource, bool Namespaced)
{
    public string ApiVersion { get; } = Group.Length == 0 ? Version : $"{Group}/{Version}";

    public string Path(string? ns, string? name, string? subresource = null)
    {
        var path = new StringBuilder(Group.Length == 0 ? "/api/" : "/apis/", 128).Append(ApiVersion);
        if (Namespaced && !string.IsNullOrEmpty(ns))
            path.Append("/namespaces/").Append(Uri.EscapeDataString(ns));
        else if (Namespaced && name is not null)
            throw new ArgumentException($"{Kind} \"{name}\" needs a namespace", nameof(ns));
        path.Append('/').Append(Resource);
        if (name is not null)
            path.Append('/').Append(Uri.EscapeDataString(name));
        if (subresource is not null)
            path.Append('/').Append(subresource);
        return path.ToString();
    }

    /// <summary>Fills in apiVersion and kind, which servers leave out of list items and callers out of new objects.</summary>
    public T Stamp<T>(T value) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (string.IsNullOrEmpty(value.ApiVersion))
            value.ApiVersion = ApiVersion;
        if (string.IsNullOrEmpty(value.Kind))
            value.Kind = Kind;
        return value;
    }
}

internal static class KindOf<T> where T : class, IKubernetesObject<V1ObjectMeta>
{
    public static readonly KindInfo Info = Read();

    private static KindInfo Read()
    {
        var entity = typeof(T).GetCustomAttribute<KubernetesEntityAttribute>()
            ?? throw new InvalidOperationException($"{typeof(T).Name} is no Kubernetes resource: it has no [KubernetesEntity]");
        var (group, resource) = (entity.Group ?? "", entity.PluralName);
        // The models leave it out for some kinds, such as ResourceClaim.
        if (resource.Length == 0 && ResourceCatalog.BuiltIn.TryFindKind(group, entity.ApiVersion, entity.Kind, out var known))
            resource = known.Resource.Resource;
        return new KindInfo(group, entity.ApiVersion, entity.Kind, resource, IsNamespaced(group, entity.ApiVersion, resource));
    }

    // A kind that the catalog does not serve is answered with NotFound by any path.
    private static bool IsNamespaced(string group, string version, string resource) =>
        !ResourceCatalog.BuiltIn.TryFind(group, version, resource, out var info) || info.Namespaced;
}
