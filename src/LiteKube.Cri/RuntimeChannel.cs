using System.Net.Sockets;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using LiteKube.Cri.Containerd.Contents;
using LiteKube.Cri.Containerd.Events;
using LiteKube.Cri.Containerd.Images;
using LiteKube.Cri.Containerd.Leases;
using LiteKube.Cri.V1;

namespace LiteKube.Cri;

/// <summary>
/// One gRPC connection to a container runtime's Unix socket: CRI v1 and, where the runtime is containerd, its own
/// services. The connection opens with the first call and comes back by itself when the runtime restarts.
/// </summary>
public sealed class RuntimeChannel : IDisposable
{
    /// <summary>CRI's own limit on both sides: a list of many containers, the output of an exec.</summary>
    private const int MaxMessageSizeBytes = 16 << 20;

    private readonly GrpcChannel _channel;

    /// <param name="socketPath">Absolute path of the runtime's socket.</param>
    public RuntimeChannel(string socketPath)
    {
        var endpoint = new UnixDomainSocketEndPoint(socketPath);
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(endpoint, cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
            UseProxy = false,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            // A burst of 30 pods makes more than the runtime's 100 or so concurrent streams only if this were off.
            EnableMultipleHttp2Connections = true,
        };
        // The name is never resolved; it only becomes the :authority header.
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaxMessageSizeBytes,
            MaxSendMessageSize = MaxMessageSizeBytes,
            ThrowOperationCanceledOnCancellation = true,
        });

        Runtime = new RuntimeService.RuntimeServiceClient(_channel);
        Images = new ImageService.ImageServiceClient(_channel);
        var namespaced = _channel.Intercept(metadata =>
        {
            metadata.Add("containerd-namespace", ContainerdNamespace);
            return metadata;
        });
        ContainerdEvents = new Events.EventsClient(namespaced);
        ContainerdContent = new Content.ContentClient(namespaced);
        ContainerdImages = new Containerd.Images.Images.ImagesClient(namespaced);
        ContainerdLeases = new Leases.LeasesClient(namespaced);
    }

    /// <summary>The containerd namespace that its CRI plugin keeps everything in.</summary>
    public const string ContainerdNamespace = "k8s.io";

    public RuntimeService.RuntimeServiceClient Runtime { get; }
    public ImageService.ImageServiceClient Images { get; }
    public Events.EventsClient ContainerdEvents { get; }
    public Content.ContentClient ContainerdContent { get; }
    public Containerd.Images.Images.ImagesClient ContainerdImages { get; }
    public Leases.LeasesClient ContainerdLeases { get; }

    public void Dispose() => _channel.Dispose();
}
