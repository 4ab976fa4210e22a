using System.Buffers.Binary;
using System.Diagnostics;
using LiteKube.Kubelet.Containerd;
using LiteKube.Kubelet.Images;

namespace LiteKube.Kubelet.Tests.Images;

public sealed class PauseImageTests
{
    [Theory]
    [InlineData("amd64", 62)]
    [InlineData("arm64", 183)]
    public void The_pause_program_is_a_static_executable_of_a_few_hundred_bytes(string architecture, int machine)
    {
        var elf = PauseImage.Executable(architecture);
        Assert.Equal([0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1], elf[..7]);
        Assert.Equal(machine, BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(18)));
        Assert.InRange(elf.Length, 120, 512);
    }

    [Theory]
    [InlineData(Native.SigTerm)]
    [InlineData(2)]
    public async Task The_pause_program_waits_and_ends_well_when_it_is_asked_to(int signal)
    {
        var path = Path.Combine(Path.GetTempPath(), "pause-" + Guid.NewGuid().ToString("N"));
        await File.WriteAllBytesAsync(path, PauseImage.Executable(OciImage.Architecture));
        File.SetUnixFileMode(path, ImageFile.Executable);
        try
        {
            using var process = Process.Start(path);
            // Blocked since before it waits: once it is in rt_sigtimedwait, the signal cannot be lost.
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (File.ReadAllText($"/proc/{process.Id}/syscall").Split(' ')[0] is not ("128" or "137"))
                Assert.False(limit.IsCancellationRequested, "the program never began to wait");
            Assert.False(process.HasExited);
            Assert.Equal(0, Native.Kill(process.Id, signal));
            await process.WaitForExitAsync(limit.Token);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void The_same_files_make_the_same_image()
    {
        static byte[] Tar()
        {
            var stream = new MemoryStream();
            PauseImage.Create("localhost/pause:1").WriteTar(stream);
            return stream.ToArray();
        }

        Assert.Equal(Tar(), Tar());
    }
}
