using System.CommandLine;

namespace LiteKube.Commands;

internal static class ImagesCommand
{
    public static Command Create(SettingOptions settings)
    {
        var command = new Command("images", "Import and list container images.");
        _ = settings;
        return command;
    }
}
