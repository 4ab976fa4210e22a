using LiteKube.Kubelet.Volumes;

namespace LiteKube.Kubelet.Tests.Volumes;

public sealed class SubpathsTests : IDisposable
{
    private readonly TempDir _dir = new();
    private readonly string _volume;

    public SubpathsTests()
    {
        _volume = _dir.Sub("volume");
        Directory.CreateDirectory(_volume);
        Directory.CreateDirectory(_dir.Sub("secret"));
        File.WriteAllText(_dir.Sub("secret/key"), "host");
    }

    public void Dispose() => _dir.Dispose();

    [RootFact]
    public void A_link_that_leaves_the_volume_is_never_bound()
    {
        File.CreateSymbolicLink(Path.Combine(_volume, "absolute"), _dir.Sub("secret"));
        File.CreateSymbolicLink(Path.Combine(_volume, "relative"), "../secret");
        Directory.CreateDirectory(Path.Combine(_volume, "dir"));
        File.CreateSymbolicLink(Path.Combine(_volume, "dir/up"), "../../secret");
        File.CreateSymbolicLink(Path.Combine(_volume, "proc"), "/proc/self/root");

        string[] attempts = ["absolute", "absolute/key", "relative", "relative/key", "dir/up", "dir/up/new/deep", "absolute/new", "proc/etc"];
        foreach (var attempt in attempts)
            Assert.Throws<IOException>(() => Bind(attempt));

        Assert.Equal(["key"], Directory.EnumerateFileSystemEntries(_dir.Sub("secret")).Select(Path.GetFileName));
        Assert.Empty(Mounts.Below(_dir.Path));
    }

    [RootFact]
    public void Links_within_the_volume_files_and_missing_directories_are_bound()
    {
        Directory.CreateDirectory(Path.Combine(_volume, "real"));
        File.WriteAllText(Path.Combine(_volume, "real/file"), "content");
        File.CreateSymbolicLink(Path.Combine(_volume, "link"), "real");
        Libc.Chmod(_volume, 0x5F8); // 02770

        var file = Bind("link/file", index: 0);
        var made = Bind("new/deep", index: 1);

        Assert.Equal("content", File.ReadAllText(file));
        Assert.Equal(_dir.Sub("pod/volume-subpaths/vol/c/0"), file);
        Assert.Equal(0x1F8, Libc.Stat(Path.Combine(_volume, "new"))!.Value.Permissions & 0x1FF);
        File.WriteAllText(Path.Combine(made, "x"), "seen");
        Assert.Equal("seen", File.ReadAllText(Path.Combine(_volume, "new/deep/x")));
    }

    [RootFact]
    public void A_binding_is_kept_while_its_file_is_the_same_and_replaced_when_it_is_another()
    {
        File.WriteAllText(Path.Combine(_volume, "f"), "one");
        var target = Bind("f");
        var mounts = Mounts.Below(_dir.Path).Count;
        Assert.Equal(target, Bind("f"));
        Assert.Equal(mounts, Mounts.Below(_dir.Path).Count);

        File.WriteAllText(Path.Combine(_volume, "g"), "two");
        Libc.Rename(Path.Combine(_volume, "g"), Path.Combine(_volume, "f"));
        Assert.Equal("one", File.ReadAllText(target));
        Bind("f");
        Assert.Equal("two", File.ReadAllText(target));
        Assert.Equal(mounts, Mounts.Below(_dir.Path).Count);
    }

    private string Bind(string subpath, int index = 0) => Subpaths.Bind(_dir.Sub("pod"), "vol", _volume, subpath, "c", index);
}
