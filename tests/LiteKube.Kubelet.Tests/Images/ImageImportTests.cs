using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using LiteKube.Kubelet.Images;
using LiteKube.Kubelet.Tests.Containerd;

namespace LiteKube.Kubelet.Tests.Images;

public sealed class ImageImportTests
{
    private static CancellationToken Bound => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [RealContainerdFact]
    public async Task What_docker_save_writes_is_imported_gzip_and_all_and_importing_again_changes_nothing()
    {
        await using var node = await RealContainerd.StartAsync(Bound);
        var archive = DockerArchive("[\"team/app:v1\",\"other.example/app:v2\"]");
        for (var times = 0; times < 2; times++)
            Assert.Equal(["docker.io/team/app:v1", "other.example/app:v2"], await node.Importer.ImportAsync(new MemoryStream(archive), null, Bound));
        var first = await node.Runtime.ImageStatusAsync("team/app:v1", Bound);
        Assert.Equal(first!.Id, (await node.Runtime.ImageStatusAsync("other.example/app:v2", Bound))!.Id);
        Assert.Equal(["docker.io/team/app:v1", "other.example/app:v2"], first.RepoTags.Order());
    }

    [RealContainerdFact]
    public async Task An_archive_without_a_name_asks_for_one_and_takes_the_one_given()
    {
        await using var node = await RealContainerd.StartAsync(Bound);
        var archive = DockerArchive("null");
        var refusal = await Assert.ThrowsAsync<ImageFormatException>(() => node.Importer.ImportAsync(new MemoryStream(archive), null, Bound));
        Assert.Contains("--name", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(["docker.io/library/named:latest"], await node.Importer.ImportAsync(new MemoryStream(archive), "named", Bound));
    }

    [Theory]
    [InlineData("this is not a tar at all")]
    [InlineData("")]
    public async Task What_is_no_archive_is_refused_in_words_and_leaves_nothing_on_disk(string content)
    {
        var spool = Directory.CreateTempSubdirectory("lk-");
        try
        {
            var input = new MemoryStream(Encoding.UTF8.GetBytes(content.PadRight(600)), 0, content.Length == 0 ? 0 : 600);
            var refusal = await Assert.ThrowsAsync<ImageFormatException>(() => ImageArchive.ReadAsync(input, spool.FullName, Bound));
            Assert.StartsWith("this is no image archive: ", refusal.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateDirectories(spool.FullName));
        }
        finally
        {
            spool.Delete(recursive: true);
        }
    }

    private static byte[] DockerArchive(string tags)
    {
        var layer = Tar(("hello", "world"u8.ToArray()));
        var config = Encoding.UTF8.GetBytes($$"""{"architecture":"{{OciImage.Architecture}}","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["{{OciImage.Digest(layer)}}"]} }""");
        var manifest = Encoding.UTF8.GetBytes($$"""[{"Config":"config.json","RepoTags":{{tags}},"Layers":["1/layer.tar"]}]""");
        var whole = new MemoryStream();
        using (var gzip = new GZipStream(whole, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(Tar(("1/layer.tar", layer), ("config.json", config), ("manifest.json", manifest)));
        return whole.ToArray();
    }

    private static byte[] Tar(params (string Name, byte[] Content)[] files)
    {
        var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, content) in files)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
        }
        return stream.ToArray();
    }
}
