using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace LiteKube.ApiServer.Certificates;

/// <summary>PEM files that only their owner may read, replaced as a whole so that a crash leaves the old or the new one.</summary>
internal static class CertificateFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static void EnsureDirectory(string path)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        File.SetUnixFileMode(path, OwnerOnly | UnixFileMode.UserExecute);
    }

    public static void Write(string path, string text)
    {
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly };
        using (var stream = new FileStream(temporary, options))
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>The pair, or null when a file is missing or they do not belong together (a crash between the two writes).</summary>
    public static X509Certificate2? TryReadPair(string certificatePath, string keyPath)
    {
        if (!File.Exists(certificatePath) || !File.Exists(keyPath))
            return null;
        try
        {
            return X509Certificate2.CreateFromPem(File.ReadAllText(certificatePath), File.ReadAllText(keyPath));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    public static ECDsa? TryReadEcKey(string path)
    {
        if (!File.Exists(path))
            return null;
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(path));
            return key;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new InvalidDataException($"{path} holds no readable private key: restore it from a backup, or remove the directory {Path.GetDirectoryName(path)} to start with new certificates", e);
        }
    }
}
