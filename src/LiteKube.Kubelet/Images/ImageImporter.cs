using System.Globalization;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using LiteKube.Cri;
using LiteKube.Cri.Containerd.Images;
using LiteKube.Cri.Containerd.Leases;
using LiteKube.Cri.V1;

namespace LiteKube.Kubelet.Images;

/// <summary>
/// Puts images from an archive into containerd without a registry: OCI layouts and what <c>docker save</c> writes,
/// plain or gzip. Blobs go in by containerd's content service, names by its image service.
/// </summary>
public sealed class ImageImporter(RuntimeChannel channel, string spoolDirectory, TimeProvider timeProvider)
{
    private static readonly Dictionary<string, string> NoLabels = [];

    /// <summary>The import, until CRI sees the images.</summary>
    /// <param name="name">For an archive that names no image itself; null takes the archive's names.</param>
    /// <returns>Full names of what was imported.</returns>
    /// <exception cref="ImageFormatException">The archive is not one, or lacks a blob.</exception>
    public async Task<IReadOnlyList<string>> ImportAsync(Stream input, string? name, CancellationToken cancellationToken)
    {
        await using var archive = await ImageArchive.ReadAsync(input, spoolDirectory, cancellationToken);
        var lease = "litekube-" + Guid.NewGuid().ToString("N");
        await channel.ContainerdLeases.CreateAsync(new CreateRequest
        {
            Id = lease,
            // Should this process end midway, containerd collects what was written after a day.
            Labels = { ["containerd.io/gc.expire"] = timeProvider.GetUtcNow().AddDays(1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) },
        }, cancellationToken: cancellationToken);
        try
        {
            var targets = archive.IsLayout
                ? await WriteLayoutAsync(archive, archive.Find("index.json")!, name, lease, cancellationToken)
                : await WriteDockerArchiveAsync(archive, name, lease, cancellationToken);
            foreach (var (imageName, target) in targets)
                await TagAsync(imageName, target, cancellationToken);
            foreach (var (imageName, _) in targets)
                await WaitForCriAsync(imageName, cancellationToken);
            return [.. targets.Select(t => t.Name)];
        }
        finally
        {
            await channel.ContainerdLeases.DeleteAsync(new DeleteRequest { Id = lease }, cancellationToken: CancellationToken.None);
        }
    }

    private sealed record Named(string Name, ImageTarget Target);

    private async Task<List<Named>> WriteLayoutAsync(ImageArchive archive, ArchiveFile index, string? name, string lease, CancellationToken cancellationToken)
    {
        var named = new List<Named>();
        using var document = ParseJson(index, "index.json");
        foreach (var manifest in Array(document.RootElement, "manifests"))
        {
            var target = Target(manifest);
            var annotations = manifest.TryGetProperty("annotations", out var a) ? a : default;
            var given = name ?? Text(annotations, "io.containerd.image.name") ?? Text(annotations, "org.opencontainers.image.ref.name")
                ?? throw new ImageFormatException("the archive names no image: give a name with --name");
            if (!await WriteTreeAsync(archive, target, lease, cancellationToken))
                throw new ImageFormatException($"the archive lacks blob {target.Digest} of image {given}");
            named.Add(new Named(Normalized(given), target));
        }
        return named.Count > 0 ? named : throw new ImageFormatException("the archive holds no image");
    }

    /// <summary>An index or a manifest with everything under it. False when the blob itself is not in the archive (another platform's).</summary>
    private async Task<bool> WriteTreeAsync(ImageArchive archive, ImageTarget target, string lease, CancellationToken cancellationToken)
    {
        if (archive.FindBlob(target.Digest) is not { } blob)
            return false;
        var labels = new Dictionary<string, string>();
        using var document = ParseJson(blob, target.Digest);
        if (MediaTypes.IsIndex(target.MediaType))
        {
            foreach (var child in Array(document.RootElement, "manifests").Select(Target))
            {
                if (await WriteTreeAsync(archive, child, lease, cancellationToken))
                    labels[$"containerd.io/gc.ref.content.m.{labels.Count}"] = child.Digest;
            }
            if (labels.Count == 0)
                throw new ImageFormatException($"the archive holds none of the images of index {target.Digest}");
        }
        else
        {
            var config = Target(document.RootElement.GetProperty("config"));
            labels["containerd.io/gc.ref.content.config"] = config.Digest;
            await WriteBlobAsync(archive, config, lease, cancellationToken);
            var number = 0;
            foreach (var layer in Array(document.RootElement, "layers").Select(Target))
            {
                labels[$"containerd.io/gc.ref.content.l.{number++}"] = layer.Digest;
                await WriteBlobAsync(archive, layer, lease, cancellationToken);
            }
        }
        await WriteAsync(blob, labels, lease, cancellationToken);
        return true;
    }

    private async Task WriteBlobAsync(ImageArchive archive, ImageTarget target, string lease, CancellationToken cancellationToken)
    {
        if (archive.FindBlob(target.Digest) is { } blob)
        {
            if (blob.Digest != target.Digest)
                throw new ImageFormatException($"blob {target.Digest} of the archive is damaged: its digest is {blob.Digest}");
            await WriteAsync(blob, NoLabels, lease, cancellationToken);
        }
        else if (!await ContentWriter.ExistsAsync(channel, target.Digest, cancellationToken))
        {
            throw new ImageFormatException($"the archive lacks blob {target.Digest}");
        }
    }

    /// <summary>What <c>docker save</c> wrote before it wrote OCI layouts: manifest.json names config, layers and tags.</summary>
    private async Task<List<Named>> WriteDockerArchiveAsync(ImageArchive archive, string? name, string lease, CancellationToken cancellationToken)
    {
        var named = new List<Named>();
        using var document = ParseJson(Entry(archive, "manifest.json"), "manifest.json");
        foreach (var image in document.RootElement.EnumerateArray())
        {
            var tags = name is not null ? [name] : Array(image, "RepoTags").Select(t => t.GetString() ?? "").Where(t => t.Length > 0).ToList();
            if (tags.Count == 0)
                throw new ImageFormatException("the archive names no image: give a name with --name");
            var config = Entry(archive, image.GetProperty("Config").GetString());
            var layers = Array(image, "Layers").Select(l => Entry(archive, l.GetString())).ToList();
            await WriteAsync(config, NoLabels, lease, cancellationToken);
            foreach (var layer in layers)
                await WriteAsync(layer, NoLabels, lease, cancellationToken);

            var manifest = OciImage.Json(json => WriteManifest(json, config, layers));
            var digest = OciImage.Digest(manifest);
            var labels = new Dictionary<string, string> { ["containerd.io/gc.ref.content.config"] = config.Digest };
            for (var i = 0; i < layers.Count; i++)
                labels[$"containerd.io/gc.ref.content.l.{i}"] = layers[i].Digest;
            await ContentWriter.WriteAsync(channel, digest, manifest.Length, new MemoryStream(manifest, writable: false), labels, lease, cancellationToken);
            var target = new ImageTarget { MediaType = MediaTypes.OciManifest, Digest = digest, Size = manifest.Length };
            named.AddRange(tags.Select(t => new Named(Normalized(t), target)));
        }
        return named;
    }

    private static void WriteManifest(Utf8JsonWriter json, ArchiveFile config, List<ArchiveFile> layers)
    {
        json.WriteStartObject();
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", MediaTypes.OciManifest);
        json.WriteStartObject("config");
        Descriptor(json, MediaTypes.OciConfig, config);
        json.WriteEndObject();
        json.WriteStartArray("layers");
        foreach (var layer in layers)
        {
            json.WriteStartObject();
            Descriptor(json, layer.LayerMediaType(), layer);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Descriptor(Utf8JsonWriter json, string mediaType, ArchiveFile file)
    {
        json.WriteString("mediaType", mediaType);
        json.WriteString("digest", file.Digest);
        json.WriteNumber("size", file.SizeBytes);
    }

    private async Task WriteAsync(ArchiveFile file, Dictionary<string, string> labels, string lease, CancellationToken cancellationToken)
    {
        await using var stream = File.OpenRead(file.Path);
        await ContentWriter.WriteAsync(channel, file.Digest, file.SizeBytes, stream, labels, lease, cancellationToken);
    }

    private async Task TagAsync(string name, ImageTarget target, CancellationToken cancellationToken)
    {
        var image = new Cri.Containerd.Images.Image
        {
            Name = name,
            Target = target,
            // CRI's mark for images that are its own; pinned ones are spared by image garbage collection.
            Labels = { ["io.cri-containerd.image"] = "managed" },
        };
        try
        {
            await channel.ContainerdImages.CreateAsync(new CreateImageRequest { Image = image }, cancellationToken: cancellationToken);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.AlreadyExists)
        {
            await channel.ContainerdImages.UpdateAsync(new UpdateImageRequest
            {
                Image = image,
                UpdateMask = new FieldMask { Paths = { "target", "labels" } },
            }, cancellationToken: cancellationToken);
        }
    }

    /// <summary>CRI's own list follows containerd's by an event, some milliseconds later.</summary>
    private async Task WaitForCriAsync(string name, CancellationToken cancellationToken)
    {
        var since = timeProvider.GetTimestamp();
        while ((await channel.Images.ImageStatusAsync(new ImageStatusRequest { Image = new ImageSpec { Image = name } }, cancellationToken: cancellationToken)).Image is null)
        {
            if (timeProvider.GetElapsedTime(since) > TimeSpan.FromSeconds(10))
                throw new ImageFormatException($"containerd took in {name} but does not offer it: is it an image for this machine's processor ({OciImage.Architecture})?");
            await Task.Delay(TimeSpan.FromMilliseconds(5), timeProvider, cancellationToken);
        }
    }

    private static string Normalized(string name) =>
        ImageReference.TryNormalize(name, out var full) ? full : throw new ImageFormatException($"the image name {name} is not valid: it is like registry.example/path:tag");

    private static ArchiveFile Entry(ImageArchive archive, string? path) =>
        archive.Find(path ?? "") ?? throw new ImageFormatException($"the archive lacks {path}, which its manifest.json names");

    private static ImageTarget Target(JsonElement descriptor) => new()
    {
        MediaType = Text(descriptor, "mediaType") ?? MediaTypes.OciManifest,
        Digest = Text(descriptor, "digest") ?? throw new ImageFormatException("a descriptor of the archive has no digest"),
        Size = descriptor.GetProperty("size").GetInt64(),
    };

    private static string? Text(JsonElement element, string property) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(property, out var value) ? value.GetString() : null;

    private static IEnumerable<JsonElement> Array(JsonElement element, string property) =>
        element.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];

    private static JsonDocument ParseJson(ArchiveFile file, string name)
    {
        try
        {
            return JsonDocument.Parse(file.ReadAll());
        }
        catch (JsonException exception)
        {
            throw new ImageFormatException($"{name} in the archive is not JSON: {exception.Message}");
        }
    }
}
