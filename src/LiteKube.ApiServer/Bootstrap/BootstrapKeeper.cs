using LiteKube.Apis;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Bootstrap;

/// <summary>
/// Puts an object that every cluster has back when somebody changes or removes it: the ConfigMap by which extension
/// servers know whom to trust, the ServiceCIDR that shows the range given at start.
/// </summary>
/// <param name="name">"name", or "namespace/name".</param>
/// <param name="reconcile">Makes it what it should be.</param>
internal sealed class BootstrapKeeper(IStateStore store, GroupResource resource, string name, Func<CancellationToken, Task> reconcile, TimeProvider time, ILogger<BootstrapKeeper> logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly string _key = ServedResource.KeyRootOf(resource) + name;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                // Before the look at it, so that no change is missed between.
                var revision = store.CurrentRevision;
                await reconcile(cancellationToken);
                await using var watch = store.Watch(_key, revision);
                await watch.WaitToReadAsync(cancellationToken);
            }
            catch (CompactedException)
            {
                // A moment passed in which much was written: looks at it anew.
                continue;
            }
            catch (Exception exception) when (exception is ApiException or StoreUnavailableException)
            {
                ApiServerLog.PuttingBackFailed(logger, $"{resource} {name}", RetryAfter, exception);
                await Task.Delay(RetryAfter, time, cancellationToken);
            }
        }
    }
}
