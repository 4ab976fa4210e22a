using System.Net;
using Microsoft.Extensions.Logging;

namespace LiteKube.Network.Dns;

internal static partial class DnsLog
{
    [LoggerMessage(EventId = 4201, Level = LogLevel.Information, Message = "DNS for {Zone} listens on {Endpoints}")]
    public static partial void Listening(ILogger logger, string zone, string endpoints);

    [LoggerMessage(EventId = 4202, Level = LogLevel.Information, Message = "Names outside the cluster are asked of {Upstreams}")]
    public static partial void Upstreams(ILogger logger, string upstreams);

    [LoggerMessage(EventId = 4203, Level = LogLevel.Debug, Message = "Resolver {Upstream} did not answer: {Reason}")]
    public static partial void UpstreamFailed(ILogger logger, IPEndPoint upstream, string reason);

    [LoggerMessage(EventId = 4204, Level = LogLevel.Error, Message = "DNS cannot listen on {Endpoint}; next try in {Delay}")]
    public static partial void BindFailed(ILogger logger, IPEndPoint endpoint, TimeSpan delay, Exception exception);

    [LoggerMessage(EventId = 4205, Level = LogLevel.Error, Message = "Answering a DNS query for {Name} failed")]
    public static partial void QueryFailed(ILogger logger, string name, Exception exception);

    [LoggerMessage(EventId = 4206, Level = LogLevel.Critical, Message = "DNS ended by an unexpected error")]
    public static partial void LoopFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventId = 4207, Level = LogLevel.Warning, Message = "Changes of {Directory} are not noticed; restart litekube after changing the host's resolvers")]
    public static partial void NotWatching(ILogger logger, string directory, Exception exception);

    [LoggerMessage(EventId = 4208, Level = LogLevel.Warning, Message = "Accepting a DNS connection failed")]
    public static partial void AcceptFailed(ILogger logger, Exception exception);
}
