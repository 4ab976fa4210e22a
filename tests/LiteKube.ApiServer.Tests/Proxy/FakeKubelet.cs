using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LiteKube.ApiServer.Certificates;

namespace LiteKube.ApiServer.Tests.Proxy;

/// <summary>A TLS listener in the kubelet's place: gives each connection's request head and stream to the script.</summary>
internal sealed class FakeKubelet : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _loop;

    public FakeKubelet(ClusterPki pki, Func<string, SslStream, Task> script)
    {
        _listener.Start();
        _loop = AcceptAsync(pki.KubeletServing("n1", ["127.0.0.1"]), script);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The subject of the client certificate that the last connection showed.</summary>
    public string? ClientSubject { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        // The loop first: a listener stopped between two of its connections would be an error there.
        await _loop;
        _listener.Stop();
        _stopping.Dispose();
    }

    private async Task AcceptAsync(RenewingCertificate certificate, Func<string, SslStream, Task> script)
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                await using var stream = new SslStream(client.GetStream());
                await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = certificate.CurrentContext,
                    ClientCertificateRequired = true,
                    RemoteCertificateValidationCallback = (_, presented, _, _) =>
                    {
                        ClientSubject = (presented as X509Certificate2)?.Subject;
                        return true;
                    },
                });
                var head = new StringBuilder();
                var one = new byte[1];
                while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one) == 1) head.Append((char)one[0]);
                await script(head.ToString(), stream);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The test is over.
        }
    }
}
