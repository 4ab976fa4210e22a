using System.CommandLine;
using System.Globalization;
using Grpc.Core;
using LiteKube.Configuration;
using LiteKube.Cri;
using LiteKube.Cri.V1;
using LiteKube.Hosting;
using LiteKube.Kubelet.Images;

namespace LiteKube.Commands;

/// <summary>`litekube images`: what this instance's containerd holds; no registry is involved.</summary>
internal static class ImagesCommand
{
    private static readonly TimeSpan ListTimeout = TimeSpan.FromSeconds(30);

    public static Command Create(SettingOptions settings) => new("images", "Import and list container images.") { Import(settings), List(settings) };

    private static Command Import(SettingOptions settings)
    {
        var file = new Argument<string>("file") { Description = "A docker save or OCI layout tar, plain or gzip; - reads standard input.", HelpName = "FILE|-" };
        var name = new Option<string?>("--name") { Description = "The image's name, where the archive has none.", HelpName = "NAME" };
        var command = new Command("import", "Import images from an archive.") { file, name };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var config = settings.Load(parse);
            var path = parse.GetValue(file)!;
            await using var input = Open(path);
            using var channel = await ConnectAsync(config, cancellationToken);
            try
            {
                var importer = new ImageImporter(channel, Path.GetTempPath(), TimeProvider.System);
                foreach (var image in await importer.ImportAsync(input, parse.GetValue(name), cancellationToken))
                    Terminal.Out.WriteLine(image);
            }
            catch (ImageFormatException e)
            {
                throw new CommandException($"{path}: {e.Message}");
            }
            catch (RpcException e)
            {
                throw new CommandException($"containerd refused the images: {e.Status.Detail}");
            }
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command List(SettingOptions settings)
    {
        var command = new Command("list", "List the images that pods can use without a registry.");
        command.SetAction(async (parse, cancellationToken) =>
        {
            var config = settings.Load(parse);
            using var channel = await ConnectAsync(config, cancellationToken);
            var images = await channel.Images.ListImagesAsync(new ListImagesRequest(), cancellationToken: cancellationToken).ResponseAsync.WaitAsync(ListTimeout, TimeProvider.System, cancellationToken);
            var rows = images.Images.SelectMany(i => i.RepoTags.DefaultIfEmpty("<none>").Select(tag => (Tag: tag, i.Id, i.Size))).OrderBy(r => r.Tag, StringComparer.Ordinal).ToList();
            var width = rows.Select(r => r.Tag.Length).Append("IMAGE".Length).Max();
            Terminal.Out.WriteLine($"{"IMAGE".PadRight(width)}  {"ID",-12}  SIZE");
            foreach (var (tag, id, size) in rows)
                Terminal.Out.WriteLine($"{tag.PadRight(width)}  {id.Replace("sha256:", "", StringComparison.Ordinal)[..12]}  {Megabytes(size)}");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Stream Open(string path)
    {
        if (path == "-")
            return Console.OpenStandardInput();
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"cannot read {path}: {e.Message}");
        }
    }

    private static async Task<RuntimeChannel> ConnectAsync(InstanceConfig config, CancellationToken cancellationToken)
    {
        var socket = ClusterOptions.Kubelet(config).ContainerdSocket;
        if (Environment.IsPrivilegedProcess && !File.Exists(socket))
            throw new CommandException($"images are kept by the cluster, which does not run; start it with: {ServerControl.StartCommandOf(config)}");
        var channel = new RuntimeChannel(socket);
        try
        {
            await channel.Runtime.VersionAsync(new VersionRequest(), cancellationToken: cancellationToken);
            return channel;
        }
        catch (RpcException e)
        {
            channel.Dispose();
            throw new CommandException(Environment.IsPrivilegedProcess
                ? $"containerd does not answer ({e.Status.Detail}); is the cluster running? See: litekube status"
                : "images are root's to see; use sudo");
        }
    }

    private static string Megabytes(ulong bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1_000_000.0:0.0} MB");
}
