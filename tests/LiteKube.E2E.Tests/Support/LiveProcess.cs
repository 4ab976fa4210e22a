using System.Diagnostics;
using System.Text;

namespace LiteKube.E2E.Tests.Support;

/// <summary>A program that is spoken with while it runs, by pipes or on a terminal of its own.</summary>
internal sealed class LiveProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _seen = new();
    private readonly SemaphoreSlim _news = new(0);
    private readonly string _name;
    private readonly Task[] _readers;

    private LiveProcess(Process process, string name)
    {
        _process = process;
        _name = name;
        _readers = [ReadAsync(process.StandardOutput), ReadAsync(process.StandardError)];
    }

    public string Seen
    {
        get
        {
            lock (_seen)
                return _seen.ToString();
        }
    }

    public static LiveProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment)
    {
        var list = arguments.ToList();
        var start = new ProcessStartInfo(program, list) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new LiveProcess(Process.Start(start)!, $"{Path.GetFileName(program)} {string.Join(' ', list)}");
    }

    /// <summary>The same on a pseudoterminal of that size, whose name goes to <paramref name="terminalFile"/>.</summary>
    public static LiveProcess StartOnTerminal(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, int rows, int columns, string terminalFile)
    {
        var command = string.Join(' ', arguments.Prepend(program).Select(a => $"'{a.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
        return Start("script", ["-q", "-e", "-c", $"tty > {terminalFile}; stty rows {rows} cols {columns}; exec {command}", "/dev/null"], environment);
    }

    public async Task SendAsync(string text)
    {
        await _process.StandardInput.WriteAsync(text);
        await _process.StandardInput.FlushAsync();
    }

    public void EndInput() => _process.StandardInput.Close();

    /// <summary>Returns when the program has printed the text, by now or ever before.</summary>
    public async Task UntilSeenAsync(string text)
    {
        using var limited = new CancellationTokenSource(Limit);
        while (!Seen.Contains(text, StringComparison.Ordinal))
        {
            try
            {
                await _news.WaitAsync(limited.Token);
            }
            catch (OperationCanceledException)
            {
                throw new Xunit.Sdk.XunitException($"{_name}\ndid not print \"{text}\" within {Limit}, only:\n{Seen}");
            }
            if (_readers.All(r => r.IsCompleted) && !Seen.Contains(text, StringComparison.Ordinal))
                throw new Xunit.Sdk.XunitException($"{_name}\nended without printing \"{text}\":\n{Seen}");
        }
    }

    public async Task<int> UntilEndedAsync()
    {
        using var limited = new CancellationTokenSource(Limit);
        try
        {
            await Task.WhenAll(_readers).WaitAsync(limited.Token);
            await _process.WaitForExitAsync(limited.Token);
            return _process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            throw new Xunit.Sdk.XunitException($"{_name}\ndid not end within {Limit}; it printed:\n{Seen}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer) is > 0 and var count)
        {
            lock (_seen)
                _seen.Append(buffer, 0, count);
            _news.Release();
        }
        _news.Release();
    }
}
