using System.Net;
using Microsoft.Extensions.Logging;

namespace LiteKube.Network.Dns;

/// <summary>The host's resolvers, read again whenever one of their files changes (a laptop joins another network).</summary>
internal sealed class UpstreamList : IDisposable
{
    private const int MaxUpstreams = 3;

    private readonly HostResolvConf _host;
    private readonly int _port;
    private readonly IReadOnlyList<IPAddress> _own;
    private readonly Action _onChange;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, FileSystemWatcher> _watchers = new(StringComparer.Ordinal);
    private volatile IReadOnlyList<IPEndPoint> _current = [];
    private bool _disposed;

    /// <param name="own">Addresses that we listen on: never asked, so that we cannot ask ourselves.</param>
    public UpstreamList(HostResolvConf host, int port, IReadOnlyList<IPAddress> own, Action onChange, ILogger logger)
    {
        _host = host;
        _port = port;
        _own = own;
        _onChange = onChange;
        _logger = logger;
        Reload();
    }

    public IReadOnlyList<IPEndPoint> Current => _current;

    private void Reload()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            Watch();
            var upstreams = _host.Read().Addresses.Where(address => !_own.Contains(address)).Distinct().Take(MaxUpstreams).Select(address => new IPEndPoint(address, _port)).ToList();
            if (upstreams.SequenceEqual(_current))
                return;
            _current = upstreams;
            DnsLog.Upstreams(_logger, upstreams.Count == 0 ? "nobody (no resolver is configured)" : string.Join(", ", upstreams));
        }
        _onChange();
    }

    // Directories are watched, since resolv.conf is mostly replaced by a rename and may be a link into one that comes and goes.
    private void Watch()
    {
        var wanted = _host.Files().Select(Path.GetDirectoryName).OfType<string>().Where(Directory.Exists).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in _watchers.Keys.Except(wanted).ToList())
        {
            _watchers[gone].Dispose();
            _watchers.Remove(gone);
        }
        foreach (var directory in wanted.Where(d => !_watchers.ContainsKey(d)))
        {
            try
            {
                var watcher = new FileSystemWatcher(directory, "*resolv.conf") { NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size };
                watcher.Changed += (_, _) => Reload();
                watcher.Created += (_, _) => Reload();
                watcher.Deleted += (_, _) => Reload();
                watcher.Renamed += (_, _) => Reload();
                watcher.EnableRaisingEvents = true;
                _watchers.Add(directory, watcher);
            }
            catch (IOException e)
            {
                // The machine's limit of inotify watches is reached.
                DnsLog.NotWatching(_logger, directory, e);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (var watcher in _watchers.Values)
                watcher.Dispose();
            _watchers.Clear();
        }
    }
}
