using System.Buffers;

namespace LiteKube.ApiServer.Proxy;

/// <summary>Copies what comes when it comes: each piece is flushed, so that logs and terminals can be followed.</summary>
internal static class StreamCopy
{
    private const int PieceBytes = 32 * 1024;

    /// <summary>Until the end of the source.</summary>
    public static async Task CopyAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            int count;
            while ((count = await from.ReadAsync(buffer, cancellationToken)) > 0)
            {
                await to.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                await to.FlushAsync(cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
