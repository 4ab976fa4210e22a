using System.Diagnostics;

namespace LiteKube.Network.Tests.Kernel;

/// <summary>A test on the real kernel; skipped, by name, for who may not make network namespaces.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class KernelFactAttribute : FactAttribute
{
    public KernelFactAttribute()
    {
        if (Environment.UserName != "root")
            Skip = "needs root, to make network namespaces";
        else if (!File.Exists("/usr/sbin/nft") || !File.Exists("/usr/bin/unshare"))
            Skip = "needs nft and unshare (packages nftables, util-linux)";
    }
}

internal static class KernelScenario
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Runs a static method of this assembly in a process of its own with fresh network and mount namespaces.</summary>
    public static async Task RunAsync(Func<Task> scenario)
    {
        var start = new ProcessStartInfo("unshare") { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])["--net", "--mount", "--propagation", "private", Environment.ProcessPath!, "exec", typeof(KernelScenario).Assembly.Location,
            scenario.Method.DeclaringType!.FullName!, scenario.Method.Name])
            start.ArgumentList.Add(argument);
        // The test host is itself "dotnet exec testhost.dll"; fall back to the muxer when it is an app host.
        if (!Path.GetFileName(Environment.ProcessPath!).Equals("dotnet", StringComparison.Ordinal))
            start.ArgumentList[4] = "dotnet";
        using var process = Process.Start(start)!;
        using var timeout = new CancellationTokenSource(Limit);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{scenario.Method.Name} did not end within {Limit.TotalSeconds} s\n{await output}\n{await error}");
        }
        Assert.True(process.ExitCode == 0, $"{scenario.Method.Name} failed\n{await output}\n{await error}");
    }
}
