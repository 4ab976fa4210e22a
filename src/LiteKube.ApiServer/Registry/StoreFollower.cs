using LiteKube.Storage;

namespace LiteKube.ApiServer.Registry;

/// <summary>Follows the keys under a prefix from now on, for upkeep that need not decode every object of a resource.</summary>
internal static class StoreFollower
{
    /// <param name="onChange">Gets each change in its order; null after a gap, when everything is to be looked at. Must be quick.</param>
    public static async Task RunAsync(IStateStore store, string prefix, Action<StoreEvent?> onChange, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await using var watch = store.Watch(prefix, store.CurrentRevision);
                // What came before the watch began is looked at as well.
                onChange(null);
                while (await watch.WaitToReadAsync(cancellationToken))
                {
                    while (watch.TryRead(out var change))
                        onChange(change);
                }
                return;
            }
            catch (CompactedException)
            {
                // Too slow for the history: begin anew from the present.
                continue;
            }
        }
    }
}
