using System.Net;
using LiteKube.Cri;
using LiteKube.Kubelet.Containerd;
using LiteKube.Kubelet.Images;
using LiteKube.Kubelet.Runtime;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Kubelet.Tests.Containerd;

/// <summary>A test that starts a containerd of its own: needs root, containerd, runc and busybox-static.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RealContainerdFactAttribute : FactAttribute
{
    public RealContainerdFactAttribute()
    {
        if (System.Environment.UserName != "root")
            Skip = "needs root";
        else if (!File.Exists("/usr/bin/containerd") || !(File.Exists("/usr/sbin/runc") || File.Exists("/usr/bin/runc")))
            Skip = "needs containerd and runc: apt install containerd runc";
        else if (!File.Exists("/bin/busybox"))
            Skip = "needs /bin/busybox: apt install busybox-static";
    }
}

/// <summary>A supervised containerd in a directory of its own, taken apart at the end.</summary>
internal sealed class RealContainerd : IAsyncDisposable
{
    public const string BusyboxImage = "busybox:1.36";

    private readonly string _directory = Path.Combine("/tmp", "lk-" + Guid.NewGuid().ToString("N")[..8]);

    private RealContainerd()
    {
        Options = new KubeletOptions
        {
            NodeName = "node-a",
            DataDir = Path.Combine(_directory, "data"),
            RunDir = Path.Combine(_directory, "run"),
            NodeIps = [IPAddress.Loopback],
            CniBinDir = Path.Combine(_directory, "cni/bin"),
            CniConfDir = Path.Combine(_directory, "cni/conf"),
            CgroupName = "lktest-" + Path.GetFileName(_directory)[3..],
        };
        Supervisor = NewSupervisor();
        Channel = new RuntimeChannel(Options.ContainerdSocket);
        Runtime = new CriRuntime(Channel, TimeProvider.System);
    }

    public KubeletOptions Options { get; }
    public ContainerdSupervisor Supervisor { get; }
    public RuntimeChannel Channel { get; }
    public CriRuntime Runtime { get; }
    public ImageImporter Importer => new(Channel, Path.Combine(_directory, "data"), TimeProvider.System);
    public NodeTeardown Teardown => new(Options, TimeProvider.System, NullLoggerFactory.Instance);

    public ContainerdSupervisor NewSupervisor() => new(Options, TimeProvider.System, NullLogger<ContainerdSupervisor>.Instance);

    public static async Task<RealContainerd> StartAsync(CancellationToken cancellationToken)
    {
        var containerd = new RealContainerd();
        await containerd.Supervisor.StartAsync(cancellationToken);
        return containerd;
    }

    public Task<IReadOnlyList<string>> ImportAsync(OciImage image, CancellationToken cancellationToken)
    {
        var tar = new MemoryStream();
        image.WriteTar(tar);
        tar.Position = 0;
        return Importer.ImportAsync(tar, null, cancellationToken);
    }

    public static OciImage Busybox()
    {
        string[] applets = ["sh", "sleep", "cat", "echo", "ls", "true", "false", "mkdir", "touch", "id", "hostname", "ps", "kill", "env", "wget", "nc", "date", "seq", "trap", "test"];
        return new OciImage
        {
            Name = BusyboxImage,
            Files =
            [
                new ImageFile("bin/busybox", ImageFile.Executable, File.ReadAllBytes("/bin/busybox")),
                .. applets.Select(a => ImageFile.Link("bin/" + a, "busybox")),
                ImageFile.Directory("tmp", (UnixFileMode)0x3FF),
                new ImageFile("etc/passwd", 0, "root:x:0:0:root:/:/bin/sh\n"u8.ToArray()),
            ],
            Command = ["sh"],
            Environment = ["PATH=/bin"],
        };
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await Supervisor.DisposeAsync();
        var remaining = await Teardown.RunAsync(CancellationToken.None);
        Assert.Empty(remaining);
        Directory.Delete(_directory, recursive: true);
    }
}
