using LiteKube.Configuration;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting.Json;

namespace LiteKube.Hosting;

/// <summary>Serilog behind Microsoft.Extensions.Logging: plain text on a terminal, JSON lines in LOG/litekube.log, rotated at 20 MB, five kept.</summary>
internal static class Logging
{
    private const long FileSizeBytes = 20 * 1024 * 1024;
    private const int FilesKept = 5;

    public static ILoggerFactory Create(InstanceConfig config, bool toTerminal)
    {
        var level = config.LogLevel switch
        {
            "debug" => LogEventLevel.Debug,
            "warning" => LogEventLevel.Warning,
            "error" => LogEventLevel.Error,
            _ => LogEventLevel.Information,
        };
        var logger = new LoggerConfiguration()
            .MinimumLevel.Is(level)
            // Kestrel reports each broken handshake and reset connection: news only to who debugs them.
            .MinimumLevel.Override("Microsoft.AspNetCore", level == LogEventLevel.Debug ? LogEventLevel.Debug : LogEventLevel.Warning)
            .WriteTo.File(new JsonFormatter(renderMessage: true), config.LogFile, fileSizeLimitBytes: FileSizeBytes, rollOnFileSizeLimit: true, retainedFileCountLimit: FilesKept);
        if (toTerminal)
            logger = logger.WriteTo.Console(outputTemplate: "{Timestamp:HH:mm:ss.fff} {Level:u3} {SourceContext}: {Message:lj}{NewLine}{Exception}", formatProvider: System.Globalization.CultureInfo.InvariantCulture);
        return new SerilogLoggerFactory(logger.CreateLogger(), dispose: true);
    }
}
