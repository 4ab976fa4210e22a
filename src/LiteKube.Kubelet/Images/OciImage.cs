using System.Formats.Tar;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace LiteKube.Kubelet.Images;

/// <param name="Path">In the image, without a leading slash: "bin/busybox".</param>
/// <param name="LinkTarget">Makes it a symbolic link.</param>
public sealed record ImageFile(string Path, UnixFileMode Mode, ReadOnlyMemory<byte> Content, string? LinkTarget = null)
{
    public const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
        UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public static ImageFile Link(string path, string target) => new(path, Executable, default, target);

    /// <summary>A directory; parents of files need none of their own.</summary>
    public static ImageFile Directory(string path, UnixFileMode mode = Executable) => new(path.TrimEnd('/') + "/", mode, default);
}

/// <summary>
/// An image made from files on the spot, as an OCI layout in a tar
/// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md): one layer, for this machine's processor.
/// </summary>
public sealed record OciImage
{
    /// <summary>Full name with tag.</summary>
    public required string Name { get; init; }
    public required IReadOnlyList<ImageFile> Files { get; init; }
    public IReadOnlyList<string> Entrypoint { get; init; } = [];
    public IReadOnlyList<string> Command { get; init; } = [];
    public IReadOnlyList<string> Environment { get; init; } = [];
    public string User { get; init; } = "";
    public string WorkingDirectory { get; init; } = "";

    /// <summary>"amd64", "arm64": as images and the node's label kubernetes.io/arch name it.</summary>
    public static string Architecture { get; } = RuntimeInformation.ProcessArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        var other => other.ToString().ToLowerInvariant(),
    };

    public void WriteTar(Stream output)
    {
        var layer = Layer();
        var config = Json(writer => WriteConfig(writer, Digest(layer)));
        var manifest = Json(writer => WriteManifest(writer, config, layer));
        var index = Json(writer => WriteIndex(writer, manifest));

        using var tar = new TarWriter(output, TarEntryFormat.Pax, leaveOpen: true);
        AddFile(tar, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray(), 0);
        AddFile(tar, "index.json", index, 0);
        foreach (var blob in (byte[][])[manifest, config, layer])
            AddFile(tar, "blobs/sha256/" + Digest(blob)["sha256:".Length..], blob, 0);
    }

    private byte[] Layer()
    {
        var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var file in Files)
            {
                if (file.LinkTarget is { } target)
                    tar.WriteEntry(new UstarTarEntry(TarEntryType.SymbolicLink, file.Path) { LinkName = target, ModificationTime = DateTimeOffset.UnixEpoch });
                else if (file.Path.EndsWith('/'))
                    tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, file.Path) { Mode = file.Mode, ModificationTime = DateTimeOffset.UnixEpoch });
                else
                    AddFile(tar, file.Path, file.Content, file.Mode);
            }
        }
        return stream.ToArray();
    }

    private static void AddFile(TarWriter tar, string path, ReadOnlyMemory<byte> content, UnixFileMode mode)
    {
        const UnixFileMode plain = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        // The same files make the same digest each time: times are those of the epoch.
        tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, path)
        {
            Mode = mode == 0 ? plain : mode,
            ModificationTime = DateTimeOffset.UnixEpoch,
            DataStream = new MemoryStream(content.ToArray(), writable: false),
        });
    }

    private void WriteConfig(Utf8JsonWriter json, string layerDigest)
    {
        json.WriteStartObject();
        json.WriteString("architecture", Architecture);
        json.WriteString("os", "linux");
        json.WriteStartObject("config");
        Strings(json, "Entrypoint", Entrypoint);
        Strings(json, "Cmd", Command);
        Strings(json, "Env", Environment);
        if (User.Length > 0)
            json.WriteString("User", User);
        if (WorkingDirectory.Length > 0)
            json.WriteString("WorkingDir", WorkingDirectory);
        json.WriteEndObject();
        json.WriteStartObject("rootfs");
        json.WriteString("type", "layers");
        Strings(json, "diff_ids", [layerDigest]);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteManifest(Utf8JsonWriter json, byte[] config, byte[] layer)
    {
        json.WriteStartObject();
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", MediaTypes.OciManifest);
        json.WritePropertyName("config");
        Descriptor(json, MediaTypes.OciConfig, config);
        json.WriteStartArray("layers");
        Descriptor(json, MediaTypes.OciLayer, layer);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteIndex(Utf8JsonWriter json, byte[] manifest)
    {
        json.WriteStartObject();
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", MediaTypes.OciIndex);
        json.WriteStartArray("manifests");
        Descriptor(json, MediaTypes.OciManifest, manifest, () =>
        {
            json.WriteStartObject("platform");
            json.WriteString("architecture", Architecture);
            json.WriteString("os", "linux");
            json.WriteEndObject();
            json.WriteStartObject("annotations");
            json.WriteString("io.containerd.image.name", Name);
            json.WriteEndObject();
        });
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Descriptor(Utf8JsonWriter json, string mediaType, byte[] blob, Action? more = null)
    {
        json.WriteStartObject();
        json.WriteString("mediaType", mediaType);
        json.WriteString("digest", Digest(blob));
        json.WriteNumber("size", blob.Length);
        more?.Invoke();
        json.WriteEndObject();
    }

    private static void Strings(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        if (values.Count == 0)
            return;
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }

    internal static byte[] Json(Action<Utf8JsonWriter> write)
    {
        var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
            write(json);
        return stream.ToArray();
    }

    internal static string Digest(ReadOnlySpan<byte> blob) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(blob));
}

internal static class MediaTypes
{
    public const string OciIndex = "application/vnd.oci.image.index.v1+json";
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json";
    public const string OciConfig = "application/vnd.oci.image.config.v1+json";
    public const string OciLayer = "application/vnd.oci.image.layer.v1.tar";
    public const string OciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    public const string OciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    public const string DockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";

    public static bool IsIndex(string mediaType) => mediaType is OciIndex or DockerIndex;
    public static bool IsManifest(string mediaType) => mediaType is OciManifest or DockerManifest;
}
