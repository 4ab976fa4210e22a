using System.Diagnostics;
using System.Globalization;
using LiteKube.Configuration;

namespace LiteKube.Hosting;

/// <summary>The background server of an instance as its pid file names it.</summary>
internal static class ServerProcess
{
    /// <summary>Its process id, or null when it does not run. The start time guards against a process id that was given to another program.</summary>
    public static int? Find(InstanceConfig config)
    {
        string[] fields;
        try
        {
            fields = File.ReadAllText(config.PidFile).Trim().Split(' ');
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        return fields.Length == 2 && int.TryParse(fields[0], out var pid) && StartTime(pid) == fields[1] ? pid : null;
    }

    public static void WritePidFile(InstanceConfig config)
    {
        var temporary = config.PidFile + ".new";
        File.WriteAllText(temporary, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {StartTime(Environment.ProcessId)}\n"));
        File.Move(temporary, config.PidFile, overwrite: true);
    }

    /// <summary>Starts `litekube server` in a session of its own, its first words going to LOG/start.log.</summary>
    public static Process Start(InstanceConfig config, IReadOnlyList<string> arguments)
    {
        Directory.CreateDirectory(config.LogDir);
        var log = Path.Combine(config.LogDir, "start.log");
        var start = new ProcessStartInfo("setsid") { UseShellExecute = false, RedirectStandardInput = true, WorkingDirectory = "/" };
        start.ArgumentList.Add("--fork");
        start.ArgumentList.Add(Environment.ProcessPath!);
        start.ArgumentList.Add("server");
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.ArgumentList.Add("--detached-log");
        start.ArgumentList.Add(log);
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>When the process started, in clock ticks after boot; null when there is none, or it ended and only waits to be reaped.</summary>
    public static string? StartTime(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            // Fields 3 (state) and 22, counted after the name, which may hold spaces and parentheses.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            // A container's first process often reaps nobody: there every server that ended stays as a zombie.
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
