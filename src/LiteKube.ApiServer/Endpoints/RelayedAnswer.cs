using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;
using LiteKube.Apis.Codec;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>Reads what another server answers for a component of this process: whole, or event by event. Bounded, since the other server is not ours.</summary>
internal static class RelayedAnswer
{
    public const int MaxBodyBytes = 256 * 1024 * 1024;
    private const int MaxEventBytes = 32 * 1024 * 1024;
    private const int MaxMessageChars = 1024;

    /// <param name="translate">The API's word for an error.</param>
    public static async Task<InProcessResponse> ReadAsync(RelayedResult relayed, Func<ApiRequest, Exception, ApiException> translate, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await relayed.Send(cancellationToken);
            return await ReadAsync(answer, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return Refusal(translate(relayed.Request, exception));
        }
    }

    /// <summary>Each element is one event as JSON.</summary>
    /// <exception cref="WatchRefusedException">On the first step, when the other server refuses it.</exception>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadLinesAsync(
        RelayedResult relayed, Func<ApiRequest, Exception, ApiException> translate, CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        using var answer = await OpenAsync(relayed, translate, either.Token);
        if ((int)answer.StatusCode >= 400)
        {
            var refusal = await ReadAsync(answer, either.Token);
            throw new WatchRefusedException(refusal.StatusCode, refusal.Body);
        }
        var reader = PipeReader.Create(await answer.Content.ReadAsStreamAsync(either.Token));
        while (await NextAsync(reader, either.Token, stopping) is { } line) yield return line;
        await reader.CompleteAsync();
    }

    private static async Task<HttpResponseMessage> OpenAsync(RelayedResult relayed, Func<ApiRequest, Exception, ApiException> translate, CancellationToken cancellationToken)
    {
        try
        {
            return await relayed.Send(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            var refusal = Refusal(translate(relayed.Request, exception));
            throw new WatchRefusedException(refusal.StatusCode, refusal.Body);
        }
    }

    private static async ValueTask<ReadOnlyMemory<byte>?> NextAsync(PipeReader reader, CancellationToken cancellationToken, CancellationToken stopping)
    {
        while (true)
        {
            ReadResult read;
            try
            {
                read = await reader.ReadAsync(cancellationToken);
            }
            // A broken connection ends a watch as its server would; so does our own stop.
            catch (Exception exception) when (exception is IOException or HttpRequestException || (exception is OperationCanceledException && stopping.IsCancellationRequested))
            {
                return null;
            }
            var buffer = read.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end).ToArray();
                reader.AdvanceTo(buffer.GetPosition(1, end));
                if (line.AsSpan().Trim(" \r\t"u8).Length > 0) return line;
                continue;
            }
            if (read.IsCompleted) return null;
            if (buffer.Length > MaxEventBytes) throw new IOException($"A watch event of more than {MaxEventBytes} bytes came.");
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static async Task<InProcessResponse> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        await answer.Content.LoadIntoBufferAsync(MaxBodyBytes, cancellationToken);
        var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        var type = answer.Content.Headers.ContentType?.ToString() ?? "";
        var code = (int)answer.StatusCode;
        if (code < 400 || type.StartsWith(ApiResult.Json, StringComparison.OrdinalIgnoreCase)) return new InProcessResponse(code, type, body);
        // Components read a Status; what a server says otherwise becomes its message.
        var text = Encoding.UTF8.GetString(body).Trim();
        return Refusal(new ApiException(code, code == 503 ? "ServiceUnavailable" : "", text.Length > MaxMessageChars ? text[..MaxMessageChars] : text));
    }

    private static InProcessResponse Refusal(ApiException error) => new(error.Code, ApiResult.Json, ObjectWriter.Write(StatusObjects.Failure(error)));
}
