using System.Text.Json;

namespace LiteKube.Benchmarks;

/// <summary>One watch, read line by line.</summary>
internal sealed class Watcher(HttpResponseMessage response, StreamReader reader) : IDisposable
{
    public static async Task<Watcher> OpenAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        var response = await client.GetAsync(path + (path.Contains('?') ? "&" : "?") + "watch=true", HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await response.EnsureAsync(cancellationToken);
        return new Watcher(response, new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken)));
    }

    /// <summary>Reads until <paramref name="satisfied"/> says so; the limit names what did not come.</summary>
    public async Task UntilAsync(string what, Func<string, JsonElement, bool> satisfied, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(limit);
        try
        {
            while (await reader.ReadLineAsync(limited.Token) is { } line)
            {
                using var document = JsonDocument.Parse(line);
                if (satisfied(document.RootElement.GetProperty("type").GetString()!, document.RootElement.GetProperty("object")))
                    return;
            }
            throw new InvalidOperationException($"the watch ended before: {what}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"not within {limit}: {what}");
        }
    }

    public void Dispose()
    {
        reader.Dispose();
        response.Dispose();
    }
}
