using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>spec.conversion. Paths are those of Kubernetes' internal form: webhookClientConfig stands for webhook.clientConfig.</summary>
internal static class ConversionRules
{
    private const string UrlForm = "; desired format: https://host[/path]";

    private static readonly FieldPath Root = FieldPath.Of("spec").Child("conversion");

    public static void Validate(Definition definition, Definition? before, FieldErrors errors)
    {
        if (definition.Conversion is not { } conversion) return;
        var strategy = conversion.Str("strategy");
        if (strategy.Length == 0) errors.Required(Root.Child("strategy"), "");
        else if (strategy is not ("None" or "Webhook")) errors.Unsupported(Root.Child("strategy"), strategy, ["None", "Webhook"]);
        var webhook = conversion.Obj("webhook");
        var versions = webhook.Strings("conversionReviewVersions").ToList();
        var config = Root.Child("webhookClientConfig");
        if (strategy != "Webhook")
        {
            if (webhook.Has("clientConfig")) errors.Forbidden(config, "should not be set when strategy is not set to Webhook");
            if (versions.Count > 0) errors.Forbidden(Root.Child("conversionReviewVersions"), "should not be set when strategy is not set to Webhook");
            return;
        }
        if (webhook.Obj("clientConfig") is not { } client) errors.Required(config, "required when strategy is set to Webhook");
        else if (client.Has("url") == client.Has("service")) errors.Required(config, "exactly one of url or service is required");
        else if (client.StrOrNull("url") is { } url) Url(url, config.Child("url"), errors);
        else Service(client.Obj("service"), config.Child("service"), errors);
        if (webhook.Obj("clientConfig").Str("caBundle") is { Length: > 0 } bundle && !AllowsBadBundle(before) && BundleComplaint(bundle) is { } complaint)
            errors.Invalid(config.Child("caBundle"), bundle, complaint);
        ReviewVersions(versions, errors);
    }

    private static void ReviewVersions(List<string> versions, FieldErrors errors)
    {
        var path = Root.Child("conversionReviewVersions");
        if (versions.Count == 0)
        {
            errors.Required(path, "");
            return;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < versions.Count; i++)
        {
            if (!seen.Add(versions[i])) errors.Invalid(path.Index(i), versions[i], "duplicate version");
            else
                foreach (var complaint in NameFormats.Dns1035Label(versions[i])) errors.Invalid(path.Index(i), versions[i], complaint);
        }
        if (!seen.Contains("v1") && !seen.Contains("v1beta1"))
            errors.Invalid(path, new JsonArray([.. versions.Select(v => (JsonNode?)v)]), "must include at least one of v1, v1beta1");
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
        var steps = urlPath[1..].TrimEnd('/').Split('/');
        for (var i = 0; i < steps.Length; i++)
        {
            if (steps[i].Length == 0) errors.Invalid(path.Child("path"), urlPath, $"segment[{i}] may not be empty");
            else
                foreach (var complaint in NameFormats.Dns1123Subdomain(steps[i])) errors.Invalid(path.Child("path"), urlPath, $"segment[{i}]: {complaint}");
        }
    }

    /// <summary>A bundle may be filled in later (by an injector), until the CRD is established; one that was bad before may stay bad.</summary>
    private static bool AllowsBadBundle(Definition? before)
    {
        if (before is null || !before.IsTrue(DefinitionConditions.Established)) return true;
        var old = before.Conversion.Obj("webhook", "clientConfig").Str("caBundle");
        return old.Length > 0 && BundleComplaint(old) is not null;
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
}
