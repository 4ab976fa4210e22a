using LiteKube.Client;
using LiteKube.Client.Events;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Simulation.Tests;

/// <summary>One life of the program: what its controllers are made of. It ends with a kill, after which nothing of it is heard.</summary>
internal sealed record Life(IKubeClient Client, ISharedInformers Informers, IEventRecorder Events, TimeProvider Time, Random Random)
{
    public ILoggerFactory Loggers { get; } = NullLoggerFactory.Instance;
}
