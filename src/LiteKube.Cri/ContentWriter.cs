using Google.Protobuf;
using Grpc.Core;
using LiteKube.Cri.Containerd.Contents;

namespace LiteKube.Cri;

/// <summary>Writes blobs into containerd's content store.</summary>
public static class ContentWriter
{
    private const int ChunkSizeBytes = 1 << 20;

    /// <summary>Stores a blob under its digest; one that is already there only gets its labels.</summary>
    /// <param name="digest">"sha256:...", checked by containerd against the bytes.</param>
    /// <param name="labels">Garbage-collection references and the like.</param>
    /// <param name="leaseId">Keeps the blob alive until an image refers to it.</param>
    /// <exception cref="RpcException">containerd refused, or the bytes do not have that digest or size.</exception>
    public static async Task WriteAsync(RuntimeChannel channel, string digest, long sizeBytes, Stream content,
        IReadOnlyDictionary<string, string> labels, string leaseId, CancellationToken cancellationToken)
    {
        if (await ExistsAsync(channel, digest, cancellationToken))
        {
            await LabelAsync(channel, digest, labels, cancellationToken);
            return;
        }

        var headers = new Metadata { { "containerd-lease", leaseId } };
        using var call = channel.ContainerdContent.Write(headers, cancellationToken: cancellationToken);
        var reference = $"import-{leaseId}-{digest}";
        var buffer = new byte[ChunkSizeBytes];
        long offset = 0;
        while (true)
        {
            var read = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
            var last = offset + read >= sizeBytes;
            var request = new WriteContentRequest
            {
                Action = last ? WriteAction.Commit : WriteAction.Write,
                Ref = reference,
                Total = sizeBytes,
                Expected = digest,
                Offset = offset,
                Data = ByteString.CopyFrom(buffer, 0, read),
            };
            if (last)
                request.Labels.Add(labels.ToDictionary());
            try
            {
                await call.RequestStream.WriteAsync(request, cancellationToken);
                if (!await call.ResponseStream.MoveNext(cancellationToken))
                    throw new RpcException(new Status(StatusCode.Unavailable, "containerd ended the write of a blob early"));
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.AlreadyExists)
            {
                // Another import committed the same blob meanwhile.
                await LabelAsync(channel, digest, labels, cancellationToken);
                return;
            }
            offset += read;
            if (last)
                break;
            if (read == 0)
                throw new EndOfStreamException($"blob {digest} ends after {offset} of {sizeBytes} bytes");
        }
        await call.RequestStream.CompleteAsync();
    }

    public static async Task<bool> ExistsAsync(RuntimeChannel channel, string digest, CancellationToken cancellationToken)
    {
        try
        {
            await channel.ContainerdContent.InfoAsync(new InfoRequest { Digest = digest }, cancellationToken: cancellationToken);
            return true;
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            return false;
        }
    }

    private static async Task LabelAsync(RuntimeChannel channel, string digest, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken)
    {
        if (labels.Count == 0)
            return;
        var request = new UpdateRequest { Info = new Info { Digest = digest }, UpdateMask = new Google.Protobuf.WellKnownTypes.FieldMask() };
        foreach (var (key, value) in labels)
        {
            request.Info.Labels[key] = value;
            request.UpdateMask.Paths.Add($"labels.{key}");
        }
        await channel.ContainerdContent.UpdateAsync(request, cancellationToken: cancellationToken);
    }
}
