using System.Text.Json.Nodes;
using System.Threading.Channels;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authorization;

/// <summary>
/// Writes the rules of aggregated ClusterRoles into the objects, where users look for them. Authorization does not
/// wait for this: <see cref="RbacAuthorizer"/> puts the parts together itself.
/// </summary>
public sealed class ClusterRoleAggregator(IObjectReader objects, IObjectWriter writer)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // One pending signal stands for any number of changes.
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var subscription = objects.Subscribe(CoreResources.ClusterRoles, (_, _) => changes.Writer.TryWrite(true));
        await foreach (var _ in changes.Reader.ReadAllAsync(cancellationToken))
            await ReconcileAsync(cancellationToken);
    }

    /// <summary>One pass over all aggregated roles.</summary>
    public async Task ReconcileAsync(CancellationToken cancellationToken)
    {
        var roles = objects.List(CoreResources.ClusterRoles);
        var parts = roles.Select(r => (r.MetaName(), (IReadOnlyDictionary<string, string>)r.Labels(), (IReadOnlyList<PolicyRule>)PolicyRule.ListFrom(r))).ToList();
        foreach (var role in roles)
        {
            if (AggregatedRules.SelectorsOf(role) is not { } selectors)
                continue;
            var rules = new JsonArray([.. AggregatedRules.Of(selectors, parts, role.MetaName()).Select(r => (JsonNode)r.ToJson())]);
            if (role["rules"].SemanticallySameAs(rules))
                continue;
            var updated = (JsonObject)role.DeepClone();
            updated["rules"] = rules;
            // Lost to another writer: that write signals again.
            await writer.TryUpdateAsync(updated, cancellationToken);
        }
    }
}
