using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Encryption;

/// <summary>Resources and, in order, their providers: the first writes, all read.</summary>
internal sealed record EncryptionRule(IReadOnlyList<string> Resources, IReadOnlyList<EncryptionProvider> Providers)
{
    /// <summary>"secrets", "deployments.apps", "*." (the core group), "*.apps", "*.*".</summary>
    public bool Covers(string group, string resource)
    {
        var full = group.Length == 0 ? resource : $"{resource}.{group}";
        return Resources.Any(r => r == full || r == "*.*" || (r.StartsWith("*.", StringComparison.Ordinal) && r.AsSpan(2).SequenceEqual(group)));
    }
}

/// <summary>The file apiserver.config.k8s.io/v1 EncryptionConfiguration (https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/).</summary>
internal sealed class EncryptionConfiguration(IReadOnlyList<EncryptionRule> rules)
{
    private static readonly int[] KeySizes = [16, 24, 32];

    /// <summary>The first rule that covers the resource; null: it is not encrypted.</summary>
    public EncryptionRule? RuleFor(string group, string resource) => rules.FirstOrDefault(r => r.Covers(group, resource));

    /// <param name="text">YAML or JSON.</param>
    /// <exception cref="InvalidDataException">It is not valid; the message never holds a key.</exception>
    public static EncryptionConfiguration Parse(ReadOnlySpan<byte> text)
    {
        JsonObject configuration;
        try
        {
            configuration = ObjectDecoder.ParseYaml(text) as JsonObject ?? throw new InvalidDataException("it is no object");
        }
        catch (DecodeException)
        {
            // The decoder's words might quote a key.
            throw new InvalidDataException("it is neither YAML nor JSON");
        }
        if (configuration.Str("apiVersion") != "apiserver.config.k8s.io/v1" || configuration.Str("kind") != "EncryptionConfiguration")
            throw new InvalidDataException($"it must be an EncryptionConfiguration of apiserver.config.k8s.io/v1, and is a \"{configuration.Str("kind")}\" of \"{configuration.Str("apiVersion")}\"");
        var rules = configuration.Items("resources").Select((r, i) => ReadRule(r, $"resources[{i}]")).ToList();
        return rules.Count > 0 ? new(rules) : throw new InvalidDataException("resources: at least one entry is needed");
    }

    private static EncryptionRule ReadRule(JsonObject rule, string at)
    {
        var resources = rule.Strings("resources").ToList();
        if (resources.Count == 0)
            throw new InvalidDataException($"{at}.resources: at least one resource is needed");
        foreach (var resource in resources)
        {
            if (resource.Length == 0 || resource.Contains('/', StringComparison.Ordinal) || resource == "*" || (resource.Contains('*', StringComparison.Ordinal) && resource != "*.*" && resource.LastIndexOf('*') != 0)
                || (resource.StartsWith('*') && !resource.StartsWith("*.", StringComparison.Ordinal)))
            {
                throw new InvalidDataException($"{at}.resources: \"{resource}\" names no resource: use NAME, NAME.GROUP, '*.' for the core group, '*.GROUP', or '*.*' for all");
            }
        }
        var providers = rule.Items("providers").SelectMany((p, i) => ReadProvider(p, $"{at}.providers[{i}]")).ToList();
        return providers.Count > 0 ? new(resources, providers) : throw new InvalidDataException($"{at}.providers: at least one provider is needed");
    }

    private static IEnumerable<EncryptionProvider> ReadProvider(JsonObject provider, string at)
    {
        // "identity: {}" and "identity:" say the same.
        if (provider.Count != 1)
            throw new InvalidDataException($"{at}: exactly one kind of provider is to be named");
        var (kind, value) = provider.First();
        return kind switch
        {
            "identity" => [new IdentityProvider()],
            "aesgcm" => ReadKeys(value as JsonObject, $"{at}.aesgcm").Select(k => new AesGcmProvider(k.Name, k.Secret)),
            "aescbc" => ReadKeys(value as JsonObject, $"{at}.aescbc").Select(k => new AesCbcProvider(k.Name, k.Secret)),
            _ => throw new InvalidDataException($"{at}: there is no provider \"{kind}\" here: use aesgcm, aescbc or identity"),
        };
    }

    private static List<(string Name, byte[] Secret)> ReadKeys(JsonObject? provider, string at)
    {
        var keys = new List<(string Name, byte[] Secret)>();
        foreach (var key in provider.Items("keys"))
        {
            var path = $"{at}.keys[{keys.Count}]";
            var name = key.Str("name");
            if (name.Length == 0 || name.Contains(':', StringComparison.Ordinal))
                throw new InvalidDataException($"{path}.name: a key needs a name without colons");
            if (keys.Exists(k => k.Name == name))
                throw new InvalidDataException($"{path}.name: there are two keys \"{name}\"");
            var secret = new byte[Encoding.UTF8.GetByteCount(key.Str("secret"))];
            if (!Convert.TryFromBase64String(key.Str("secret"), secret, out var length))
                throw new InvalidDataException($"{path}.secret: secrets must be base64-encoded");
            if (!KeySizes.Contains(length))
                throw new InvalidDataException($"{path}.secret: secret is not of the expected length, got {length}, expected one of [{string.Join(' ', KeySizes)}]");
            keys.Add((name, secret[..length]));
        }
        return keys.Count > 0 ? keys : throw new InvalidDataException($"{at}.keys: at least one key is needed");
    }
}
