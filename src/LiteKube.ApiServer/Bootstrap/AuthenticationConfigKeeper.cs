using LiteKube.ApiServer.Extensions.Aggregation;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Bootstrap;

/// <summary>
/// Puts ConfigMap kube-system/extension-apiserver-authentication back when somebody changes or removes it: extension
/// servers follow it and would trust nobody any more, or the wrong ones.
/// </summary>
internal sealed class AuthenticationConfigKeeper(IStateStore store, ClusterBootstrap bootstrap, TimeProvider time, ILogger<AuthenticationConfigKeeper> logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);
    private static readonly string Key = $"{ServedResource.KeyRootOf(CoreResources.ConfigMaps)}kube-system/{BootstrapObjects.AuthenticationConfigName}";

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                // Before the look at it, so that no change is missed between.
                var revision = store.CurrentRevision;
                await bootstrap.ReconcileAuthenticationConfigAsync(cancellationToken);
                await using var watch = store.Watch(Key, revision);
                await watch.WaitToReadAsync(cancellationToken);
            }
            catch (CompactedException)
            {
                // A moment passed in which much was written: looks at it anew.
                continue;
            }
            catch (Exception exception) when (exception is ApiException or StoreUnavailableException)
            {
                AggregationLog.AuthenticationConfigFailed(logger, RetryAfter, exception);
                await Task.Delay(RetryAfter, time, cancellationToken);
            }
        }
    }
}
