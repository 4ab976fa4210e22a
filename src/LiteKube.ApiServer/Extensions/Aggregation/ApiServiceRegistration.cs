using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Extensions.CustomResources;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>
/// Keeps the APIServices of what this server answers itself: one for each built-in group version, one for each that a CRD
/// serves. A CRD's is kept as it must be; a built-in one is brought up to date at a start and is the user's from then on,
/// but comes back when it is gone.
/// </summary>
internal sealed class ApiServiceRegistration(IObjectReader objects, ApiServiceWriter writer, TimeProvider time, ILogger<ApiServiceRegistration> logger)
{
    private static readonly HashSet<GroupVersion> BuiltIn =
        [.. ResourceCatalog.BuiltIn.Resources.Select(r => r.Resource.GroupVersion).Where(v => v.Group != ApiService.Resource.Group)];

    private readonly SyncQueue _queue = new(time);
    private readonly HashSet<string> _atStart = new(StringComparer.Ordinal);

    /// <summary>Writes those of the built-in group versions; a server that is ready has them.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var standing in objects.List(ApiService.Resource)) _atStart.Add(standing.MetaName());
        // Together, so that the first start's writes share a few commits.
        return Task.WhenAll(BuiltIn.Select(v => SyncAsync(ApiService.NameOf(v), cancellationToken)));
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var definitions = objects.Subscribe(Definition.Resource, (value, old) =>
        {
            foreach (var groupVersion in VersionsOf(value).Union(VersionsOf(old))) _queue.Add(ApiService.NameOf(groupVersion));
        });
        using var services = objects.Subscribe(ApiService.Resource, (value, old) => _queue.Add((value ?? old!).MetaName()));
        await _queue.RunAsync(SyncAsync, (name, pause, reason) => AggregationLog.RegistrationFailed(logger, name, pause, reason), cancellationToken);
    }

    private static IEnumerable<GroupVersion> VersionsOf(JsonObject? definition)
    {
        var spec = definition.Obj("spec");
        return spec.Items("versions").Select(v => new GroupVersion(spec.Str("group"), v.Str("name")));
    }

    private async Task SyncAsync(string name, CancellationToken cancellationToken)
    {
        // The second look at an object is no longer the start.
        var isAtStart = _atStart.Remove(name);
        var wanted = Wanted(name);
        if (objects.Get(ApiService.Resource, "", name) is not { } standing)
        {
            if (wanted is not null) await writer.CreateAsync(wanted, cancellationToken);
            return;
        }
        var known = ApiService.Read(standing);
        // Who takes the label away, or sets another value, keeps it himself.
        if (!known.IsAutomanaged || (known.Automanaged == ApiService.OnStart && !isAtStart)) return;
        if (wanted is null)
        {
            await writer.DeleteAsync(standing, cancellationToken);
            return;
        }
        if (standing["spec"].SameAs(wanted["spec"])) return;
        var changed = (JsonObject)standing.DeepClone();
        changed["spec"] = wanted["spec"]!.DeepClone();
        await writer.UpdateAsync(changed, cancellationToken);
    }

    /// <summary>What this server's APIService of the name must say; null: it serves no such group version.</summary>
    private JsonObject? Wanted(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0) return null;
        var groupVersion = new GroupVersion(name[(dot + 1)..], name[..dot]);
        if (BuiltIn.Contains(groupVersion)) return Local(groupVersion, ApiServicePriorities.BuiltIn(groupVersion), ApiService.OnStart);
        var isServed = objects.List(Definition.Resource).Any(d => d.Obj("spec") is { } spec && spec.Str("group") == groupVersion.Group && spec.Items("versions").Any(v => v.Bool("served") && v.Str("name") == groupVersion.Version));
        return isServed ? Local(groupVersion, ApiServicePriorities.Custom, ApiService.Always) : null;
    }

    private static JsonObject Local(GroupVersion groupVersion, (int Group, int Version) priority, string managed) => new()
    {
        ["kind"] = ApiService.Kind,
        ["apiVersion"] = ApiService.ApiVersion,
        ["metadata"] = new JsonObject { ["name"] = ApiService.NameOf(groupVersion), ["labels"] = new JsonObject { [ApiService.AutomanagedLabel] = managed } },
        ["spec"] = Spec(groupVersion, priority),
    };

    private static JsonObject Spec(GroupVersion groupVersion, (int Group, int Version) priority)
    {
        var spec = new JsonObject();
        // The core group is left out, as an empty text always is.
        if (groupVersion.Group.Length > 0) spec["group"] = groupVersion.Group;
        spec["version"] = groupVersion.Version;
        spec["groupPriorityMinimum"] = priority.Group;
        spec["versionPriority"] = priority.Version;
        return spec;
    }
}
