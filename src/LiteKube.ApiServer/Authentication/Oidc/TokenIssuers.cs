using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Authentication.Oidc;

/// <summary>
/// The issuers outside the cluster and who is anonymous, as the configuration says it now: a changed file is taken up
/// while the server runs, one that is not valid leaves things as they are
/// (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration).
/// </summary>
internal sealed class TokenIssuers : ITokenAuthenticator, IDisposable
{
    private static readonly TimeSpan ReloadInterval = TimeSpan.FromSeconds(10);

    private readonly AuthenticationOptions _options;
    private readonly string _ownIssuer;
    private readonly IReadOnlyList<string> _apiAudiences;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _logs;
    private readonly ILogger _logger;
    // Requests may still be asking them.
    private readonly List<JwtAuthenticator> _retired = [];
    private volatile Current _current;

    private sealed record Current(IReadOnlyList<JwtAuthenticator> Authenticators, AnonymousAccess Anonymous, byte[] FileHash);

    /// <exception cref="InvalidDataException">The configuration is not valid; the message says where and why.</exception>
    public TokenIssuers(AuthenticationOptions options, string ownIssuer, IReadOnlyList<string> apiAudiences, TimeProvider time, ILoggerFactory logs)
    {
        (_options, _ownIssuer, _apiAudiences, _time, _logs) = (options, ownIssuer, apiAudiences, time, logs);
        _logger = logs.CreateLogger<TokenIssuers>();
        _current = Load();
    }

    public AnonymousAccess Anonymous => _current.Anonymous;

    public async ValueTask<TokenResult> AuthenticateTokenAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancellationToken)
    {
        foreach (var authenticator in _current.Authenticators)
        {
            var result = await authenticator.AuthenticateTokenAsync(token, audiences, cancellationToken);
            if (result != TokenResult.Unknown)
                return result;
        }
        return TokenResult.Unknown;
    }

    /// <summary>Keeps the issuers' keys and the configuration fresh until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var current = _current;
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var running = Task.WhenAll(current.Authenticators.Select(a => a.RunAsync(stop.Token)));
            try
            {
                _current = await NextAsync(current, cancellationToken);
            }
            finally
            {
                await stop.CancelAsync();
                await EndedAsync(running, stop.Token);
            }
            _retired.AddRange(current.Authenticators);
        }
    }

    public void Dispose()
    {
        foreach (var authenticator in _current.Authenticators.Concat(_retired))
            authenticator.Dispose();
    }

    private static async Task EndedAsync(Task running, CancellationToken stopped)
    {
        try
        {
            await running;
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            // The way in which these loops end.
        }
    }

    /// <summary>The configuration after the next valid change of the file, its keys fetched where the issuers answer.</summary>
    private async Task<Current> NextAsync(Current current, CancellationToken cancellationToken)
    {
        var seen = current.FileHash;
        while (true)
        {
            await Task.Delay(_options.ConfigFile is null ? Timeout.InfiniteTimeSpan : ReloadInterval, _time, cancellationToken);
            try
            {
                var hash = HashOfFile();
                if (hash.AsSpan().SequenceEqual(seen))
                    continue;
                seen = hash;
                var next = Load();
                await Task.WhenAll(next.Authenticators.Select(a => a.FetchKeysAsync(cancellationToken)));
                OidcLog.Reloaded(_logger, _options.ConfigFile!);
                return next;
            }
            catch (InvalidDataException exception)
            {
                OidcLog.ReloadFailed(_logger, exception.Message);
            }
        }
    }

    private Current Load()
    {
        var hash = HashOfFile();
        var configuration = AuthenticationConfiguration.Load(_options, _ownIssuer);
        return new([.. configuration.Issuers.Select(i => new JwtAuthenticator(i, _apiAudiences, _time, _logs.CreateLogger<JwtAuthenticator>()))], configuration.Anonymous, hash);
    }

    private byte[] HashOfFile()
    {
        if (_options.ConfigFile is not { } path)
            return [];
        try
        {
            return SHA256.HashData(File.ReadAllBytes(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"the authentication configuration {path} cannot be used: {exception.Message}", exception);
        }
    }
}
