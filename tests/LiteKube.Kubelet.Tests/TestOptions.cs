using System.Net;

namespace LiteKube.Kubelet.Tests;

internal static class TestOptions
{
    public static KubeletOptions In(string dir) => new()
    {
        NodeName = "node-a",
        DataDir = Path.Combine(dir, "data"),
        RunDir = Path.Combine(dir, "run"),
        NodeIps = [IPAddress.Loopback],
        CniBinDir = Path.Combine(dir, "cni/bin"),
        CniConfDir = Path.Combine(dir, "cni/conf"),
        BindAddress = IPAddress.Loopback,
        Port = 0,
    };
}

/// <summary>Needs mounts and owners, which only root may change.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (System.Environment.UserName != "root")
            Skip = "needs root";
    }
}

/// <summary>A directory of its own, gone at the end with all that was mounted in it.</summary>
internal sealed class TempDir : IDisposable
{
    public TempDir()
    {
        Path = System.IO.Path.Combine("/tmp", "lkv-" + Guid.NewGuid().ToString("N")[..8]);
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public string Sub(string relative) => System.IO.Path.Combine(Path, relative);

    public void Dispose()
    {
        Kubelet.Volumes.Mounts.DetachBelow(Path);
        Kubelet.Volumes.SafeDelete.Tree(Path);
    }
}
