using System.Text;
using LiteKube.Kubelet.Volumes;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Kubelet.Tests.Volumes;

public sealed class AtomicWriterTests : IDisposable
{
    private static readonly Dictionary<string, string> Old = new() { ["a"] = "old-a", ["dir/b"] = "old-b", ["gone"] = "old" };
    private static readonly Dictionary<string, string> New = new() { ["a"] = "new-a", ["dir/b"] = "new-b", ["dir/deep/c"] = "new-c" };

    private readonly TempDir _dir = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _dir.Dispose();

    [Theory]
    [InlineData(nameof(AtomicWriterStep.DirectoryCreated), "old")]
    [InlineData(nameof(AtomicWriterStep.FileWritten), "old")]
    [InlineData(nameof(AtomicWriterStep.LinkPrepared), "old")]
    [InlineData(nameof(AtomicWriterStep.Swapped), "new")]
    [InlineData(nameof(AtomicWriterStep.LinksCreated), "new")]
    [InlineData(nameof(AtomicWriterStep.LinksRemoved), "new")]
    public void A_crash_after_any_step_leaves_one_whole_set_and_the_next_write_mends_the_rest(string step, string seen)
    {
        Write(Old);
        var crash = Enum.Parse<AtomicWriterStep>(step);

        Assert.Throws<InvalidTimeZoneException>(() => new AtomicWriter(_dir.Path, _time, s => { if (s == crash) throw new InvalidTimeZoneException("crash"); }).Write(Files(New)));

        var expected = seen == "old" ? Old : New;
        Assert.Equal(Sorted(expected), Sorted(ReadAll(_dir.Sub("..data"))));
        Write(New);
        Assert.Equal(Sorted(New), Sorted(ReadAll(_dir.Sub("..data"))));
        Assert.Equal(["..data", "a", "dir"], Directory.EnumerateFileSystemEntries(_dir.Path).Select(e => Path.GetFileName(e)!).Where(n => !n.StartsWith("..2", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Single(Directory.GetDirectories(_dir.Path, "..2*"));
        Assert.Equal("new-c", File.ReadAllText(_dir.Sub("dir/deep/c")));
    }

    [Fact]
    public void What_is_there_already_is_not_written_again()
    {
        Assert.True(Write(Old));
        var before = new FileInfo(_dir.Sub("..data")).LinkTarget;
        Assert.False(Write(Old));
        Assert.Equal(before, new FileInfo(_dir.Sub("..data")).LinkTarget);
        Assert.True(Write(New));
        Assert.NotEqual(before, new FileInfo(_dir.Sub("..data")).LinkTarget);
    }

    [Fact]
    public void The_user_sees_links_through_data_with_the_modes_that_were_asked_for()
    {
        new AtomicWriter(_dir.Path, _time).Write(new Dictionary<string, FileProjection>
        {
            ["key"] = new("x"u8.ToArray(), 0x100),
            ["sub/exec"] = new("y"u8.ToArray(), 0x1ED),
        });

        Assert.Equal("..data/key", new FileInfo(_dir.Sub("key")).LinkTarget);
        Assert.Equal("..data/sub", new FileInfo(_dir.Sub("sub")).LinkTarget);
        Assert.Equal(0x100, Libc.Stat(_dir.Sub("key"))!.Value.Permissions);
        Assert.Equal(0x1ED, Libc.Stat(_dir.Sub("sub/exec"))!.Value.Permissions);
        Assert.StartsWith("..2000_01_01_00_00_00.", new FileInfo(_dir.Sub("..data")).LinkTarget, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("../outside")]
    [InlineData("a/../../b")]
    [InlineData("..hidden")]
    public void A_path_that_leaves_the_volume_is_refused(string path) =>
        Assert.Throws<ArgumentException>(() => Write(new() { [path] = "x" }));

    private bool Write(Dictionary<string, string> files) => new AtomicWriter(_dir.Path, _time).Write(Files(files));

    private static Dictionary<string, FileProjection> Files(Dictionary<string, string> files) =>
        files.ToDictionary(f => f.Key, f => new FileProjection(Encoding.UTF8.GetBytes(f.Value), 0x1A4));

    private static IEnumerable<KeyValuePair<string, string>> Sorted(Dictionary<string, string> files) => files.OrderBy(f => f.Key, StringComparer.Ordinal);

    private static Dictionary<string, string> ReadAll(string dir)
    {
        var root = new FileInfo(dir).ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        return Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).ToDictionary(f => Path.GetRelativePath(root, f), File.ReadAllText);
    }
}
