using System.Security.Cryptography;
using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Encryption;

/// <summary>
/// Encrypts what the configuration names on its way to the disk. Memory holds values in clear; the database and its -wal
/// hold ciphertext. A changed file is taken up while running when that is asked for; keys that it no longer has are
/// still read with until the program ends.
/// </summary>
public sealed class EncryptionAtRest : IValueTransformer, IDisposable
{
    private static readonly TimeSpan ReloadInterval = TimeSpan.FromSeconds(10);
    private static readonly IdentityProvider Identity = new();

    private readonly string _path;
    private readonly ILogger _logger;
    private readonly Lock _reloading = new();
    private readonly ITimer? _timer;
    private byte[] _contentHash;
    private volatile IReadOnlyList<EncryptionConfiguration> _configurations;

    private EncryptionAtRest(string path, byte[] contentHash, EncryptionConfiguration configuration, bool reloads, TimeProvider time, ILogger logger)
    {
        (_path, _contentHash, _configurations, _logger) = (path, contentHash, [configuration], logger);
        if (reloads)
            _timer = time.CreateTimer(static self => ((EncryptionAtRest)self!).Reload(), this, ReloadInterval, ReloadInterval);
    }

    /// <param name="reloads">Whether later changes of the file are taken up.</param>
    /// <exception cref="InvalidDataException">The file cannot be read or is not valid; the message says where and why.</exception>
    public static EncryptionAtRest Load(string path, bool reloads, TimeProvider time, ILogger<EncryptionAtRest> logger)
    {
        var content = ReadFile(path);
        return new(path, SHA256.HashData(content), Parse(path, content), reloads, time, logger);
    }

    public object? FormOf(string key) => Writer(key).Prefix is { Length: > 0 } prefix ? prefix : null;

    public byte[] ToDisk(string key, byte[] value, out object? form)
    {
        var writer = Writer(key);
        form = writer.Prefix.Length > 0 ? writer.Prefix : null;
        return form is null ? value : writer.Write(key, value);
    }

    public byte[] FromDisk(string key, byte[] stored, out object? form)
    {
        var isEncrypted = stored.AsSpan().StartsWith("k8s:enc:"u8);
        Exception? failure = null;
        foreach (var configuration in _configurations)
        {
            foreach (var provider in ProvidersOf(configuration, key))
            {
                if (isEncrypted != provider.Prefix.Length > 0 || !provider.Wrote(stored))
                    continue;
                try
                {
                    form = isEncrypted ? provider.Prefix : null;
                    return provider.Read(key, stored);
                }
                catch (CryptographicException exception)
                {
                    failure = exception;
                }
            }
        }
        throw new ValueTransformException(Explain(key, stored, isEncrypted, failure), failure);
    }

    /// <summary>Takes the file up when it has changed and is valid; a file that is not leaves things as they are.</summary>
    public void Reload()
    {
        lock (_reloading)
        {
            try
            {
                var content = ReadFile(_path);
                var hash = SHA256.HashData(content);
                if (hash.AsSpan().SequenceEqual(_contentHash))
                    return;
                _contentHash = hash;
                // Values that the newest key has not written yet are still on disk under the ones before.
                _configurations = [Parse(_path, content), .. _configurations];
                EncryptionLog.Reloaded(_logger, _path);
            }
            catch (InvalidDataException exception)
            {
                EncryptionLog.ReloadFailed(_logger, exception.Message);
            }
        }
    }

    public void Dispose() => _timer?.Dispose();

    private EncryptionProvider Writer(string key) => ProvidersOf(_configurations[0], key)[0];

    private static IReadOnlyList<EncryptionProvider> ProvidersOf(EncryptionConfiguration configuration, string key)
    {
        // "core/secrets/default/name", "example.com/foos/name"
        var groupEnd = key.IndexOf('/', StringComparison.Ordinal);
        var resourceEnd = groupEnd < 0 ? -1 : key.IndexOf('/', groupEnd + 1);
        if (resourceEnd < 0)
            return [Identity];
        var group = key[..groupEnd];
        return configuration.RuleFor(group == "core" ? "" : group, key[(groupEnd + 1)..resourceEnd])?.Providers ?? [Identity];
    }

    private string Explain(string key, byte[] stored, bool isEncrypted, Exception? failure)
    {
        if (!isEncrypted)
            return $"{key} is not encrypted, and {_path} allows no such values: add the provider identity to its resource";
        var end = stored.AsSpan("k8s:enc:".Length).IndexOf(":v1:"u8);
        var name = stored.AsSpan("k8s:enc:".Length + Math.Max(0, end) + ":v1:".Length);
        name = name[..Math.Max(0, name.IndexOf((byte)':'))];
        var keyName = System.Text.Encoding.UTF8.GetString(name[..Math.Min(name.Length, 100)]);
        return failure is null
            ? $"{key} is encrypted under the key \"{keyName}\", which {_path} does not name for its resource: put that key back"
            : $"{key} cannot be decrypted with the key \"{keyName}\" of {_path}: put the key back that wrote it";
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"the encryption configuration {path} cannot be read: {exception.Message}", exception);
        }
    }

    private static EncryptionConfiguration Parse(string path, byte[] content)
    {
        try
        {
            return EncryptionConfiguration.Parse(content);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"the encryption configuration {path} cannot be used: {exception.Message}", exception);
        }
    }
}

/// <summary>Event ids 2120-2129.</summary>
internal static partial class EncryptionLog
{
    [LoggerMessage(EventId = 2120, Level = LogLevel.Information, Message = "The encryption configuration {Path} was taken up; what is written from now on is encrypted as it says")]
    public static partial void Reloaded(ILogger logger, string path);

    [LoggerMessage(EventId = 2121, Level = LogLevel.Error, Message = "The encryption configuration stays as it was: {Reason}")]
    public static partial void ReloadFailed(ILogger logger, string reason);
}
