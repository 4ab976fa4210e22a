using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Projected volumes: several sources in one directory.</summary>
internal static class ProjectionValidation
{
    public static void Validate(FieldErrors errors, JsonObject projected, FieldPath field, PodScope pod)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var source in projected.Items("sources"))
        {
            var path = field.Child("sources").Index(index++);
            var count = 0;
            foreach (var kind in (ReadOnlySpan<string>)["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"])
            {
                if (source.Obj(kind) is not { } value)
                    continue;
                count++;
                Source(errors, kind, value, path.Child(kind), field, paths, pod);
            }
            if (count > 1)
                errors.Forbidden(path, "may not specify more than 1 volume type per source");
        }
    }

    private static void Source(FieldErrors errors, string kind, JsonObject value, FieldPath own, FieldPath field, HashSet<string> paths, PodScope pod)
    {
        switch (kind)
        {
            case "secret" or "configMap":
                Checks.Required(errors, value, own, "name");
                VolumeValidation.KeysToPaths(errors, value, own.Child("items"));
                foreach (var item in value.Items("items"))
                    Once(item.Str("path"), value.Str("name"));
                break;
            case "downwardAPI":
                foreach (var file in value.Items("items"))
                {
                    VolumeValidation.DownwardFile(errors, file, own);
                    Once(file.Str("path"), file.Str("path"));
                }
                break;
            case "serviceAccountToken":
                Token(errors, value, own, field);
                if (pod.IsPod && pod.Spec.Str("serviceAccountName").Length == 0)
                    errors.Forbidden(own, "must not be specified when serviceAccountName is not set");
                break;
            case "clusterTrustBundle":
                TrustBundle(errors, value, own);
                if (!paths.Add(value.Str("path")))
                    errors.Invalid(field, value.Str("path"), "conflicting duplicate paths");
                break;
            case "podCertificate":
                Certificate(errors, value, own);
                foreach (var file in (ReadOnlySpan<string>)["credentialBundlePath", "keyPath", "certificateChainPath"])
                    Once(value.Str(file), value.Str(file));
                break;
        }

        void Once(string path, string shown)
        {
            if (path.Length > 0 && !paths.Add(path))
                errors.Invalid(field, shown, "conflicting duplicate paths");
        }
    }

    private static void Token(FieldErrors errors, JsonObject token, FieldPath own, FieldPath field)
    {
        var seconds = token.Long("expirationSeconds");
        if (seconds < 600)
            errors.Invalid(own.Child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes");
        if (seconds > 1L << 32)
            errors.Invalid(own.Child("expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds");
        if (token.Str("path").Length == 0)
            errors.Required(field.Child("path"), "");
        else
            VolumeValidation.LocalPath(errors, field.Child("path"), token.Str("path"));
    }

    private static void TrustBundle(FieldErrors errors, JsonObject bundle, FieldPath field)
    {
        var (name, signer) = (bundle.StrOrNull("name"), bundle.StrOrNull("signerName"));
        if (name is not null && signer is not null)
        {
            errors.Invalid(field, bundle, "only one of name and signerName may be used");
        }
        else if (name is not null)
        {
            if (name.Length == 0)
                errors.Required(field.Child("name"), "must be a valid object name");
            var parts = name.Split(':');
            if (CertificateValidation.BundleNameError(name, parts.Length == 3 ? $"{parts[0]}/{parts[1]}" : "") is { } complaint)
                errors.Invalid(field.Child("name"), name, $"not a valid clustertrustbundlename: {complaint}");
            if (bundle.Has("labelSelector"))
                errors.Invalid(field.Child("labelSelector"), bundle["labelSelector"], "labelSelector must be unset if name is specified");
        }
        else if (signer is not null)
        {
            if (signer.Length == 0)
                errors.Required(field.Child("signerName"), "must be a valid signer name");
            CertificateValidation.SignerName(errors, field.Child("signerName"), signer);
            Checks.LabelSelector(errors, bundle.Obj("labelSelector"), field.Child("labelSelector"));
        }
        else
        {
            errors.Required(field, "either name or signerName must be specified");
        }
        Checks.Required(errors, bundle, field, "path");
        VolumeValidation.LocalPath(errors, field.Child("path"), bundle.Str("path"));
    }

    private static void Certificate(FieldErrors errors, JsonObject certificate, FieldPath field)
    {
        CertificateValidation.SignerName(errors, field.Child("signerName"), certificate.Str("signerName"));
        if (certificate.Str("keyType") is not ("RSA3072" or "RSA4096" or "ECDSAP256" or "ECDSAP384" or "ECDSAP521" or "ED25519"))
            errors.NotSupported(field.Child("keyType"), certificate.Str("keyType"), "RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519");
        var files = 0;
        foreach (var file in (ReadOnlySpan<string>)["credentialBundlePath", "keyPath", "certificateChainPath"])
        {
            if (certificate.Str(file).Length == 0)
                continue;
            files++;
            VolumeValidation.LocalPath(errors, field.Child(file), certificate.Str(file));
        }
        if (files == 0)
            errors.Required(field, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath");
    }
}
