using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

namespace LiteKube.Kubelet.Images;

/// <summary>The files of an image archive, spooled to disk with their digests while the tar is read once (it may come from a pipe).</summary>
internal sealed class ImageArchive : IAsyncDisposable
{
    private readonly string _directory;
    private readonly Dictionary<string, ArchiveFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _links = new(StringComparer.Ordinal);

    private ImageArchive(string directory) => _directory = directory;

    /// <param name="spoolDirectory">Where there is room for the archive.</param>
    /// <exception cref="ImageFormatException">It is no tar, or a compression that is not gzip.</exception>
    public static async Task<ImageArchive> ReadAsync(Stream input, string spoolDirectory, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(spoolDirectory, "import-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(directory);
        var archive = new ImageArchive(directory);
        try
        {
            await archive.SpoolAsync(input, cancellationToken);
            if (!archive.IsLayout && archive.Find("manifest.json") is null)
                throw new ImageFormatException("this is no image archive: it has neither index.json with oci-layout nor manifest.json");
            return archive;
        }
        catch (Exception exception)
        {
            await archive.DisposeAsync();
            if (exception is InvalidDataException or FormatException or EndOfStreamException)
                throw new ImageFormatException($"this is no image archive: {exception.Message}");
            throw;
        }
    }

    /// <summary>An OCI layout; otherwise what <c>docker save</c> wrote before it wrote those.</summary>
    public bool IsLayout => Find("index.json") is not null && Find("oci-layout") is not null;

    public ArchiveFile? Find(string path)
    {
        path = Normalize(path);
        for (var hops = 0; hops < 8; hops++)
        {
            if (_files.TryGetValue(path, out var file))
                return file;
            if (!_links.TryGetValue(path, out var target))
                return null;
            path = target;
        }
        return null;
    }

    public ArchiveFile? FindBlob(string digest) =>
        digest.StartsWith("sha256:", StringComparison.Ordinal) ? Find("blobs/sha256/" + digest["sha256:".Length..]) : null;

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task SpoolAsync(Stream input, CancellationToken cancellationToken)
    {
        var head = new byte[2];
        var read = await input.ReadAtLeastAsync(head, 2, throwOnEndOfStream: false, cancellationToken);
        await using var whole = new PrefixedStream(head.AsMemory(0, read), input);
        Stream plain = whole;
        if (read == 2 && head[0] == 0x1F && head[1] == 0x8B)
            plain = new GZipStream(whole, CompressionMode.Decompress);
        else if (read == 2 && head[0] == 0x28 && head[1] == 0xB5)
            throw new ImageFormatException("the archive is compressed with zstd: decompress it first (zstd -d), or use gzip");

        await using var tar = new TarReader(plain, leaveOpen: true);
        var buffer = new byte[1 << 17];
        while (await tar.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
        {
            var path = Normalize(entry.Name);
            switch (entry.EntryType)
            {
                case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                    _files[path] = await SpoolEntryAsync(entry, buffer, cancellationToken);
                    break;
                case TarEntryType.SymbolicLink:
                    _links[path] = Normalize(Path.Combine("/" + Path.GetDirectoryName(path), entry.LinkName));
                    break;
                case TarEntryType.HardLink:
                    _links[path] = Normalize(entry.LinkName);
                    break;
            }
        }
        // TarReader stops at the end mark; the rest of a pipe must be drained for its writer to end well.
        while (await plain.ReadAsync(buffer, cancellationToken) > 0)
            continue;
    }

    private async Task<ArchiveFile> SpoolEntryAsync(TarEntry entry, byte[] buffer, CancellationToken cancellationToken)
    {
        var spooled = Path.Combine(_directory, _files.Count.ToString(System.Globalization.CultureInfo.InvariantCulture));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long size = 0;
        await using var output = new FileStream(spooled, FileMode.Create, FileAccess.Write);
        if (entry.DataStream is { } data)
        {
            int read;
            while ((read = await data.ReadAsync(buffer, cancellationToken)) > 0)
            {
                hash.AppendData(buffer.AsSpan(0, read));
                await output.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                size += read;
            }
        }
        return new ArchiveFile(spooled, "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset()), size);
    }

    private static string Normalize(string path) => Path.GetFullPath("/" + path).TrimStart('/');

    /// <summary>The two bytes that told the compression, put back before the rest.</summary>
    private sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream rest) : Stream
    {
        private ReadOnlyMemory<byte> _prefix = prefix;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override int Read(Span<byte> buffer) => _prefix.IsEmpty ? rest.Read(buffer) : Take(buffer);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _prefix.IsEmpty ? rest.ReadAsync(buffer, cancellationToken) : ValueTask.FromResult(Take(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        private int Take(Span<byte> buffer)
        {
            var count = Math.Min(buffer.Length, _prefix.Length);
            _prefix.Span[..count].CopyTo(buffer);
            _prefix = _prefix[count..];
            return count;
        }

        public override void Flush() => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

/// <param name="Path">Of the spooled copy.</param>
internal sealed record ArchiveFile(string Path, string Digest, long SizeBytes)
{
    public byte[] ReadAll() => File.ReadAllBytes(Path);

    /// <summary>The first bytes: layers are plain, gzip or zstd.</summary>
    public string LayerMediaType()
    {
        using var stream = File.OpenRead(Path);
        Span<byte> head = stackalloc byte[4];
        var read = stream.ReadAtLeast(head, 4, throwOnEndOfStream: false);
        if (read >= 2 && head[0] == 0x1F && head[1] == 0x8B)
            return MediaTypes.OciLayerGzip;
        return read == 4 && head[0] == 0x28 && head[1] == 0xB5 && head[2] == 0x2F && head[3] == 0xFD ? MediaTypes.OciLayerZstd : MediaTypes.OciLayer;
    }
}

/// <summary>The bytes are not an image archive; the message says what is wrong with them.</summary>
public sealed class ImageFormatException(string message) : Exception(message);
