using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authentication.Oidc;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Authentication;

/// <summary>Tokens of an issuer outside the cluster, whose keys are fetched over TLS.</summary>
public sealed class ExternalIssuerTests : IAsyncLifetime
{
    private const string Audience = "https://kubernetes.default.svc.cluster.local";
    private static readonly RSA RsaKey = RSA.Create(2048);

    private readonly FakeIssuer _issuer = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<(JwtAuthenticator Authenticator, Task Running)> _started = [];

    public Task InitializeAsync()
    {
        _issuer.AddKey("one", RsaKey);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var (authenticator, running) in _started)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
            authenticator.Dispose();
        }
        await _issuer.DisposeAsync();
        _stopping.Dispose();
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    [InlineData("ES256")]
    [InlineData("ES384")]
    [InlineData("ES512")]
    public async Task A_token_of_each_algorithm_is_taken_and_a_changed_one_is_not(string algorithm)
    {
        if (algorithm[0] == 'E')
            _issuer.AddKey("one", ECDsa.Create(algorithm switch { "ES256" => ECCurve.NamedCurves.nistP256, "ES384" => ECCurve.NamedCurves.nistP384, _ => ECCurve.NamedCurves.nistP521 }));
        var authenticator = await StartAsync(Issuer());
        var token = _issuer.Sign("one", algorithm, Claims());
        var result = await authenticator.AuthenticateTokenAsync(token, [Audience], default);
        Assert.Equal("oidc:jane", result.User?.Name);
        Assert.Equal(["oidc:dev", "oidc:ops", "system:authenticated"], result.User!.Groups);
        Assert.Equal([Audience], result.Audiences);

        var parts = token.Split('.');
        var forged = $"{parts[0]}.{Encode(Claims(c => c["sub"] = "root"))}.{parts[2]}";
        Assert.Contains("failed to verify id token signature", (await authenticator.AuthenticateTokenAsync(forged, [Audience], default)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_with_a_token_is_said_and_another_issuers_is_left_to_others()
    {
        var authenticator = await StartAsync(Issuer() with { Algorithms = ["RS256"] });
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        foreach (var (change, message) in new (Action<JsonObject>, string)[]
        {
            (c => c["aud"] = "others", "oidc: expected audience in [\"litekube\"] got [\"others\"]"),
            (c => c["exp"] = now - 10, "oidc: token is expired"),
            (c => c.Remove("exp"), "oidc: token is expired"),
            (c => c["nbf"] = now + 1000, "oidc: current time is before the nbf"),
            (c => c.Remove("sub"), "oidc: parse username claims \"sub\": claim not present"),
            (c => c["groups"] = 7, "oidc: parse groups claim \"groups\""),
        })
        {
            Assert.Contains(message, (await authenticator.AuthenticateTokenAsync(_issuer.Sign("one", "RS256", Claims(change)), [Audience], default)).Error, StringComparison.Ordinal);
        }
        Assert.Contains("unsupported algorithm", (await authenticator.AuthenticateTokenAsync(_issuer.Sign("one", "RS512", Claims()), [Audience], default)).Error, StringComparison.Ordinal);
        // A public key must not serve as the secret of an HMAC.
        var unsigned = $"{Encode(new JsonObject { ["alg"] = "none" })}.{Encode(Claims())}.";
        Assert.Contains("unsupported algorithm", (await authenticator.AuthenticateTokenAsync(unsigned, [Audience], default)).Error, StringComparison.Ordinal);
        foreach (var unknown in (string[])[_issuer.Sign("one", "RS256", Claims(c => c["iss"] = "https://elsewhere")), "abc", "a.b.c", new string('x', 100_000)])
            Assert.Equal(TokenResult.Unknown, await authenticator.AuthenticateTokenAsync(unknown, [Audience], default));
        Assert.Equal(TokenResult.Unknown, await authenticator.AuthenticateTokenAsync(_issuer.Sign("one", "RS256", Claims()), ["vault"], default));
        Assert.Equal("oidc:jane", (await authenticator.AuthenticateTokenAsync(_issuer.Sign("one", "RS256", Claims(c => c["aud"] = new JsonArray("x", "litekube"))), [Audience], default)).User!.Name);
    }

    [Fact]
    public async Task A_new_key_is_fetched_when_a_token_names_it_but_not_for_every_token_that_names_nonsense()
    {
        var authenticator = await StartAsync(Issuer());
        var second = RSA.Create(2048);
        _issuer.AddKey("two", second);
        var token = _issuer.Sign("two", "RS256", Claims());
        Assert.NotNull((await authenticator.AuthenticateTokenAsync(token, [Audience], default)).Error);
        Assert.Equal(1, _issuer.KeyFetches);
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("oidc:jane", (await authenticator.AuthenticateTokenAsync(token, [Audience], default)).User?.Name);
        Assert.Equal(2, _issuer.KeyFetches);
        var nonsense = $"{Encode(new JsonObject { ["alg"] = "RS256", ["kid"] = "none" })}.{token.Split('.')[1]}.{token.Split('.')[2]}";
        for (var i = 0; i < 20; i++)
            Assert.NotNull((await authenticator.AuthenticateTokenAsync(nonsense, [Audience], default)).Error);
        Assert.Equal(2, _issuer.KeyFetches);
    }

    [Fact]
    public async Task An_issuer_that_is_not_who_it_should_be_or_is_not_trusted_gives_no_keys()
    {
        _issuer.PublishedIssuer = "https://elsewhere";
        var logger = new SignallingLogger();
        Start(Issuer(), logger);
        Assert.Contains("oidc: issuer did not match the issuer returned by provider", await logger.FirstAsync(), StringComparison.Ordinal);
        var untrusting = new SignallingLogger();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=other", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var authenticator = Start(Issuer() with { CertificateAuthority = other.ExportCertificatePem() }, untrusting);
        Assert.Contains("SSL", await untrusting.FirstAsync(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("oidc: authenticator not initialized", (await authenticator.AuthenticateTokenAsync(_issuer.Sign("one", "RS256", Claims()), [Audience], default)).Error);
    }

    [Fact]
    public async Task Discovery_may_lie_elsewhere()
    {
        _issuer.DiscoveryPath = "/inside/discovery";
        _issuer.PublishedIssuer = "https://public.example.com";
        var authenticator = await StartAsync(Issuer() with { Url = "https://public.example.com", DiscoveryUrl = _issuer.Url + "/inside/discovery" });
        Assert.Equal("oidc:jane", (await authenticator.AuthenticateTokenAsync(_issuer.Sign("one", "RS256", Claims(c => c["iss"] = "https://public.example.com")), [Audience], default)).User?.Name);
    }

    [Fact]
    public async Task Expressions_make_the_user_and_judge_it()
    {
        var issuer = Issuer() with
        {
            Username = new("", "", "claims.email.split('@')[0] + ':external'"),
            Groups = new("", "", "claims.roles.split(',')"),
            Uid = new("", "", "string(claims.number)"),
            Extra = [new("example.com/tenant", "claims.?tenant.orValue('')"), new("example.com/verified", "claims.email_verified ? 'yes' : 'no'")],
            ClaimRules = [new("hd", "example.com", "", ""), new("", "", "claims.exp - claims.iat <= 86400", "total token lifetime must not exceed 24 hours")],
            UserRules = [new("!user.username.startsWith('system:')", "username cannot use reserved system: prefix"), new("user.groups.all(g, g != 'banned')", "banned")],
        };
        var authenticator = await StartAsync(issuer);
        var user = (await AskAsync(c => { })).User!;
        Assert.Equal("jane:external", user.Name);
        Assert.Equal(["a", "b", "system:authenticated"], user.Groups);
        Assert.Equal("7", user.Uid);
        Assert.Equal(["JTI=id-1"], user.Extra!["authentication.kubernetes.io/credential-id"]);
        Assert.Equal(["yes"], user.Extra["example.com/verified"]);
        Assert.False(user.Extra.ContainsKey("example.com/tenant"));
        Assert.Equal(["t1"], (await AskAsync(c => c["tenant"] = "t1")).User!.Extra!["example.com/tenant"]);
        Assert.Equal("oidc: required claim hd not present in ID token", (await AskAsync(c => c.Remove("hd"))).Error);
        Assert.Equal("oidc: required claim hd value does not match. Got = other, want = example.com", (await AskAsync(c => c["hd"] = "other")).Error);
        Assert.Contains("total token lifetime must not exceed 24 hours", (await AskAsync(c => c["iat"] = 1)).Error, StringComparison.Ordinal);
        Assert.Contains("username cannot use reserved system: prefix", (await AskAsync(c => c["email"] = "system:admin@example.com")).Error, StringComparison.Ordinal);
        Assert.Contains("failed: banned", (await AskAsync(c => c["roles"] = "a,banned")).Error, StringComparison.Ordinal);
        Assert.Contains("oidc: error evaluating username claim expression: no such key: email", (await AskAsync(c => c.Remove("email"))).Error, StringComparison.Ordinal);

        async Task<TokenResult> AskAsync(Action<JsonObject> change)
        {
            var claims = Claims(c =>
            {
                (c["email"], c["email_verified"], c["roles"], c["number"], c["hd"], c["jti"]) = ("jane@example.com", true, "a,b", 7, "example.com", "id-1");
                c["iat"] = _time.GetUtcNow().ToUnixTimeSeconds();
                change(c);
            });
            return await authenticator.AuthenticateTokenAsync(_issuer.Sign("one", "RS256", claims), [Audience], default);
        }
    }

    [Fact]
    public async Task An_email_counts_only_when_it_is_verified()
    {
        var authenticator = await StartAsync(Issuer() with { Username = new("email", "", "") });
        foreach (var (verified, error) in new (JsonNode?, string?)[] { (null, null), (true, null), (false, "oidc: email not verified"), ("yes", "oidc: parse 'email_verified' claim: it is no boolean") })
        {
            var claims = Claims(c => c["email"] = "jane@example.com");
            if (verified is not null)
                claims["email_verified"] = verified.DeepClone();
            var result = await authenticator.AuthenticateTokenAsync(_issuer.Sign("one", "RS256", claims), [Audience], default);
            Assert.Equal(error, result.Error);
            Assert.Equal(error is null ? "jane@example.com" : null, result.User?.Name);
        }
        Assert.Contains("claims.email_verified must be used", Assert.Throws<InvalidDataException>(() => new ClaimMapper(Issuer() with { Username = new("", "", "claims.email") })).Message, StringComparison.Ordinal);
        Assert.Contains("compilation failed", Assert.Throws<InvalidDataException>(() => new ClaimMapper(Issuer() with { Username = new("", "", "claim.sub") })).Message, StringComparison.Ordinal);
        Assert.Contains("must evaluate to bool", Assert.Throws<InvalidDataException>(() => new ClaimMapper(Issuer() with { UserRules = [new("user.username", "")] })).Message, StringComparison.Ordinal);
        Assert.Contains("compilation failed", Assert.Throws<InvalidDataException>(() => new ClaimMapper(Issuer() with { UserRules = [new("user.name == ''", "")] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_server_takes_such_tokens_reviews_them_and_keeps_its_own()
    {
        await using var server = await TestApiServer.StartAsync(configure: o => o with
        {
            Authentication = new AuthenticationOptions
            {
                Oidc = new OidcOptions { IssuerUrl = _issuer.Url, ClientId = "litekube", GroupsClaim = "groups", GroupsPrefix = "oidc:", RequiredClaims = "hd=example.com", CaFile = CaFile() },
            },
        });
        var token = _issuer.Sign("one", "RS256", Claims(c => c["hd"] = "example.com"));
        var review = new JsonObject { ["spec"] = new JsonObject { ["token"] = token } }.ToJsonString();
        // The keys come in the background: the first reviews may be too early.
        JsonObject status;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        do
        {
            patience.Token.ThrowIfCancellationRequested();
            status = (await server.PostAsync("/apis/authentication.k8s.io/v1/tokenreviews", review)).Json["status"]!.AsObject();
        }
        while ((string?)status["error"] == "oidc: authenticator not initialized");
        Assert.True((bool?)status["authenticated"], status.ToJsonString());
        Assert.Equal($"{_issuer.Url}#jane", (string?)status["user"]!["username"]);

        using var jane = server.ClientFor(null);
        jane.DefaultRequestHeaders.Authorization = new("Bearer", token);
        var who = await server.SendAsync(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", null, client: jane);
        Assert.Equal("""["oidc:dev","oidc:ops","system:authenticated"]""", who.Json["status"]!["userInfo"]!["groups"]!.ToJsonString());
        jane.DefaultRequestHeaders.Authorization = new("Bearer", _issuer.Sign("one", "RS256", Claims()));
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.SendAsync(HttpMethod.Get, "/api", null, null, client: jane)).StatusCode);
        await server.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"bot"}}""");
        var own = (string?)(await server.PostAsync("/api/v1/namespaces/default/serviceaccounts/bot/token", """{"spec":{}}""")).Json["status"]!["token"];
        jane.DefaultRequestHeaders.Authorization = new("Bearer", own);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync(HttpMethod.Get, "/api", null, null, client: jane)).StatusCode);
    }

    [Fact]
    public async Task A_changed_configuration_is_taken_up_while_running_and_a_broken_one_is_not()
    {
        var file = CaFile().Replace("ca.pem", "authentication.yaml", StringComparison.Ordinal);
        const string head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
        await File.WriteAllTextAsync(file, head + "anonymous: {enabled: true}\n");
        await using var server = await TestApiServer.StartAsync(_time, o => o with { Authentication = new AuthenticationOptions { ConfigFile = file } });
        using var nobody = server.ClientFor(null);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync(HttpMethod.Get, "/livez", null, null, client: nobody)).StatusCode);
        var configuration = new JsonObject
        {
            ["apiVersion"] = "apiserver.config.k8s.io/v1",
            ["kind"] = "AuthenticationConfiguration",
            ["anonymous"] = new JsonObject { ["enabled"] = false },
            ["jwt"] = new JsonArray(new JsonObject
            {
                ["issuer"] = new JsonObject { ["url"] = _issuer.Url, ["audiences"] = new JsonArray("litekube"), ["certificateAuthority"] = _issuer.CertificateAuthority },
                ["claimMappings"] = new JsonObject { ["username"] = new JsonObject { ["claim"] = "sub", ["prefix"] = "new:" } },
            }),
        };
        await File.WriteAllTextAsync(file, configuration.ToJsonString());
        await UntilAsync(async () => (await server.SendAsync(HttpMethod.Get, "/livez", null, null, client: nobody)).StatusCode == HttpStatusCode.Unauthorized);
        using var jane = server.ClientFor(null);
        jane.DefaultRequestHeaders.Authorization = new("Bearer", _issuer.Sign("one", "RS256", Claims()));
        var who = await server.SendAsync(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", null, client: jane);
        Assert.Equal("new:jane", (string?)who.Json["status"]!["userInfo"]!["username"]);

        await File.WriteAllTextAsync(file, "nonsense");
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(HttpStatusCode.Created, (await server.SendAsync(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", null, client: jane)).StatusCode);

        // The file is looked at by the server's clock, which is moved until it has.
        async Task UntilAsync(Func<Task<bool>> condition)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (!await condition())
            {
                patience.Token.ThrowIfCancellationRequested();
                _time.Advance(TimeSpan.FromSeconds(11));
            }
        }
    }

    private string CaFile()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("lk-oidc-").FullName, "ca.pem");
        File.WriteAllText(file, _issuer.CertificateAuthority);
        return file;
    }

    private JwtIssuer Issuer() => new()
    {
        Url = _issuer.Url,
        CertificateAuthority = _issuer.CertificateAuthority,
        Audiences = ["litekube"],
        Username = new("sub", "oidc:", ""),
        Groups = new("groups", "oidc:", ""),
    };

    private JsonObject Claims(Action<JsonObject>? change = null)
    {
        var claims = new JsonObject
        {
            ["iss"] = _issuer.Url,
            ["aud"] = "litekube",
            ["sub"] = "jane",
            ["groups"] = new JsonArray("dev", "ops"),
            ["exp"] = _time.GetUtcNow().AddMinutes(30).ToUnixTimeSeconds(),
        };
        change?.Invoke(claims);
        return claims;
    }

    private static string Encode(JsonObject part) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));

    private JwtAuthenticator Start(JwtIssuer issuer, Microsoft.Extensions.Logging.ILogger<JwtAuthenticator>? logger = null)
    {
        var authenticator = new JwtAuthenticator(issuer, [Audience], _time, logger ?? NullLogger<JwtAuthenticator>.Instance);
        _started.Add((authenticator, authenticator.RunAsync(_stopping.Token)));
        return authenticator;
    }

    /// <summary>Once the keys are there.</summary>
    private async Task<JwtAuthenticator> StartAsync(JwtIssuer issuer)
    {
        var authenticator = Start(issuer);
        var token = _issuer.Sign("one", "RS256", Claims(c => (c["iss"], c["aud"]) = (issuer.Url, "litekube")), isProbe: true);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while ((await authenticator.AuthenticateTokenAsync(token, [Audience], patience.Token)).Error == "oidc: authenticator not initialized")
            await Task.Yield();
        return authenticator;
    }

    /// <summary>Tells of the first failure that is logged.</summary>
    private sealed class SignallingLogger : Microsoft.Extensions.Logging.ILogger<JwtAuthenticator>
    {
        private readonly TaskCompletionSource<string> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> FirstAsync() => _first.Task.WaitAsync(TimeSpan.FromSeconds(20));

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(Microsoft.Extensions.Logging.LogLevel logLevel) => true;

        public void Log<TState>(Microsoft.Extensions.Logging.LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _first.TrySetResult(formatter(state, exception));
    }
}
