using System.Globalization;
using System.IO.Compression;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>Keeps container logs small: the full file is renamed with its time, older ones are compressed and, beyond the limit, deleted.</summary>
internal sealed class LogRotation(PodServices services, PodWorkerSet workers)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Interval, services.TimeProvider, cancellationToken);
                foreach (var container in workers.Workers.SelectMany(w => w.Runtime.Containers).Where(c => c.IsRunning && c.LogPath.Length > 0))
                    await RotateIfFullAsync(container, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
    }

    internal async Task RotateIfFullAsync(ContainerRecord container, CancellationToken cancellationToken)
    {
        var log = new FileInfo(container.LogPath);
        if (!log.Exists || log.Length < services.Options.ContainerLogMaxSizeBytes)
            return;
        try
        {
            Tidy(log);
            var rotated = container.LogPath + "." + services.TimeProvider.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
            File.Move(container.LogPath, rotated, overwrite: true);
            try
            {
                await services.Runtime.ReopenContainerLogAsync(container.Id, cancellationToken);
            }
            catch (RuntimeException)
            {
                // The runtime writes on to the renamed file; under its old name the log is whole again.
                File.Move(rotated, container.LogPath, overwrite: false);
                throw;
            }
        }
        catch (Exception exception) when (exception is RuntimeException or IOException)
        {
            WorkerLog.LogNotRotated(services.Logger, container.Id, exception.Message);
        }
    }

    /// <summary>Before a new one is added: the current file and the newest rotated one stay plain, so that a reader who follows is not cut off.</summary>
    private void Tidy(FileInfo log)
    {
        var rotated = log.Directory!.GetFiles(log.Name + ".*").Where(f => !f.Name.EndsWith(".tmp", StringComparison.Ordinal)).OrderByDescending(f => f.Name, StringComparer.Ordinal).ToList();
        foreach (var file in rotated.Skip(services.Options.ContainerLogMaxFiles - 2))
            file.Delete();
        foreach (var file in rotated.Take(services.Options.ContainerLogMaxFiles - 2).Where(f => f.Extension != ".gz"))
        {
            using (var input = file.OpenRead())
            using (var output = new GZipStream(File.Create(file.FullName + ".tmp"), CompressionLevel.Fastest))
                input.CopyTo(output);
            File.Move(file.FullName + ".tmp", file.FullName + ".gz", overwrite: true);
            file.Delete();
        }
    }
}
