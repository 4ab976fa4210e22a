using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;

namespace LiteKube.Benchmarks;

/// <summary>The measured pods' image: the distribution's static busybox as a docker-archive, so that no registry is needed.</summary>
internal static class BusyboxImage
{
    /// <summary>A peer's containerd needs the image under this name before its measurement: `ctr -n k8s.io images import`.</summary>
    public const string Name = "docker.io/library/busybox:bench";

    /// <summary>A file with the image; the caller deletes it.</summary>
    public static async Task<string> BuildAsync(CancellationToken cancellationToken)
    {
        var layer = await LayerAsync(cancellationToken);
        var digest = Convert.ToHexStringLower(SHA256.HashData(layer));
        var path = Path.Combine(Path.GetTempPath(), $"litekube-bench-{Guid.NewGuid():N}.tar");
        await using var file = File.Create(path);
        await using var tar = new TarWriter(file, TarEntryFormat.Ustar);
        await AddAsync(tar, "config.json", Encoding.UTF8.GetBytes($$$"""{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:{{{digest}}}"]}}"""), cancellationToken);
        await AddAsync(tar, "layer.tar", layer, cancellationToken);
        await AddAsync(tar, "manifest.json", Encoding.UTF8.GetBytes($$"""[{"Config":"config.json","RepoTags":["{{Name}}"],"Layers":["layer.tar"]}]"""), cancellationToken);
        return path;
    }

    private static async Task<byte[]> LayerAsync(CancellationToken cancellationToken)
    {
        var output = new MemoryStream();
        await using (var tar = new TarWriter(output, TarEntryFormat.Ustar, leaveOpen: true))
        {
            await AddAsync(tar, "bin/busybox", await File.ReadAllBytesAsync("/bin/busybox", cancellationToken), cancellationToken);
            foreach (var applet in (string[])["sh", "sleep"])
                await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.SymbolicLink, "bin/" + applet) { LinkName = "busybox" }, cancellationToken);
        }
        return output.ToArray();
    }

    private static async Task AddAsync(TarWriter tar, string name, byte[] bytes, CancellationToken cancellationToken) =>
        await tar.WriteEntryAsync(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes), Mode = (UnixFileMode)0b111_101_101 }, cancellationToken);
}
