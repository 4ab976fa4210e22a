using System.Buffers;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>
/// Several values of one header, each on a line of its own. HttpClient joins them with commas, which for Kubernetes makes
/// one group of many: they are therefore put into one value with a mark between them, and the mark becomes a line break
/// on the connection (HTTP/1.1 only). The mark is a secret of this process, so that nobody can write one.
/// </summary>
internal static class HeaderLines
{
    private static readonly string Mark = $"::{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}::";
    private static readonly byte[] MarkBytes = Encoding.ASCII.GetBytes(Mark);

    public static void Add(HttpRequestHeaders headers, IEnumerable<KeyValuePair<string, string>> lines)
    {
        foreach (var sameName in lines.GroupBy(l => l.Key, l => l.Value, StringComparer.OrdinalIgnoreCase))
            headers.TryAddWithoutValidation(sameName.Key, string.Join($"{Mark}{sameName.Key}: ", sameName));
    }

    /// <summary>The connection's stream, on which marks become line breaks.</summary>
    public static Stream Breaking(Stream plaintext) => new BreakingStream(plaintext);

    private sealed class BreakingStream(Stream inner) : Stream
    {
        /// <summary>The end of what was written, when a mark may have begun there; always the start of a mark.</summary>
        private int _held;

        public override bool CanRead => true;
        public override bool CanWrite => true;
        public override bool CanSeek => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);
        public override int Read(Span<byte> buffer) => inner.Read(buffer);
        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => inner.ReadAsync(buffer, offset, count, cancellationToken);
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (NeedsNoChange(buffer)) inner.Write(buffer);
            else inner.Write(Change(buffer));
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            NeedsNoChange(buffer.Span) ? inner.WriteAsync(buffer, cancellationToken) : inner.WriteAsync(Change(buffer.Span), cancellationToken);

        public override void Flush()
        {
            if (TakeHeld() is { Length: > 0 } rest) inner.Write(rest);
            inner.Flush();
        }

        public override async Task FlushAsync(CancellationToken cancellationToken)
        {
            if (TakeHeld() is { Length: > 0 } rest) await inner.WriteAsync(rest, cancellationToken);
            await inner.FlushAsync(cancellationToken);
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();

        public override ValueTask DisposeAsync() => inner.DisposeAsync();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }

        private bool NeedsNoChange(ReadOnlySpan<byte> written) => _held == 0 && written.IndexOf(MarkBytes) < 0 && TailLength(written) == 0;

        private byte[] Change(ReadOnlySpan<byte> written)
        {
            var all = new byte[_held + written.Length];
            MarkBytes.AsSpan(0, _held).CopyTo(all);
            written.CopyTo(all.AsSpan(_held));
            var changed = new ArrayBufferWriter<byte>(all.Length);
            ReadOnlySpan<byte> rest = all;
            int at;
            while ((at = rest.IndexOf(MarkBytes)) >= 0)
            {
                changed.Write(rest[..at]);
                changed.Write("\r\n"u8);
                rest = rest[(at + MarkBytes.Length)..];
            }
            _held = TailLength(rest);
            changed.Write(rest[..^_held]);
            return changed.WrittenSpan.ToArray();
        }

        private byte[] TakeHeld()
        {
            var held = MarkBytes.AsSpan(0, _held).ToArray();
            _held = 0;
            return held;
        }

        /// <summary>How much of a mark's start the bytes end with.</summary>
        private static int TailLength(ReadOnlySpan<byte> bytes)
        {
            for (var length = Math.Min(MarkBytes.Length - 1, bytes.Length); length > 0; length--)
            {
                if (bytes[^length..].SequenceEqual(MarkBytes.AsSpan(0, length))) return length;
            }
            return 0;
        }
    }
}
