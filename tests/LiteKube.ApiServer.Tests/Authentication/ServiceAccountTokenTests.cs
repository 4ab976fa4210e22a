using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Authentication;

public sealed class ServiceAccountTokenTests
{
    private const string Issuer = "https://kubernetes.default.svc.cluster.local";
    private static readonly TokenSigningKey Key = new(RSA.Create(2048));

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly InMemoryObjects _objects = new();
    private readonly TokenIssuer _issuer;
    private readonly ServiceAccountTokenAuthenticator _authenticator;

    public ServiceAccountTokenTests()
    {
        _issuer = new(Key, Issuer, [Issuer], _objects, _time);
        _authenticator = new(Key, Issuer, [Issuer], _objects, _time);
        _objects.Put("""{"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"bot","namespace":"ci"}}""");
        _objects.Put("""{"kind":"Node","apiVersion":"v1","metadata":{"name":"n1"}}""");
        _objects.Put("""{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"ci"},"spec":{"serviceAccountName":"bot","nodeName":"n1"}}""");
    }

    [Fact]
    public async Task A_token_that_was_issued_names_its_account_groups_and_pod()
    {
        var user = await _authenticator.AuthenticateAsync(new(null, Token(Bound("Pod", "p"))), CancellationToken.None);
        Assert.Equal("system:serviceaccount:ci:bot", user!.Name);
        Assert.Equal(["system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"], user.Groups);
        Assert.Equal("uid-bot", user.Uid);
        Assert.Equal(["p"], user.Extra!["authentication.kubernetes.io/pod-name"]);
        Assert.Equal(["n1"], user.Extra["authentication.kubernetes.io/node-name"]);
    }

    [Fact]
    public void A_token_ends_with_its_time()
    {
        var token = Token("{}");
        Assert.Null(Check(token));
        _time.Advance(TimeSpan.FromMinutes(60.5));
        Assert.Null(Check(token));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("service account token has expired", Check(token));
    }

    [Fact]
    public void A_token_ends_with_its_pod_its_account_and_their_uids()
    {
        var token = Token(Bound("Pod", "p"));
        Assert.Null(Check(token));
        var pod = _objects.Get(new("", "pods"), "ci", "p")!;
        _objects.Delete(new("", "pods"), "ci", "p");
        Assert.NotNull(Check(token));
        _objects.Put(pod);
        Assert.Null(Check(token));
        _objects.Delete(new("", "serviceaccounts"), "ci", "bot");
        Assert.NotNull(Check(token));
        _objects.Put("""{"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"bot","namespace":"ci","uid":"another"}}""");
        Assert.NotNull(Check(token));
    }

    [Fact]
    public void A_token_for_another_audience_is_refused_here_and_good_there()
    {
        var token = Token("""{"audiences":["vault"]}""");
        Assert.Equal($"token audiences [\"vault\"] is invalid for the target audiences [\"{Issuer}\"]", Check(token));
        Assert.Equal(["vault"], _authenticator.Authenticate(token, ["vault", "x"]).Audiences);
    }

    [Fact]
    public async Task Forged_and_broken_tokens_are_refused()
    {
        var token = Token("{}");
        var parts = token.Split('.');
        var claims = JsonNode.Parse(Base64Url.DecodeFromChars(parts[1]))!.AsObject();
        claims["sub"] = "system:serviceaccount:ci:admin";
        claims["kubernetes.io"]!["serviceaccount"]!["name"] = "admin";
        var swapped = $"{parts[0]}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()))}.{parts[2]}";
        var unsigned = $"{Base64Url.EncodeToString("{\"alg\":\"none\"}"u8)}.{parts[1]}.";
        var foreign = new TokenIssuer(new TokenSigningKey(RSA.Create(2048)), Issuer, [Issuer], _objects, _time).Issue("ci", "bot", new JsonObject())["status"]!["token"]!.GetValue<string>();
        var otherIssuer = new TokenIssuer(Key, "https://elsewhere", [Issuer], _objects, _time).Issue("ci", "bot", new JsonObject())["status"]!["token"]!.GetValue<string>();
        foreach (var bad in (string[])[swapped, unsigned, foreign, otherIssuer, token[..^4], "a.b.c", "abc", new string('x', 20_000), $"{parts[0]}.e30.{parts[2]}"])
        {
            Assert.Equal("invalid bearer token", Check(bad));
            Assert.Equal(401, (await Assert.ThrowsAsync<ApiException>(() => _authenticator.AuthenticateAsync(new(null, bad), CancellationToken.None).AsTask())).Code);
        }
        Assert.Null(await _authenticator.AuthenticateAsync(default, CancellationToken.None));
    }

    [Fact]
    public void The_token_of_a_secret_lives_as_long_as_the_secret_holds_it()
    {
        var account = _objects.Get(new("", "serviceaccounts"), "ci", "bot")!;
        var token = _issuer.IssueForSecret(account, "bot-token");
        Assert.NotNull(Check(token));
        _objects.Put($$$"""{"kind":"Secret","apiVersion":"v1","metadata":{"name":"bot-token","namespace":"ci"},"data":{"token":"{{{Convert.ToBase64String(Encoding.UTF8.GetBytes(token))}}}"}}""");
        Assert.Null(Check(token));
        _time.Advance(TimeSpan.FromDays(4000));
        Assert.Null(Check(token));
        _objects.Put("""{"kind":"Secret","apiVersion":"v1","metadata":{"name":"bot-token","namespace":"ci"},"data":{"token":"bmV3"}}""");
        Assert.NotNull(Check(token));
    }

    [Fact]
    public void The_token_of_a_pods_volume_outlives_the_hour_that_its_kubelet_is_told()
    {
        var answer = _issuer.Issue("ci", "bot", JsonNode.Parse("""{"spec":{"expirationSeconds":3607,"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}}""")!.AsObject());
        Assert.Equal("2026-05-01T13:00:07Z", answer["status"]!["expirationTimestamp"]!.GetValue<string>());
        _time.Advance(TimeSpan.FromDays(300));
        Assert.Null(Check(answer["status"]!["token"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("""{"spec":{"expirationSeconds":599}}""", 422, "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes")]
    [InlineData("""{"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"gone"}}}""", 404, "pods \"gone\" not found")]
    [InlineData("""{"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p","uid":"old"}}}""", 409, "Operation cannot be fulfilled on pods \"p\": the UID in the bound object reference (old) does not match the UID in record. The object might have been deleted and then recreated")]
    [InlineData("""{"spec":{"boundObjectRef":{"kind":"Deployment","apiVersion":"apps/v1","name":"p"}}}""", 400, "cannot bind token to object of type apps/v1, Kind=Deployment")]
    [InlineData("""{"metadata":{"name":"other"}}""", 400, "the name of the object (other) does not match the name on the URL (bot)")]
    public void A_request_that_cannot_be_met_says_why(string request, int code, string message)
    {
        var error = Assert.Throws<ApiException>(() => _issuer.Issue("ci", "bot", JsonNode.Parse(request)!.AsObject()));
        Assert.Equal((code, message), (error.Code, error.Message));
    }

    [Fact]
    public void The_published_keys_verify_an_issued_token()
    {
        var documents = new OpenIdDocuments(Key, Issuer);
        var published = JsonNode.Parse(documents.Keys.Span)!["keys"]![0]!;
        using var rsa = RSA.Create(new RSAParameters { Modulus = Base64Url.DecodeFromChars(published["n"]!.GetValue<string>()), Exponent = Base64Url.DecodeFromChars(published["e"]!.GetValue<string>()) });
        var parts = Token("{}").Split('.');
        Assert.True(rsa.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        Assert.Equal(JsonNode.Parse(Base64Url.DecodeFromChars(parts[0]))!["kid"]!.GetValue<string>(), published["kid"]!.GetValue<string>());
        Assert.Equal($"{Issuer}/openid/v1/jwks", JsonNode.Parse(documents.Configuration.Span)!["jwks_uri"]!.GetValue<string>());
    }

    private string Token(string spec) => _issuer.Issue("ci", "bot", new JsonObject { ["spec"] = JsonNode.Parse(spec) })["status"]!["token"]!.GetValue<string>();

    private string? Check(string token) => _authenticator.Authenticate(token, [Issuer]).Error;

    private static string Bound(string kind, string name) => $$$"""{"boundObjectRef":{"kind":"{{{kind}}}","apiVersion":"v1","name":"{{{name}}}"}}""";
}
