using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

/// <summary>A conversion webhook on Kestrel: spec.host of v1 is spec.hostname of v2.</summary>
internal sealed class FakeConverter : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2 _certificate;

    private FakeConverter(WebApplication app, X509Certificate2 certificate) => (_app, _certificate) = (app, certificate);

    public Uri Address { get; private set; } = null!;
    public int Calls { get; private set; }
    public string CaBundle => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(_certificate.ExportCertificatePem()));

    /// <summary>Changes the answer before it goes out.</summary>
    public Action<JsonObject>? Spoil { get; set; }

    public static async Task<FakeConverter> StartAsync(string serviceName = "localhost")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={serviceName}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(serviceName);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        var certificate = request.CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(certificate)));
        var app = builder.Build();
        var converter = new FakeConverter(app, certificate);
        app.Run(converter.AnswerAsync);
        await app.StartAsync();
        converter.Address = new Uri(app.Urls.Single());
        return converter;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Calls++;
        var review = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        var request = review["request"]!.AsObject();
        var target = request["desiredAPIVersion"]!.GetValue<string>();
        var converted = new JsonArray();
        foreach (var node in request["objects"]!.AsArray())
        {
            var value = node!.DeepClone().AsObject();
            value["apiVersion"] = target;
            var (from, to) = target.EndsWith("v2", StringComparison.Ordinal) ? ("host", "hostname") : ("hostname", "host");
            if (value["spec"] is JsonObject spec && spec.Remove(from, out var host)) spec[to] = host?.DeepClone();
            converted.Add((JsonNode)value);
        }
        var answer = new JsonObject
        {
            ["kind"] = "ConversionReview",
            ["apiVersion"] = review["apiVersion"]!.DeepClone(),
            ["response"] = new JsonObject { ["uid"] = request["uid"]!.DeepClone(), ["result"] = new JsonObject { ["status"] = "Success" }, ["convertedObjects"] = converted },
        };
        Spoil?.Invoke(answer);
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString());
    }
}
