using k8s.Models;
using LiteKube.Client;
using LiteKube.Network.Cni;
using LiteKube.Network.Netlink;
using LiteKube.Network.Nftables;
using LiteKube.Network.Setup;
using Microsoft.Extensions.Logging;

namespace LiteKube.Network.Proxy;

/// <param name="NodeName">Decides which endpoints are local.</param>
public sealed record ServiceProxyOptions(NetworkOptions Network, string NodeName)
{
    /// <summary>A first change is applied at once, those that follow within this time together.</summary>
    public TimeSpan MinSyncInterval { get; init; } = TimeSpan.FromMilliseconds(50);
}

/// <summary>
/// Keeps the kernel's translation of Service addresses equal to Services and EndpointSlices, by difference, and puts
/// it back when somebody flushes it. Stopping leaves it in place: connections outlive the process.
/// </summary>
public sealed class ServiceProxy(ServiceProxyOptions options, ISharedInformers informers, ILoggerFactory loggers, TimeProvider timeProvider) : IComponent
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(30);

    private readonly ILogger _logger = loggers.CreateLogger("LiteKube.Network.Proxy");
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly List<IDisposable> _handlers = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly HostPorts _hostPorts = new(options.Network.CniStateDirectory, options.Network.HostPortTable, options.Network.ClusterDns);
    private readonly NodePortClaims _nodePorts = new(loggers.CreateLogger("LiteKube.Network.Proxy"));
    private readonly HostFirewall _firewall = new(options.Network, loggers.CreateLogger("LiteKube.Network.Setup"));
    private IInformer<V1Service> _services = null!;
    private IInformer<V1EndpointSlice> _slices = null!;
    private NftMonitor? _monitor;
    private Task _running = Task.CompletedTask;
    private volatile ComponentHealth _health = ComponentHealth.NotReady("waiting for Services and EndpointSlices from the API server");

    // Set by the monitor, taken by the loop.
    private int _ownTransactions;
    private volatile bool _tableTouched, _hostPortsTouched, _firewallTouched, _changed;

    // What the kernel holds, as far as we know; null when it must be replaced whole.
    private NftTable? _applied;
    private IReadOnlyList<ServicePort> _appliedPorts = [];

    public string Name => "service-proxy";
    public ComponentHealth Health => _health;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _monitor = NftMonitor.Open();
        _services = informers.Get<V1Service>();
        _slices = informers.Get<V1EndpointSlice>();
        _handlers.Add(_services.AddHandler(new InformerHandler<V1Service>(_ => Change(), (_, _) => Change(), _ => Change())));
        _handlers.Add(_slices.AddHandler(new InformerHandler<V1EndpointSlice>(_ => Change(), (_, _) => Change(), _ => Change())));
        _running = Task.WhenAll(SuperviseAsync(WatchTablesAsync(_monitor, _stopping.Token)), SuperviseAsync(RunAsync(_stopping.Token)));
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var handler in _handlers)
            handler.Dispose();
        await _stopping.CancelAsync();
        await _running.WaitAsync(cancellationToken);
        _monitor?.Dispose();
        _nodePorts.Dispose();
        _health = ComponentHealth.NotReady("stopped");
    }

    private async Task SuperviseAsync(Task loop)
    {
        try
        {
            await loop;
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // StopAsync waits for this.
        }
        catch (Exception e)
        {
            _health = ComponentHealth.NotReady($"the service proxy ended by an unexpected error: {e.Message}; restart litekube");
            ProxyLog.LoopFailed(_logger, e);
        }
    }

    private void Change()
    {
        _changed = true;
        Wake();
    }

    private void Wake()
    {
        lock (_wake)
        {
            if (_wake.CurrentCount == 0)
                _wake.Release();
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        // An empty first answer must not empty the kernel under connections that an earlier run left.
        await _services.WaitForSyncAsync(cancellationToken);
        await _slices.WaitForSyncAsync(cancellationToken);
        _changed = true;
        _hostPortsTouched = true;
        var retry = FirstRetry;
        while (true)
        {
            try
            {
                await SyncAsync(cancellationToken);
                retry = FirstRetry;
                if (!_health.IsReady)
                    _health = ComponentHealth.Ready;
            }
            catch (Exception e) when (e is IOException or NetlinkException)
            {
                _applied = null;
                _changed = true;
                _health = ComponentHealth.NotReady($"Service rules are not up to date: {e.Message}");
                ProxyLog.SyncFailed(_logger, retry, e);
                await Task.Delay(retry, timeProvider, cancellationToken);
                retry = TimeSpan.FromTicks(Math.Min(retry.Ticks * 2, LastRetry.Ticks));
                continue;
            }
            await Task.Delay(options.MinSyncInterval, timeProvider, cancellationToken);
            await _wake.WaitAsync(cancellationToken);
        }
    }

    private async Task SyncAsync(CancellationToken cancellationToken)
    {
        if (_tableTouched)
        {
            _tableTouched = false;
            ProxyLog.TableTouched(_logger, options.Network.ServiceTable);
            _applied = null;
            _changed = true;
        }
        if (_changed)
        {
            _changed = false;
            await ApplyAsync(cancellationToken);
        }
        if (_hostPortsTouched)
        {
            _hostPortsTouched = false;
            await _hostPorts.SyncAsync(cancellationToken);
        }
        if (_firewallTouched)
        {
            _firewallTouched = false;
            await KeepFirewallOpenAsync(cancellationToken);
        }
    }

    private async Task KeepFirewallOpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _firewall.EnsureAsync(cancellationToken);
        }
        catch (IOException e)
        {
            Log.FirewallUnreadable(_logger, e);
        }
    }

    private async Task ApplyAsync(CancellationToken cancellationToken)
    {
        var ports = ServicePorts.Compute(_services.List(), _slices.List(), options.NodeName);
        var wanted = ProxyTable.Render(options.Network, ports);
        var delta = _applied is null ? NftDiff.Full(wanted) : NftDiff.Compute(_applied, wanted);
        if (delta.Script.Length > 0)
        {
            try
            {
                await RunNftAsync(delta.Script, cancellationToken);
            }
            catch (IOException e) when (_applied is not null)
            {
                // The kernel does not hold what we believed; replacing all of it needs no belief.
                ProxyLog.DeltaRefused(_logger, e);
                delta = NftDiff.Full(wanted);
                await RunNftAsync(delta.Script, cancellationToken);
            }
            ProxyLog.Synced(_logger, ports.Count, delta.Script.Length);
        }
        _applied = delta.Result;
        _nodePorts.Update(ports);
        if (!delta.IsComplete)
            Change();
        var before = _appliedPorts;
        _appliedPorts = ports;
        if (StaleFlows.Between(before, ports) is { } stale)
            DeleteFlows(stale);
    }

    private void DeleteFlows(StaleFlows stale)
    {
        try
        {
            using var conntrack = Conntrack.Open();
            var deleted = conntrack.DeleteWhere(stale.Contains);
            if (deleted > 0)
                ProxyLog.FlowsDeleted(_logger, deleted);
        }
        catch (NetlinkException e)
        {
            // The rules stand; clients that reuse a UDP port reach the old endpoint until the kernel forgets them.
            ProxyLog.FlowsNotDeleted(_logger, e);
        }
    }

    private async Task RunNftAsync(string script, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _ownTransactions);
        try
        {
            // Not cancelled half way: whether the transaction happened must be known.
            await Nft.ApplyAsync(script, CancellationToken.None);
        }
        catch (IOException)
        {
            Interlocked.Decrement(ref _ownTransactions);
            throw;
        }
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task WatchTablesAsync(NftMonitor monitor, CancellationToken cancellationToken)
    {
        await monitor.RunAsync(OnTransaction, OnLost, cancellationToken);

        void OnLost()
        {
            Interlocked.Exchange(ref _ownTransactions, 0);
            (_tableTouched, _hostPortsTouched, _firewallTouched) = (true, true, true);
            Wake();
        }
    }

    private void OnTransaction(IReadOnlyDictionary<string, NftTableChange> tables)
    {
        if (tables.ContainsKey(options.Network.ServiceTable) && !TakeOwnTransaction())
            _tableTouched = true;
        // Plugin processes replace this one whole; anything else that takes from it is a flush.
        if (tables.TryGetValue(options.Network.HostPortTable, out var hostPorts) && hostPorts is { DeletedSomething: true, CreatedTable: false })
            _hostPortsTouched = true;
        // iptables' own table: a firewall or Docker was restarted.
        if (tables.ContainsKey("filter"))
            _firewallTouched = true;
        if (_tableTouched || _hostPortsTouched || _firewallTouched)
            Wake();
    }

    private bool TakeOwnTransaction()
    {
        while (true)
        {
            var own = Volatile.Read(ref _ownTransactions);
            if (own == 0)
                return false;
            if (Interlocked.CompareExchange(ref _ownTransactions, own - 1, own) == own)
                return true;
        }
    }
}
