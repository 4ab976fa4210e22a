using System.Buffers;
using System.Runtime.CompilerServices;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>The pipeline for components of this process.</summary>
internal sealed class InProcessAdapter(RequestPipeline pipeline, CancellationToken stopping)
{
    public async Task<InProcessResponse> ExecuteAsync(InProcessRequest request, CancellationToken cancellationToken)
    {
        var wrapped = Wrap(request);
        try
        {
            var result = await pipeline.HandleAsync(wrapped, cancellationToken);
            if (result is RelayedResult relayed)
            {
                pipeline.Leave(wrapped);
                var answer = await RelayedAnswer.ReadAsync(relayed, pipeline.Translate, cancellationToken);
                if (wrapped.Audit is { } audited) await audited.CompleteAsync(null, answer.StatusCode);
                return answer;
            }
            if (result is not WatchResult watch) return Complete(result);
            await watch.Stream.DisposeAsync();
            throw new InvalidOperationException($"{request.PathAndQuery} is a watch: use WatchAsync.");
        }
        finally
        {
            pipeline.End(wrapped);
        }
    }

    /// <summary>Each element is one event as JSON.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(InProcessRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var wrapped = Wrap(request);
        try
        {
            var result = await pipeline.HandleAsync(wrapped, cancellationToken);
            if (result is RelayedResult relayed)
            {
                pipeline.Leave(wrapped);
                await foreach (var line in RelayedAnswer.ReadLinesAsync(relayed, pipeline.Translate, stopping, cancellationToken)) yield return line;
                yield break;
            }
            if (result is not WatchResult watch)
            {
                var refusal = Complete(result);
                throw new WatchRefusedException(refusal.StatusCode, refusal.Body);
            }
            await using var stream = watch.Stream;
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
            while (await WaitAsync(stream, linked.Token, cancellationToken))
            {
                while (Next(stream) is { Length: > 0 } frame) yield return frame;
                if (stream.HasSentInitial) pipeline.Leave(wrapped);
            }
            while (Next(stream) is { Length: > 0 } frame) yield return frame;
        }
        finally
        {
            if (wrapped.Audit is { } audited) await audited.CompleteAsync(null, 200);
            pipeline.End(wrapped);
        }
    }

    private async ValueTask<bool> WaitAsync(Watch.WatchStream stream, CancellationToken linked, CancellationToken caller)
    {
        try
        {
            return await stream.WaitAsync(linked);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !caller.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>A frame of its own memory: the reader may keep it.</summary>
    private static ReadOnlyMemory<byte> Next(Watch.WatchStream stream)
    {
        var frame = new FrameBuffer();
        return stream.TryWrite(frame) ? frame.Written : default;
    }

    private static InProcessResponse Complete(ApiResult result) => result switch
    {
        BytesResult bytes => new(bytes.StatusCode, bytes.ContentType, bytes.Body),
        CompressedResult packed => new(packed.StatusCode, packed.ContentType, packed.Unpack()),
        ListResult list => new(list.StatusCode, list.ContentType, list.ToArray()),
        _ => Complete(StatusObjects.Result(ApiException.BadRequest("this request needs an HTTP connection"))),
    };

    private static InProcessApiRequest Wrap(InProcessRequest request)
    {
        var question = request.PathAndQuery.IndexOf('?', StringComparison.Ordinal);
        var path = question < 0 ? request.PathAndQuery : request.PathAndQuery[..question];
        return new InProcessApiRequest(request.Body)
        {
            Method = request.Method,
            Path = path.Contains('%', StringComparison.Ordinal) ? Uri.UnescapeDataString(path) : path,
            RawQuery = question < 0 ? "" : request.PathAndQuery[question..],
            ContentType = request.ContentType,
            Accept = request.Accept,
            User = request.User,
        };
    }

    private sealed class InProcessApiRequest(ReadOnlyMemory<byte> body) : ApiRequest
    {
        public override ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken cancellationToken) => ValueTask.FromResult(body);
    }

    /// <summary>Takes one frame in one exact allocation: the framer asks for its whole length at once.</summary>
    private sealed class FrameBuffer : IBufferWriter<byte>
    {
        private byte[] _bytes = [];
        private int _length;

        public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

        public void Advance(int count) => _length += count;
        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            Grow(sizeHint);
            return _bytes.AsMemory(_length);
        }

        public Span<byte> GetSpan(int sizeHint = 0)
        {
            Grow(sizeHint);
            return _bytes.AsSpan(_length);
        }

        private void Grow(int sizeHint)
        {
            if (_bytes.Length - _length < Math.Max(1, sizeHint)) Array.Resize(ref _bytes, _length + Math.Max(1, sizeHint));
        }
    }
}
