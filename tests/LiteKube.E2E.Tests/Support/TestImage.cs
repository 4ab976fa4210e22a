using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace LiteKube.E2E.Tests.Support;

/// <summary>An image that needs no registry: the distribution's static busybox in a docker-archive tar.</summary>
internal static class TestImage
{
    public const string Name = "docker.io/library/busybox:e2e";

    private static readonly string[] Applets =
        ["sh", "cat", "cp", "date", "echo", "env", "grep", "head", "hostname", "httpd", "id", "ip", "kill", "ls", "mkdir", "mount", "mv", "nc", "nslookup", "ps", "rm", "sed", "seq", "sleep", "stat", "stty", "tail", "tar", "test", "timeout", "touch", "true", "false", "tr", "tty", "wc", "wget"];

    public static byte[] Build()
    {
        var layer = Layer();
        var diffId = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(layer));
        var config = new JsonObject
        {
            ["architecture"] = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Env"] = new JsonArray("PATH=/bin"), ["Cmd"] = new JsonArray("sh") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(diffId) },
            ["history"] = new JsonArray(new JsonObject { ["created_by"] = "test" }),
        }.ToJsonString();
        var manifest = new JsonArray(new JsonObject
        {
            ["Config"] = "config.json",
            ["RepoTags"] = new JsonArray(Name),
            ["Layers"] = new JsonArray("layer.tar"),
        }).ToJsonString();

        var output = new MemoryStream();
        using (var tar = new TarWriter(output, TarEntryFormat.Ustar, leaveOpen: true))
        {
            Add(tar, "config.json", Encoding.UTF8.GetBytes(config));
            Add(tar, "layer.tar", layer);
            Add(tar, "manifest.json", Encoding.UTF8.GetBytes(manifest));
        }
        return output.ToArray();
    }

    private static byte[] Layer()
    {
        var output = new MemoryStream();
        using (var tar = new TarWriter(output, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var directory in (string[])["bin/", "etc/", "tmp/", "var/", "var/run/", "root/", "www/"])
                tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, directory) { Mode = directory == "tmp/" ? (UnixFileMode)0b1_111_111_111 : (UnixFileMode)0b111_101_101 });
            Add(tar, "bin/busybox", File.ReadAllBytes("/bin/busybox"), (UnixFileMode)0b111_101_101);
            foreach (var applet in Applets)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.SymbolicLink, "bin/" + applet) { LinkName = "busybox" });
            Add(tar, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"u8.ToArray());
            Add(tar, "etc/group", "root:x:0:\nnogroup:x:65534:\n"u8.ToArray());
        }
        return output.ToArray();
    }

    private static void Add(TarWriter tar, string name, byte[] bytes, UnixFileMode mode = (UnixFileMode)0b110_100_100) =>
        tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes), Mode = mode });
}
