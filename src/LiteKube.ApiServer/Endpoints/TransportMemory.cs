using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>
/// The buffers between Kestrel, TLS and the sockets, larger than its usual four kilobytes: a list then leaves in whole
/// TLS records, and an HTTP/2 frame is one buffer instead of five.
/// </summary>
internal sealed class TransportMemory : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    /// <summary>A frame of HTTP/2 (16 KB), its head, and room for the next ones.</summary>
    private const int BlockBytes = 32 * 1024;

    /// <summary>What is kept for later; a burst takes more and leaves them to the garbage collector.</summary>
    private const int MaxFree = 64;

    private readonly ConcurrentQueue<Block> _free = new();
    private int _freeCount;

    public override int MaxBufferSize => BlockBytes;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="MaxBufferSize"/> is asked for.</exception>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        if (!_free.TryDequeue(out var block)) return new Block(this);
        Interlocked.Decrement(ref _freeCount);
        return block;
    }

    protected override void Dispose(bool disposing) => _free.Clear();

    private void Return(Block block)
    {
        // The count may be passed by a few when many return at once.
        if (Volatile.Read(ref _freeCount) >= MaxFree) return;
        Interlocked.Increment(ref _freeCount);
        _free.Enqueue(block);
    }

    private sealed class Block(TransportMemory pool) : IMemoryOwner<byte>
    {
        // Pinned where it is made: the socket and OpenSSL then need no handle.
        public Memory<byte> Memory { get; } = MemoryMarshal.CreateFromPinnedArray(GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true), 0, BlockBytes);

        public void Dispose() => pool.Return(this);
    }
}
