using System.Security.Cryptography;
using System.Text;

namespace LiteKube.ApiServer.Encryption;

/// <summary>One way of writing values to disk. What it wrote begins with <see cref="Prefix"/>, as Kubernetes writes it.</summary>
internal abstract class EncryptionProvider(string prefix)
{
    /// <summary>How everything that is encrypted begins.</summary>
    public const string CommonPrefix = "k8s:enc:";

    private readonly byte[] _prefix = Encoding.UTF8.GetBytes(prefix);

    /// <summary>"k8s:enc:aesgcm:v1:key1:"; "" of what stays as it is.</summary>
    public string Prefix { get; } = prefix;

    public bool Wrote(ReadOnlySpan<byte> stored) => stored.StartsWith(_prefix);

    public byte[] Write(string key, ReadOnlySpan<byte> value)
    {
        var stored = new byte[_prefix.Length + SizeOf(value.Length)];
        _prefix.CopyTo(stored, 0);
        Encrypt(Encoding.UTF8.GetBytes(key), value, stored.AsSpan(_prefix.Length));
        return stored;
    }

    /// <exception cref="CryptographicException">Another key wrote it, or it was changed.</exception>
    public byte[] Read(string key, ReadOnlySpan<byte> stored) => Decrypt(Encoding.UTF8.GetBytes(key), stored[_prefix.Length..]);

    protected abstract int SizeOf(int valueLength);
    protected abstract void Encrypt(ReadOnlySpan<byte> context, ReadOnlySpan<byte> value, Span<byte> into);
    protected abstract byte[] Decrypt(ReadOnlySpan<byte> context, ReadOnlySpan<byte> encrypted);
}

/// <summary>AES-GCM: nonce, ciphertext, tag; the store's key is bound to it, so that no value can be moved to another's place.</summary>
internal sealed class AesGcmProvider(string keyName, byte[] secret) : EncryptionProvider($"{CommonPrefix}aesgcm:v1:{keyName}:")
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    protected override int SizeOf(int valueLength) => NonceBytes + valueLength + TagBytes;

    protected override void Encrypt(ReadOnlySpan<byte> context, ReadOnlySpan<byte> value, Span<byte> into)
    {
        var nonce = into[..NonceBytes];
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(secret, TagBytes);
        cipher.Encrypt(nonce, value, into.Slice(NonceBytes, value.Length), into[^TagBytes..], context);
    }

    protected override byte[] Decrypt(ReadOnlySpan<byte> context, ReadOnlySpan<byte> encrypted)
    {
        if (encrypted.Length < NonceBytes + TagBytes)
            throw new CryptographicException("the stored data was shorter than the required size");
        var value = new byte[encrypted.Length - NonceBytes - TagBytes];
        using var cipher = new AesGcm(secret, TagBytes);
        cipher.Decrypt(encrypted[..NonceBytes], encrypted.Slice(NonceBytes, value.Length), encrypted[^TagBytes..], value, context);
        return value;
    }
}

/// <summary>AES-CBC with PKCS #7 padding: vector, ciphertext. Kubernetes calls it weak, since nothing tells that it was changed.</summary>
internal sealed class AesCbcProvider(string keyName, byte[] secret) : EncryptionProvider($"{CommonPrefix}aescbc:v1:{keyName}:")
{
    private const int BlockBytes = 16;

    protected override int SizeOf(int valueLength) => BlockBytes + (((valueLength / BlockBytes) + 1) * BlockBytes);

    protected override void Encrypt(ReadOnlySpan<byte> context, ReadOnlySpan<byte> value, Span<byte> into)
    {
        RandomNumberGenerator.Fill(into[..BlockBytes]);
        using var cipher = Aes.Create();
        cipher.Key = secret;
        cipher.EncryptCbc(value, into[..BlockBytes], into[BlockBytes..]);
    }

    protected override byte[] Decrypt(ReadOnlySpan<byte> context, ReadOnlySpan<byte> encrypted)
    {
        if (encrypted.Length < 2 * BlockBytes || encrypted.Length % BlockBytes != 0)
            throw new CryptographicException("the stored data is no whole number of blocks");
        using var cipher = Aes.Create();
        cipher.Key = secret;
        return cipher.DecryptCbc(encrypted[BlockBytes..], encrypted[..BlockBytes]);
    }
}

/// <summary>As it is.</summary>
internal sealed class IdentityProvider() : EncryptionProvider("")
{
    protected override int SizeOf(int valueLength) => valueLength;

    protected override void Encrypt(ReadOnlySpan<byte> context, ReadOnlySpan<byte> value, Span<byte> into) => value.CopyTo(into);

    protected override byte[] Decrypt(ReadOnlySpan<byte> context, ReadOnlySpan<byte> encrypted) => encrypted.ToArray();
}
