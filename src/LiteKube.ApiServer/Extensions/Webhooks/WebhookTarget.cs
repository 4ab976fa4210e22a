using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Webhooks;

/// <summary>Where a webhook listens: a clientConfig with either url or service.</summary>
/// <param name="Url">"https://host:port/path"; for a service its DNS name, which is also what its certificate must bear.</param>
/// <param name="Service">Namespace, name and port of the service, which is dialled by its address.</param>
/// <param name="CertificateAuthorities">PEM; empty: the system's.</param>
internal sealed record WebhookTarget(Uri Url, (string Namespace, string Name, int Port)? Service, string CertificateAuthorities)
{
    public static WebhookTarget Read(JsonObject? config)
    {
        var bundle = config.Str("caBundle");
        var authorities = bundle.Length == 0 ? "" : System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(bundle)).Trim();
        if (config.Obj("service") is not { } service) return new(new Uri(config.Str("url"), UriKind.Absolute), null, authorities);
        var (ns, name, port) = (service.Str("namespace"), service.Str("name"), (int)(service.LongOrNull("port") ?? 443));
        var path = service.Str("path");
        var url = new UriBuilder("https", $"{name}.{ns}.svc", port, path.StartsWith('/') ? path : "/" + path).Uri;
        return new(url, (ns, name, port), authorities);
    }

    /// <summary>The URL of a call: Kubernetes says in the query how long it waits.</summary>
    public Uri Address(TimeSpan timeout) => new(Url.AbsoluteUri + Query(timeout));

    /// <summary>The same as Go prints it, which leaves no port out.</summary>
    public string Describe(TimeSpan timeout) => $"{Url.Scheme}://{(Service is null ? Url.Authority : $"{Url.Host}:{Url.Port.ToString(CultureInfo.InvariantCulture)}")}{Url.AbsolutePath}{Query(timeout)}";

    private static string Query(TimeSpan timeout) => string.Create(CultureInfo.InvariantCulture, $"?timeout={(long)Math.Ceiling(timeout.TotalSeconds)}s");
}

/// <summary>A call of a webhook that failed, in the words that the client gets.</summary>
/// <param name="code">The status of the webhook's own answer, or 503 when none came.</param>
internal sealed class WebhookException(string message, Exception? innerException = null, int code = 503) : Exception(message, innerException)
{
    public int Code => code;
}

/// <summary>Posts reviews to webhooks.</summary>
internal interface IWebhookCaller
{
    /// <returns>The body of an answer 2xx.</returns>
    /// <exception cref="WebhookException">No such answer came.</exception>
    ValueTask<ReadOnlyMemory<byte>> PostAsync(WebhookTarget target, byte[] body, TimeSpan timeout, CancellationToken cancellationToken);
}
