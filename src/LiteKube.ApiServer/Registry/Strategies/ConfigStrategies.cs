using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>ConfigMaps, and what they share with Secrets.</summary>
internal static class ConfigValidation
{
    private const int MaxSizeBytes = 1024 * 1024;
    private const string Frozen = "field is immutable when `immutable` is set";

    public static void ConfigMap(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        long size = 0;
        foreach (var field in (ReadOnlySpan<string>)["data", "binaryData"])
        {
            if (value.Obj(field) is not { } entries)
                continue;
            var path = FieldPath.Of(field);
            foreach (var (key, text) in entries)
            {
                Key(errors, path, key);
                if (value.Obj(field == "data" ? "binaryData" : "data") is { } others && others.ContainsKey(key))
                    errors.Invalid(path.Key(key), key, $"duplicate of key present in {(field == "data" ? "binaryData" : "data")}");
                size += field == "data" ? Encoding.UTF8.GetByteCount(JsonFields.AsText(text)) : Decoded(text);
            }
        }
        if (size > MaxSizeBytes)
            errors.TooLong(FieldPath.Of(""), MaxSizeBytes);
        if (old is not null)
            CheckFrozen(errors, value, old, "data", "binaryData");
    }

    public static void Secret(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        long size = 0;
        foreach (var (key, text) in value.Obj("data") ?? [])
        {
            Key(errors, FieldPath.Of("data"), key);
            size += Decoded(text);
        }
        if (size > MaxSizeBytes)
            errors.TooLong(FieldPath.Of("data"), MaxSizeBytes);
        if (old is not null)
        {
            Checks.Immutable(errors, value["type"], old["type"], FieldPath.Of("type"));
            CheckFrozen(errors, value, old, "data");
        }
        RequiredKeys(errors, value);
    }

    private static void Key(FieldErrors errors, FieldPath field, string key)
    {
        foreach (var complaint in NameChecks.ConfigKey(key))
            errors.Invalid(field.Key(key), key, complaint);
    }

    /// <summary>How many bytes the base64 stands for.</summary>
    private static long Decoded(JsonNode? text)
    {
        var encoded = JsonFields.AsText(text);
        return (encoded.Length / 4 * 3) - (encoded.EndsWith("==", StringComparison.Ordinal) ? 2 : encoded.EndsWith('=') ? 1 : 0);
    }

    private static void RequiredKeys(FieldErrors errors, JsonObject value)
    {
        var data = value.Obj("data");
        string[] keys = value.Str("type") switch
        {
            "kubernetes.io/dockercfg" => [".dockercfg"],
            "kubernetes.io/dockerconfigjson" => [".dockerconfigjson"],
            "kubernetes.io/ssh-auth" => ["ssh-privatekey"],
            "kubernetes.io/tls" => ["tls.crt", "tls.key"],
            _ => [],
        };
        foreach (var key in keys)
        {
            if (!data.Has(key) || (key == "ssh-privatekey" && data.Str(key).Length == 0))
                errors.Required(FieldPath.Of("data").Key(key), "");
            else if (key.StartsWith(".docker", StringComparison.Ordinal) && !IsJson(data.Str(key)))
                errors.Invalid(FieldPath.Of("data").Key(key), "<secret contents redacted>", "invalid character in JSON");
        }
        if (value.Str("type") == "kubernetes.io/basic-auth" && !data.Has("username") && !data.Has("password"))
        {
            errors.Required(FieldPath.Of("data").Key("username"), "");
            errors.Required(FieldPath.Of("data").Key("password"), "");
        }
        if (value.Str("type") == "kubernetes.io/service-account-token" && value.Annotations().GetValueOrDefault("kubernetes.io/service-account.name", "").Length == 0)
            errors.Required(FieldPath.Of("metadata").Child("annotations").Key("kubernetes.io/service-account.name"), "");
    }

    private static bool IsJson(string base64)
    {
        var bytes = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, bytes, out var count))
            return false;
        var reader = new Utf8JsonReader(bytes.AsSpan(0, count));
        try
        {
            while (reader.Read()) { }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void CheckFrozen(FieldErrors errors, JsonObject value, JsonObject old, params ReadOnlySpan<string> fields)
    {
        if (!old.Bool("immutable"))
            return;
        if (!value.Bool("immutable"))
            errors.Forbidden(FieldPath.Of("immutable"), Frozen);
        foreach (var field in fields)
        {
            if (!value[field].SemanticallySameAs(old[field]))
                errors.Forbidden(FieldPath.Of(field), Frozen);
        }
    }
}

/// <summary>Secrets: stringData is merged into data and never stored.</summary>
internal sealed class SecretStrategy(ResourceInfo resource) : ValidatedStrategy(resource, ConfigValidation.Secret)
{
    public override void PrepareForCreate(JsonObject value, StrategyContext context) => MergeStringData(value);

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        MergeStringData(value);
        if (value.Str("type").Length == 0)
            KeepField(value, old, "type");
    }

    /// <summary>Done when a body is read as well: whoever writes stringData owns data.</summary>
    public static void MergeStringData(JsonObject value)
    {
        if (value.Obj("stringData") is not { } plain)
            return;
        foreach (var (key, text) in plain)
            value.GetOrAdd("data")[key] = Convert.ToBase64String(Encoding.UTF8.GetBytes(JsonFields.AsText(text)));
        value.Remove("stringData");
    }
}
