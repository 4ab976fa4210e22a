using LiteKube.ApiServer.Encryption;
using LiteKube.Client;
using LiteKube.Configuration;
using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.Hosting;

/// <summary>The store and the API server on it; writes the admin's kubeconfig.</summary>
internal sealed class ApiServerComponent(InstanceConfig config, ILoggerFactory loggerFactory, TimeProvider timeProvider) : IComponent, IAsyncDisposable
{
    private EncryptionAtRest? _encryption;
    private IStateStore? _store;
    private ApiServer.ApiServer? _server;

    public string Name => "api-server";

    public ApiServer.ApiServer Server => _server ?? throw new InvalidOperationException("the API server has not been started");

    public ComponentHealth Health =>
        _server is null ? ComponentHealth.NotReady("starting") :
        _server.ReadinessFailures() is [var (name, reason), ..] ? ComponentHealth.NotReady($"{name}: {reason}") : ComponentHealth.Ready;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (config.EncryptionProviderConfig is { } file)
            _encryption = EncryptionAtRest.Load(file, config.EncryptionProviderConfigAutomaticReload, timeProvider, loggerFactory.CreateLogger<EncryptionAtRest>());
        _store = await SqliteStateStore.OpenAsync(new SqliteStoreOptions(Path.Combine(config.DataDir, "state.db")) { Transformer = _encryption }, timeProvider, loggerFactory, cancellationToken);
        var server = new ApiServer.ApiServer(ClusterOptions.ApiServer(config), _store, loggerFactory, timeProvider);
        await server.StartAsync(cancellationToken);
        _server = server;
        WriteKubeconfig(server.Pki.AdminKubeconfig($"https://127.0.0.1:{config.ApiPort}"));
    }

    public Task StopAsync(CancellationToken cancellationToken) => _server?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        if (_store is not null)
            await _store.DisposeAsync();
        _encryption?.Dispose();
    }

    private void WriteKubeconfig(string text)
    {
        var temporary = config.AdminKubeconfig + ".new";
        File.Delete(temporary);
        // Created closed, so that the key is at no instant readable by others.
        using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        using (var writer = new StreamWriter(file))
        {
            writer.Write(text);
        }
        FileAccessRights.ShareWithGroup(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite, UnixFileMode.GroupRead);
        File.Move(temporary, config.AdminKubeconfig, overwrite: true);
    }
}
