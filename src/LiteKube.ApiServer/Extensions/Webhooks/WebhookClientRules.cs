using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Webhooks;

/// <summary>Validates a clientConfig, which admission webhooks and the conversion of CRDs share.</summary>
internal static class WebhookClientRules
{
    private const string UrlForm = "; desired format: https://host[/path]";

    public static void Validate(JsonObject? client, FieldPath path, FieldErrors errors)
    {
        if (client.Has("url") == client.Has("service")) errors.Required(path, "exactly one of url or service is required");
        else if (client.StrOrNull("url") is { } url) Url(url, path.Child("url"), errors);
        else Service(client.Obj("service"), path.Child("service"), errors);
    }

    /// <param name="bundle">base64 of PEM.</param>
    /// <returns>Null: it holds a certificate.</returns>
    public static string? BundleComplaint(string bundle)
    {
        const string Complaint = "unable to load root certificates: unable to parse bytes as PEM block";
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(Encoding.UTF8.GetString(Convert.FromBase64String(bundle)));
            var isEmpty = certificates.Count == 0;
            foreach (var certificate in certificates) certificate.Dispose();
            return isEmpty ? Complaint : null;
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException)
        {
            return Complaint;
        }
    }

    private static void Url(string text, FieldPath path, FieldErrors errors)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url))
        {
            errors.Required(path, $"url must be a valid URL: parse {GoValues.Quote(text)}: invalid URI for request{UrlForm}");
            return;
        }
        if (url.Scheme != "https") errors.Invalid(path, url.Scheme, "'https' is the only allowed URL scheme" + UrlForm);
        if (url.Host.Length == 0) errors.Invalid(path, url.Host, "host must be specified" + UrlForm);
        if (url.UserInfo.Length > 0) errors.Invalid(path, url.UserInfo, "user information is not permitted in the URL");
        if (url.Fragment.Length > 0) errors.Invalid(path, url.Fragment.TrimStart('#'), "fragments are not permitted in the URL");
        if (url.Query.Length > 0) errors.Invalid(path, url.Query.TrimStart('?'), "query parameters are not permitted in the URL");
    }

    private static void Service(JsonObject? service, FieldPath path, FieldErrors errors)
    {
        if (service.Str("name").Length == 0) errors.Required(path.Child("name"), "");
        if (service.Str("namespace").Length == 0) errors.Required(path.Child("namespace"), "");
        if (service.LongOrNull("port") is { } port && port is < 1 or > 65535) errors.Invalid(path.Child("port"), port, "port is not valid: must be between 1 and 65535, inclusive");
        if (service.StrOrNull("path") is not { Length: > 0 } urlPath || urlPath == "/") return;
        if (urlPath == "//")
        {
            errors.Invalid(path.Child("path"), urlPath, "segment[0] may not be empty");
            return;
        }
        if (!urlPath.StartsWith('/')) errors.Invalid(path.Child("path"), urlPath, "must start with a '/'");
        var steps = urlPath[1..];
        if (steps.EndsWith('/')) steps = steps[..^1];
        var index = 0;
        foreach (var step in steps.Split('/'))
        {
            if (step.Length == 0) errors.Invalid(path.Child("path"), urlPath, $"segment[{index}] may not be empty");
            else
                foreach (var complaint in NameFormats.Dns1123Subdomain(step)) errors.Invalid(path.Child("path"), urlPath, $"segment[{index}]: {complaint}");
            index++;
        }
    }
}
