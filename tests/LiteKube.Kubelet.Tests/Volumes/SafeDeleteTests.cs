using LiteKube.Kubelet.Volumes;

namespace LiteKube.Kubelet.Tests.Volumes;

public sealed class SafeDeleteTests : IDisposable
{
    private readonly TempDir _dir = new();

    public void Dispose() => _dir.Dispose();

    [Fact]
    public void Links_are_removed_and_never_followed()
    {
        Directory.CreateDirectory(_dir.Sub("outside"));
        File.WriteAllText(_dir.Sub("outside/keep"), "x");
        Directory.CreateDirectory(_dir.Sub("tree/sub"));
        File.CreateSymbolicLink(_dir.Sub("tree/sub/link"), _dir.Sub("outside"));
        File.CreateSymbolicLink(_dir.Sub("rootlink"), _dir.Sub("outside"));

        SafeDelete.Tree(_dir.Sub("tree"));
        SafeDelete.Tree(_dir.Sub("rootlink"));
        SafeDelete.Tree(_dir.Sub("never-was"));

        Assert.Equal(["outside"], Directory.EnumerateFileSystemEntries(_dir.Path).Select(Path.GetFileName));
        Assert.True(File.Exists(_dir.Sub("outside/keep")));
    }

    [RootFact]
    public void What_a_mount_covers_is_left_alone_and_named()
    {
        Directory.CreateDirectory(_dir.Sub("source"));
        File.WriteAllText(_dir.Sub("source/keep"), "x");
        Directory.CreateDirectory(_dir.Sub("tree/a"));
        Directory.CreateDirectory(_dir.Sub("tree/mounted"));
        Libc.Mount(_dir.Sub("source"), _dir.Sub("tree/mounted"), null, Libc.MsBind, null);

        var error = Assert.Throws<IOException>(() => SafeDelete.Tree(_dir.Sub("tree")));
        Assert.Throws<IOException>(() => SafeDelete.Tree(_dir.Sub("tree/mounted")));

        Assert.Contains("mounted", error.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(_dir.Sub("source/keep")));
        Assert.False(Directory.Exists(_dir.Sub("tree/a")));
        Mounts.DetachBelow(_dir.Path);
        SafeDelete.Tree(_dir.Sub("tree"));
        Assert.False(Directory.Exists(_dir.Sub("tree")));
    }

    [Fact]
    public void Any_depth_and_any_name_can_be_removed()
    {
        Directory.CreateDirectory(_dir.Sub("tree"));
        var current = Libc.OpenAt(Libc.AtFdCwd, _dir.Sub("tree"), Libc.ORdOnly | Libc.ODirectory);
        for (var depth = 0; depth < 3000; depth++)
        {
            Assert.Equal(0, Libc.MkdirAt(current.Fd(), "directory", 0x1FF));
            var next = Libc.OpenAt(current.Fd(), "directory", Libc.ORdOnly | Libc.ODirectory);
            current.Dispose();
            current = next;
        }
        current.Dispose();
        var raw = System.Diagnostics.Process.Start("/bin/sh", ["-c", $"touch \"{_dir.Sub("tree")}/$(printf '\\377\\376')\""]);
        raw.WaitForExit();
        Assert.Equal(0, raw.ExitCode);

        SafeDelete.Tree(_dir.Sub("tree"));

        Assert.False(Directory.Exists(_dir.Sub("tree")));
    }
}
